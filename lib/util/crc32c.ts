// CRC-32C, the checksum of Castagnoli that SCTP and the PROXY protocol use (RFC 9260, appendix A).

/** The remainder of each byte for the reversed polynomial: made by the first sum, as few programs need one. */
let table: Uint32Array | undefined;

function make_table(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let remainder = byte;
    for (let bit = 0; bit < 8; bit++)
      remainder = remainder & 1 ? (remainder >>> 1) ^ 0x82f63b78 : remainder >>> 1;
    return remainder;
  });
}

/** Returns the CRC-32C of bytes, a number of 32 bits. @param crc of the bytes before these */
export function crc32c(bytes: Uint8Array, crc = 0): number {
  table ??= make_table();
  let remainder = ~crc;
  for (const byte of bytes) remainder = (table[(remainder ^ byte) & 0xff] as number) ^ (remainder >>> 8);
  return ~remainder >>> 0;
}
