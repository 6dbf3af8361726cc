/** A bit that changes in a file behind the back of whoever has it open. */

/** Changes the lowest bit of the byte at `offset`, which must lie within the file. */
export function flipBit(path: string, offset: number): void {
  using file = Deno.openSync(path, { read: true, write: true });
  const byte = new Uint8Array(1);
  file.seekSync(offset, Deno.SeekMode.Start);
  if (file.readSync(byte) !== 1) throw new Error(`${path} has no byte ${offset}`);
  byte[0] = (byte[0] ?? 0) ^ 1;
  file.seekSync(offset, Deno.SeekMode.Start);
  file.writeSync(byte);
}
