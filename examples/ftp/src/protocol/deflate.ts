// MODE Z: the data connection carries a zlib stream. Generators over chunks, for both directions. A stream that ends before its end is an
// error: what came is not the whole file.
import { constants, createDeflate, createInflate, type Deflate, type Inflate } from 'node:zlib';

/** Passes chunks through a transform of node:zlib, with as much in memory as one chunk. */
async function* through(chunks: AsyncIterable<Uint8Array>, zlib: Deflate | Inflate): AsyncGenerator<Buffer> {
  const feed = async () => {
    try {
      for await (const chunk of chunks) {
        // The memory of a chunk is its maker's again once the next one is asked for, so it has to be used up by then.
        await new Promise<void>((resolve, reject) => {
          zlib.write(chunk, (error) => (error ? reject(error) : resolve()));
        });
      }
      zlib.end();
    } catch (error) {
      zlib.destroy(error instanceof Error ? error : new Error(String(error)));
    }
  };
  // Errors of the stream come out of the loop below.
  zlib.on('error', () => {});
  const fed = feed();
  try {
    for await (const chunk of zlib) yield chunk as Buffer;
    await fed;
  } finally {
    if (!zlib.destroyed) zlib.destroy();
  }
}

/** Compresses. @param level 0 to 9 */
export function deflated(chunks: AsyncIterable<Uint8Array>, level: number): AsyncGenerator<Buffer> {
  return through(chunks, createDeflate({ level, chunkSize: 64 * 1024 }));
}

/** Decompresses. @throws (rejects) an Error with the code 'Z_BUF_ERROR' for a stream without its end, 'Z_DATA_ERROR' for what is no zlib stream */
export function inflated(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  return through(chunks, createInflate({ chunkSize: 64 * 1024, finishFlush: constants.Z_FINISH }));
}
