/** Keys and ciphers: known answers, forms that are accepted, and that nothing shows a key. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { inspect } from "node:util";
import { MasterKeyError } from "../../../../lib/base/errors.ts";
import { BLOCK_BYTES_MAX, decrypt, encryptInto, nonceOf } from "../../../../lib/storage/encryption/aead.ts";
import { DirectoryKeys } from "../../../../lib/storage/encryption/directory_keys.ts";
import { FileCipher } from "../../../../lib/storage/encryption/file_cipher.ts";
import { parseMasterKeys } from "../../../../lib/storage/encryption/master_key.ts";
import { RecordCipher, sealedBodyBytes } from "../../../../lib/storage/encryption/record_cipher.ts";
import { masterKey, OLD, seeded } from "./support.ts";

const HEX = "00112233445566778899aabbccddeeff".repeat(2);
const BASE64 = Buffer.from(HEX, "hex").toString("base64");

Deno.test("AES-256-GCM gives what the specification says (test case 16 of McGrew and Viega)", () => {
  const hex = (text: string) => Uint8Array.from(Buffer.from(text, "hex"));
  const key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  const nonce = hex("cafebabefacedbaddecaf888");
  const associated = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  const plain = hex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
  );
  const sealed = new Uint8Array(plain.length + 16);
  encryptInto(sealed, key, { nonce, associated, plain });
  assertEquals(
    Buffer.from(sealed).toString("hex"),
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662" +
      "76fc6ece0f4e1768cddf8853bb2d551b",
  );
  assertEquals(
    Buffer.from(decrypt(key, { nonce, associated, sealed }) ?? "").toString("hex"),
    Buffer.from(plain).toString("hex"),
  );
  assertEquals(decrypt(key, { nonce, associated: associated.subarray(1), sealed }), undefined);
});

Deno.test("a master key is 32 bytes in hexadecimal or base64, one or two of them; what is wrong is said without showing it", async (t) => {
  assertEquals(
    parseMasterKeys(`${HEX}\n`, "file").map(({ id }) => id),
    parseMasterKeys(BASE64, "file").map(({ id }) => id),
  );
  assertEquals(parseMasterKeys(`${HEX}\n${"11".repeat(32)}\n`, "file").length, 2);
  for (
    const text of [
      "",
      "  \n",
      HEX.slice(1),
      `${HEX}0`,
      `${HEX} short`,
      `${HEX} ${HEX} ${HEX}`,
      `${BASE64}=`,
      "secret words",
    ]
  ) {
    await t.step(JSON.stringify(text), () => {
      const { message } = assertThrows(() => parseMasterKeys(text, "FILE"), MasterKeyError);
      for (const word of text.split(/\s+/).filter((each) => each.length > 4)) assert(!message.includes(word), message);
    });
  }
});

Deno.test("neither a key nor what holds one shows it when it is printed or turned into JSON", () => {
  const keys = DirectoryKeys.generate({ nodeId: 0, clusterName: "" }, { plain: [], random: seeded(4) });
  const bytes = [new Uint8Array(32).fill(1), keys.reveal()];
  const segment = keys.newSegment().cipher;
  for (
    const shown of [OLD, keys, segment, keys.newSnapshot().cipher].flatMap((each) => [
      inspect(each, { depth: 9, showHidden: true }),
      Deno.inspect(each, { depth: 9, showHidden: true }),
      JSON.stringify(each),
    ])
  ) {
    for (const key of bytes) {
      for (const form of [key.slice(0, 4).join(", "), key.slice(0, 4).join(","), Buffer.from(key).toString("hex")]) {
        assert(!shown.includes(form), shown);
      }
    }
  }
  assertNotEquals(OLD.id, masterKey(2).id);
});

Deno.test("a body of any length is opened again, block by block, and by nobody who names another record", () => {
  const cipher = new RecordCipher(new Uint8Array(32).fill(3), new Uint8Array([1]));
  const header = new Uint8Array(80).fill(7);
  for (const length of [0, 1, BLOCK_BYTES_MAX - 1, BLOCK_BYTES_MAX, BLOCK_BYTES_MAX + 1, 3 * BLOCK_BYTES_MAX]) {
    const plain = seeded(length)(length);
    const sealed = cipher.seal(plain, { number: 5, header });
    assertEquals(sealed.length, sealedBodyBytes(length));
    assertEquals(Uint8Array.from(cipher.open(sealed, { number: 5, header }) ?? []), plain);
    assertEquals(cipher.open(sealed, { number: 6, header }), undefined);
    assertEquals(cipher.open(sealed, { number: 5, header: header.map(() => 8) }), undefined);
    assertEquals(cipher.open(sealed.subarray(0, -1), { number: 5, header }), undefined);
  }
});

Deno.test("no nonce comes twice: each block of a record and each encryption of a file has another one", () => {
  const nonces = new Set<string>();
  for (let number = 1; number <= 20; number++) {
    for (let block = 0; block < 20; block++) nonces.add(nonceOf(number, block).join());
  }
  assertEquals(nonces.size, 400);
  const cipher = new FileCipher(new Uint8Array(32), new Uint8Array(1));
  const block = new Uint8Array(9);
  const [first, second] = [cipher.seal(block, 0), cipher.seal(block, 0)];
  assertNotEquals(first, second);
  assertEquals([cipher.open(first, 0), cipher.open(second, 0)].map((plain) => plain?.length), [9, 9]);
  assertEquals(cipher.open(first, 1), undefined);
});
