// MODE Z: the data of a transfer as a zlib stream (draft-preston-ftpext-deflate).
import { pipeline } from 'node:stream/promises';
import { createDeflate, createInflate } from 'node:zlib';
import { FTPError, message_of } from './errors.js';

type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;
type Take = (chunk: Uint8Array) => Promise<void> | void;

/** Deflates `source` into `take`. */
export async function deflate(source: Chunks, take: Take, signal: AbortSignal): Promise<void> {
  await pipeline(
    source,
    createDeflate(),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) await take(chunk);
    },
    { signal },
  );
}

/** Inflates `source`, whose chunks are copied, into `take`. @throws (rejects) FTPError 'transfer' for what is no zlib stream, or a part of one */
export async function inflate(
  source: AsyncIterable<Uint8Array>,
  take: Take,
  signal: AbortSignal,
): Promise<void> {
  async function* copies() {
    for await (const chunk of source) yield Buffer.from(chunk);
  }
  try {
    await pipeline(
      copies(),
      createInflate(),
      async (chunks: AsyncIterable<Buffer>) => {
        for await (const chunk of chunks) await take(chunk);
      },
      { signal },
    );
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code.startsWith('Z_'))
      throw new FTPError('transfer', `the compressed data is damaged: ${message_of(error)}`, {
        cause: error,
      });
    throw signal.aborted ? signal.reason : error;
  }
}
