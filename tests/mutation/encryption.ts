/** Planted bugs around encryption at rest. */

import type { Mutation } from "./mutation.ts";

const ROOM = "lib/storage/encryption";

/** In the order of their numbers. */
export const ENCRYPTION_SLIPS: readonly Mutation[] = [
  {
    id: "M966",
    what: "The number of a record has no part in its nonce: every record of a segment has the same",
    patches: [{
      file: `${ROOM}/aead.ts`,
      find: "setUint53(view, { offset: 0, value: number });",
      replace: "setUint53(view, { offset: 0, value: Math.min(number, 1) });",
    }],
  },
  {
    id: "M967",
    what: "A start goes on in the last segment of the process before, with its key",
    patches: [{
      file: "lib/storage/wal_recovery.ts",
      find: "    highestIndex: last.highestIndex,\n",
      replace:
        "    highestIndex: last.highestIndex,\n    cipher: last.header.salt === undefined ? undefined : recovery.keys?.segment(last.header.salt),\n",
    }, {
      file: "lib/storage/wal_recovery.ts",
      find: "  else file.truncate(last.end);\n",
      replace: "  else extend(file, segmentBytes);\n",
    }],
  },
  {
    id: "M968",
    what: "A record is not bound to its header: it may stand anywhere in its segment",
    patches: [{
      file: `${ROOM}/record_cipher.ts`,
      find: "return concatBytes(this.#context, header);",
      replace: "return concatBytes(this.#context, header.subarray(0, 0));",
    }],
  },
  {
    id: "M969",
    what: "A plain file is read whenever it is found in an encrypted directory",
    patches: [{
      file: `${ROOM}/encrypted_disk.ts`,
      find: "keys.plain.includes(name) ? file : new RefusedFile(file)",
      replace: "name !== undefined || keys.plain.includes(name) ? file : new RefusedFile(file)",
    }],
  },
  {
    id: "M970",
    what: "The tag of a block is not looked at",
    patches: [{
      file: `${ROOM}/aead.ts`,
      find: "    return undefined; // The only thing that it can say: the tag does not fit.",
      replace: "    return plain;",
    }],
  },
  {
    id: "M971",
    what: "A plain file is forgotten before its removal is durable, and comes back with a power failure",
    tests: ["tests/crash/encrypted_test.ts"],
    patches: [{
      file: `${ROOM}/key_files.ts`,
      find: "      await this.#settle(directory);\n",
      replace: "      await Promise.resolve(() => this.#settle(directory));\n",
    }],
  },
  {
    id: "M972",
    what: "A block of a snapshot is not bound to its place in the file",
    patches: [{
      file: `${ROOM}/file_cipher.ts`,
      find: "setUint53(viewOf(place), { offset: 0, value: index });",
      replace: "setUint53(viewOf(place), { offset: 0, value: Math.min(index, 0) });",
    }],
  },
  {
    id: "M973",
    what: "The node file of an encrypted directory is taken without a look at its code",
    patches: [{
      file: "lib/storage/node_file.ts",
      find: "  if (keys !== undefined && !isAuthentic(content, keys)) {",
      replace: "  if (keys !== undefined && sum(content) < 0 && !isAuthentic(content, keys)) {",
    }, {
      file: "lib/storage/node_file.ts",
      find: "function isAuthentic(",
      replace:
        "function sum(content: Content): number {\n  return Object.keys(content).length;\n}\n\nfunction isAuthentic(",
    }],
  },
  {
    id: "M974",
    what: "A block of a snapshot that is written again takes the nonce of before",
    patches: [{
      file: `${ROOM}/file_cipher.ts`,
      find: "    this.#counter += 1;\n",
      replace: "    this.#counter = index + 1;\n",
    }],
  },
  {
    id: "M975",
    what: "Every segment of a directory has the same key",
    patches: [{
      file: `${ROOM}/directory_keys.ts`,
      find: "  newSegment(): Salted<RecordCipher> {\n    const salt = this.#random(SALT_BYTES);",
      replace: "  newSegment(): Salted<RecordCipher> {\n    const salt = new Uint8Array(SALT_BYTES);",
    }],
  },
  {
    id: "M976",
    what: "rekey writes the key file in its place, and a power failure leaves half of it",
    patches: [{
      file: `${ROOM}/key_files.ts`,
      find: 'this.#disk.open(`${path}.tmp`, "create")',
      replace: 'this.#disk.open(path, "create")',
    }],
  },
  {
    id: "M977",
    what: "What the program of --master-key-command prints has no bound",
    tests: ["tests/unit/cli/master_key_test.ts"],
    patches: [{
      file: "lib/cli/master_key.ts",
      find: "    if (bytes > KEY_COMMAND_BYTES_MAX) {",
      replace: "    if (bytes > 64 * KEY_COMMAND_BYTES_MAX) {",
    }],
  },
  {
    id: "M978",
    what: "A backup that is begun anew goes on under the key, and the numbers, of the attempt before",
    patches: [{
      file: `${ROOM}/sealed_backup.ts`,
      find: "    this.#file.truncate(0);\n",
      replace: "    if (this.#writer.size() > 0) return;\n    this.#file.truncate(0);\n",
    }],
  },
  {
    id: "M979",
    what: "kvstore backup writes the file as it comes, whatever key it was given",
    tests: ["tests/e2e/encryption_test.ts"],
    patches: [{
      file: "lib/cli/backup/output_file.ts",
      find: "return masterKeys === undefined ? file",
      replace: "return masterKeys === undefined || masterKeys.length > 0 ? file",
    }],
  },
  {
    id: "M1103",
    what: "Of an encrypted directory with a damaged file no copy can be made, and so no recovery be forced",
    patches: [{
      file: "lib/storage/kept_copy.ts",
      find: "disk.encryption?.stored ?? disk",
      replace: "disk",
    }],
    tests: ["tests/unit/storage/encryption/directory_test.ts"],
  },
];
