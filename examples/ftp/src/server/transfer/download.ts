// Downloads: a file as it is goes by sendfile(2); what is changed on its way, and listings, as chunks.
import { SSLSocket, TimeoutError } from 'bsd-sockets/promises';
import { to_wire } from '../../protocol/ascii.js';
import { deflated } from '../../protocol/deflate.js';
import type { OpenFile } from '../../store/types.js';
import type { Session } from '../session.js';
import type { Moving } from './transfer.js';

/** The bytes of one call of sendfile: its end is when progress is told. */
const PIECE = 4 * 1024 * 1024;
const SHORTER = 'The file has become shorter.';
/** The bytes of a read, while the ones before them are sent. */
const CHUNK = 128 * 1024;

/** Sends bytes `start` to `end` of a file: by sendfile(2), or over TLS what is read ahead while it is encrypted. */
export async function send_file(
  moving: Moving,
  file: OpenFile,
  start: number,
  end: number,
  rate: number | undefined,
): Promise<void> {
  const { conn, meter, signal, stall } = moving;
  if (conn instanceof SSLSocket) {
    const before = meter.bytes;
    await send_chunks(moving, read_file(file, start, end), rate);
    if (meter.bytes - before < end - start) throw new Error(SHORTER);
    return;
  }
  const most = meter.piece(PIECE, rate);
  for (let position = start; position < end; ) {
    const count = Math.min(most, end - position);
    await meter.allow(count, signal);
    for (let sent = 0; sent < count; ) {
      const moved = await send_piece(() =>
        conn.sendfile(file.fd, position + sent, count - sent, { signal, timeout: stall }),
      );
      if (moved === 0) throw new Error(SHORTER);
      sent += moved;
      meter.add(moved);
    }
    position += count;
  }
}

/** Returns the bytes that were sent; a time-out in which some were sent is none. */
async function send_piece(send: () => Promise<number>): Promise<number> {
  try {
    return await send();
  } catch (error) {
    if (error instanceof TimeoutError && 'bytes_sent' in error && Number(error.bytes_sent) > 0)
      return Number(error.bytes_sent);
    throw error;
  }
}

/** The bytes of a file, in chunks, the next one read meanwhile; a chunk is to be used up before the next one is asked for. */
export async function* read_file(file: OpenFile, start: number, end: number): AsyncGenerator<Buffer> {
  let position = start;
  const read = (memory: Buffer): Promise<number> => {
    if (position >= end) return Promise.resolve(0);
    const count = file.read(memory.subarray(0, Math.min(memory.length, end - position)), position);
    // It is awaited a turn later.
    count.catch(() => {});
    return count;
  };
  const most = Math.min(CHUNK, end - start);
  let memory = Buffer.allocUnsafeSlow(most);
  let other = Buffer.allocUnsafeSlow(most);
  let next = read(memory);
  try {
    for (let count = await next; count > 0; count = await next) {
      position += count;
      next = read(other);
      yield memory.subarray(0, count);
      [memory, other] = [other, memory];
    }
  } finally {
    // The file is closed behind this: no read must be under way.
    await next.catch(() => {});
  }
}

/** Returns the chunks as the session's TYPE and MODE have them on the wire. */
export function encoded(
  session: Session,
  chunks: AsyncIterable<Uint8Array>,
  is_text = session.parameters.type === 'A',
): AsyncIterable<Uint8Array> {
  const { mode, level } = session.parameters;
  const lines = is_text ? to_wire(chunks) : chunks;
  return mode === 'Z' ? deflated(lines, level) : lines;
}

/** Sends chunks. */
export async function send_chunks(
  { conn, meter, signal, stall }: Moving,
  chunks: AsyncIterable<Uint8Array>,
  rate: number | undefined,
): Promise<void> {
  const most = meter.piece(CHUNK, rate);
  for await (const chunk of chunks) {
    for (let sent = 0; sent < chunk.length; sent += most) {
      let piece = chunk.subarray(sent, sent + most);
      await meter.allow(piece.length, signal);
      while (piece.length > 0) {
        const rest = piece;
        const count = await send_piece(async () => {
          await conn.sendall(rest, { signal, timeout: stall });
          return rest.length;
        });
        meter.add(count);
        piece = rest.subarray(count);
      }
    }
  }
}
