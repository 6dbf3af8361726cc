/** Slots of Redis Cluster: CRC16 (XMODEM) of a key, or of the part of it in braces. */

/** Number of slots. */
export const SLOTS = 16_384;

const POLYNOMIAL = 0x1021;
const TABLE = makeTable();

/** The slot of a key, a byte string. */
export function slotOf(key: string): number {
  const open = key.indexOf("{");
  const close = open === -1 ? -1 : key.indexOf("}", open + 1);
  const hashed = close > open + 1 ? key.slice(open + 1, close) : key;
  let crc = 0;
  for (let at = 0; at < hashed.length; at++) {
    crc = ((crc << 8) & 0xffff) ^ (TABLE[((crc >> 8) ^ hashed.charCodeAt(at)) & 0xff] ?? 0);
  }
  return crc % SLOTS;
}

function makeTable(): Uint16Array {
  const table = new Uint16Array(256);
  for (let byte = 0; byte < table.length; byte++) {
    let crc = byte << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ POLYNOMIAL;
    table[byte] = crc & 0xffff;
  }
  return table;
}
