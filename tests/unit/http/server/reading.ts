/** Feeds bytes to a `RequestReader` and tells what it finds, in one line for each event. */

import { stringToBytes } from "../../../../lib/base/bytes.ts";
import { ByteInput } from "../../../../lib/http/server/byte_input.ts";
import { type ReadEvent, RequestReader } from "../../../../lib/http/server/request_reader.ts";

/** What a reader made of pieces of input. */
export interface Reading {
  /** `Head ...`, `Body ...`, or `Refused ...` as the last one. */
  readonly events: readonly string[];
  readonly reader: RequestReader;
  /** The most memory that the reader held at a time. */
  readonly heldBytesMax: number;
}

/** Reads the pieces one after the other; every body may have `bodyBytesMax` bytes. */
export function readPieces(pieces: Iterable<string>, bodyBytesMax = 100): Reading {
  const reader = new RequestReader();
  const input = new ByteInput();
  const events: string[] = [];
  let heldBytesMax = 0;
  for (const piece of pieces) {
    input.refill(stringToBytes(piece));
    for (let event = reader.read(input); event.type !== "More"; event = reader.read(input)) {
      events.push(describe(event));
      if (event.type !== "Head") continue;
      const refusal = reader.acceptBody(bodyBytesMax);
      if (refusal !== undefined) events.push(describe({ type: "Refused", refusal }));
    }
    heldBytesMax = Math.max(heldBytesMax, reader.heldBytes);
  }
  return { events, reader, heldBytesMax };
}

function describe(event: Exclude<ReadEvent, { type: "More" }>): string {
  switch (event.type) {
    case "Head": {
      const { method, path, query, headers, minorVersion, framing, staysOpen, expectsContinue } = event.head;
      const fields = Array.from(headers, ([name, value]) => `${name}=${value}`).join("; ");
      const size = framing.type === "Length" ? ` ${framing.bytes}` : "";
      const flags = `${staysOpen ? " open" : " close"}${expectsContinue ? " expects" : ""}`;
      return `Head ${method} ${path} ?${query} 1.${minorVersion} ${framing.type}${size}${flags} [${fields}]`;
    }
    case "Body":
      return `Body ${event.body}`;
    default:
      return `Refused ${event.refusal.status} ${event.refusal.code}`;
  }
}
