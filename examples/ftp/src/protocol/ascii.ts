// TYPE A (RFC 959, section 3.1.1.1): on the wire lines end with CR LF, in files with LF. Generators over chunks, for both directions;
// a line end may be split between two chunks.

const CR = 13;
const LF = 10;

/** Makes the line ends of a file those of the wire. LF that has CR before it stays as it is. */
export async function* to_wire(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let last = 0;
  for await (const chunk of chunks) {
    const out = Buffer.allocUnsafe(chunk.length * 2);
    let length = 0;
    for (const byte of chunk) {
      if (byte === LF && last !== CR) out[length++] = CR;
      out[length++] = byte;
      last = byte;
    }
    if (length > 0) yield out.subarray(0, length);
  }
}

/** Makes the line ends of the wire those of a file. CR that has no LF behind it stays. */
export async function* from_wire(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held = false;
  for await (const chunk of chunks) {
    const out = Buffer.allocUnsafe(chunk.length + 1);
    let length = 0;
    for (const byte of chunk) {
      if (held && byte !== LF) out[length++] = CR;
      held = byte === CR;
      if (!held) out[length++] = byte;
    }
    if (length > 0) yield out.subarray(0, length);
  }
  if (held) yield Buffer.from([CR]);
}
