// Chunk: received bytes whose memory is given back on purpose, and is received into again. New memory for each receive is cold: the processor's
// caches do not have it. See docs/speed.md, "Large blocks".
//
// Memory that is given back leaves its ArrayBuffer: all views of that are empty from then on, so no view ever shows later bytes.
import { Buffer } from 'node:buffer';
import * as c from '../../constants.js';
import { addon } from '../../native/addon.js';
import { integer } from '../../util/validate.js';
import { decode } from '../address.js';
import type { SocketBase } from '../socket_base.js';
import type { SenderAddress } from '../transfer.js';

/** The largest chunk, in bytes. */
const SIZE_MAX = 2 ** 30;
/** Bytes of free memory that are kept for the next chunks. */
const KEPT_MAX = 4 * 2 ** 20;

// Free memory by its size, the warmest last.
const free = new Map<number, ArrayBuffer[]>();
let kept = 0;

/** ArrayBuffer.prototype.transfer, which Node.js 20 lacks. */
const own_transfer: unknown = Reflect.get(ArrayBuffer.prototype, 'transfer');
const transfer: (memory: ArrayBuffer) => ArrayBuffer =
  typeof own_transfer === 'function'
    ? (memory) => own_transfer.call(memory)
    : (memory) => structuredClone(memory, { transfer: [memory] });

function take(size: number): ArrayBuffer {
  const memory = free.get(size)?.pop();
  if (memory === undefined) return new ArrayBuffer(size);
  kept -= size;
  return memory;
}

function give_back(memory: ArrayBuffer): void {
  const size = memory.byteLength;
  if (kept + size > KEPT_MAX) return;
  const same = free.get(size);
  if (same === undefined) free.set(size, [memory]);
  else same.push(memory);
  kept += size;
}

/** Bytes that were received, in memory that release() gives back. */
export class Chunk<out Address = unknown> {
  /** The bytes; none at the end of a stream, and once the chunk is released. */
  readonly data: Buffer;
  /** The sender of a datagram, in the form of the family; null for the bytes of a stream. It stays when the chunk is released. */
  readonly address: Address;
  #memory: ArrayBuffer | undefined;

  /** @internal */
  constructor(memory: ArrayBuffer, count: number, address: Address) {
    this.#memory = memory;
    this.data = Buffer.from(memory, 0, count);
    this.address = address;
  }

  /**
   * release(). Gives the memory back: `data` and all views of it are empty from now on. Again, it does nothing. Not before others are done with
   * the bytes: a `write` of node:fs that is under way reads the memory. See docs/promises.md.
   *
   * @example
   * await peer.sendall('hello');
   * const chunk = await sock.recv_chunk(65536);
   * const { length } = chunk.data;
   * chunk.release();
   * console.log(length, chunk.data.length); // 5 0
   */
  release(): void {
    const memory = this.#memory;
    this.#memory = undefined;
    // The program may have transferred the memory itself.
    if (memory !== undefined && memory.byteLength > 0) give_back(transfer(memory));
  }

  /**
   * The same as release(), for the statement `using` of ECMAScript: `using chunk = await sock.recv_chunk(65536);`.
   *
   * @example
   * await peer.sendall('hello');
   * const chunk = await sock.recv_chunk(65536);
   * chunk[Symbol.dispose]();
   * console.log(chunk.data.length); // 0
   */
  [Symbol.dispose](): void {
    this.release();
  }
}

/** Returns the size of a chunk. @throws TypeError, RangeError */
export function check_size(size: unknown): number {
  return integer(size, 'size', 1, SIZE_MAX);
}

/** Receives a chunk of at most `size` bytes. Returns a negative number if that fails. */
export function recv_chunk<F extends number, K extends number>(
  sock: SocketBase<F, K>,
  size: number,
  timeout_ms: number,
): Chunk<SenderAddress<F, K, 0>> | number {
  const memory = take(size);
  const bytes = new Uint8Array(memory);
  const { _fd, _generation, family, type } = sock;
  const has_sender = type !== c.SOCK_STREAM;
  const count = has_sender
    ? addon.recvfrom(_fd, _generation, bytes, size, 0, timeout_ms)
    : addon.recv(_fd, _generation, bytes, size, 0, timeout_ms);
  if (count >= 0) {
    const address = has_sender ? decode(family, sock.proto) : null;
    return new Chunk(memory, count, address as SenderAddress<F, K, 0>);
  }
  if (memory.byteLength === size) give_back(memory);
  return count;
}
