// Uploads: what comes goes into two pieces of memory in turn, so that the next bytes come while the last are written. And what is the end of a file:
// the data may not say it.
import { setImmediate as next_turn } from 'node:timers/promises';
import { SO_RCVLOWAT, SOL_SOCKET, SSLSocket, TimeoutError } from 'bsd-sockets/promises';
import { from_wire } from '../../protocol/ascii.js';
import { inflated } from '../../protocol/deflate.js';
import type { Upload } from '../../store/types.js';
import type { Session } from '../session.js';
import type { Moving } from './transfer.js';

/** Memory for what comes at once: it doubles while a client fills it, since each write to the disk costs a way through a thread of its pool. */
const FIRST_CHUNK = 64 * 1024;
const MAX_CHUNK = 1024 * 1024;

/** Of a client that is fast so many bytes are awaited before they are received: a few of them at a time would keep the processor busy. */
const GATHERED = MAX_CHUNK / 2;
/** Seconds after which a client is none that is fast. */
const GATHER_S = 0.05;

/** Receives from a connection, in large pieces if much comes. */
class Receiver {
  readonly #moving: Moving;
  #gathers = false;

  constructor(moving: Moving) {
    this.#moving = moving;
  }

  /** Returns how many bytes came; 0 at the end. */
  async receive(memory: Buffer): Promise<number> {
    const { conn, signal, stall } = this.#moving;
    if (this.#gathers)
      try {
        return await conn.recv_into(memory, { signal, timeout: GATHER_S });
      } catch (error) {
        if (!(error instanceof TimeoutError)) throw error;
        this.#gather(false);
      }
    const count = await conn.recv_into(memory, { signal, timeout: stall });
    if (count >= GATHERED) this.#gather(true);
    return count;
  }

  #gather(gathers: boolean): void {
    const { conn } = this.#moving;
    // Over TLS the records are read by Node.
    if (conn instanceof SSLSocket) return;
    conn.setsockopt(SOL_SOCKET, SO_RCVLOWAT, gathers ? GATHERED : 1);
    this.#gathers = gathers;
  }
}

/**
 * What comes, until the end of the connection; a chunk is to be used up before the next one is asked for.
 *
 * @param rate of the user, bytes a second; undefined without one
 */
async function* received(moving: Moving, rate: number | undefined): AsyncGenerator<Buffer> {
  const { meter, signal } = moving;
  const receiver = new Receiver(moving);
  const receive = (memory: Buffer) => {
    const count = receiver.receive(memory);
    // It is awaited a turn later.
    count.catch(() => {});
    return count;
  };
  const most = meter.piece(MAX_CHUNK, rate);
  const first = Math.min(FIRST_CHUNK, most);
  let [memory, other] = [Buffer.allocUnsafeSlow(first), Buffer.allocUnsafeSlow(first)];
  let count = await receive(memory);
  while (count > 0) {
    const chunk = memory.subarray(0, count);
    await meter.allow(count, signal);
    meter.add(count);
    const next = receive(other);
    yield chunk;
    const is_full = count === memory.length && count < most;
    [memory, other] = [other, is_full ? Buffer.allocUnsafeSlow(Math.min(2 * count, most)) : memory];
    count = await next;
  }
}

/** Returns chunks of the wire as they are in a file, by the session's TYPE and MODE. */
function decoded(session: Session, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  const { mode, type } = session.parameters;
  const bytes = mode === 'Z' ? inflated(chunks) : chunks;
  return type === 'A' ? from_wire(bytes) : bytes;
}

/** Whether the data say themselves that they are whole: over TLS and in MODE Z they have an end of their own. */
function is_marked(
  session: Session,
  { conn, meter }: Moving,
  { start }: Upload,
  announced: number | undefined,
) {
  const { type, mode } = session.parameters;
  if (conn instanceof SSLSocket || mode === 'Z') return true;
  // Some clients announce what they send, others the size of the file.
  return type === 'I' && (announced === meter.bytes || announced === start + meter.bytes);
}

/**
 * Receives a file, up to the disk.
 *
 * @param announced what ALLO has said, bytes
 * @throws Error if the client has gone, and nobody knows whether that was the end of its file
 */
export async function receive_file(
  moving: Moving,
  session: Session,
  upload: Upload,
  announced: number | undefined,
): Promise<void> {
  const { signal } = moving;
  for await (const chunk of decoded(session, received(moving, session.user?.max_upload_rate))) {
    signal.throwIfAborted();
    await upload.write(chunk);
  }
  await upload.sync();
  // A client that was killed has both connections ended by its kernel. The end of the control connection is there by now, and is heard when the
  // event loop has looked at its sockets once.
  for (let turn = 0; turn < 2; turn++) await next_turn();
  signal.throwIfAborted();
  if (session.control.is_ended && !is_marked(session, moving, upload, announced))
    throw new Error('The client has gone: whether its file is whole is not known.');
}
