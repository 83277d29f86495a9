// `for await` over a socket: connections of one that listens, chunks of a stream, datagrams of any other.

import * as c from '../constants.js';
import { OSError } from '../errors/index.js';

/** The calls of a socket that iteration needs. */
interface IteratedSocket {
  readonly type: number;
  fileno(): number;
  getsockopt(level: number, optname: number): number;
  accept(): Promise<unknown>;
  recv(bufsize: number): Promise<Buffer>;
  recvfrom(bufsize: number): Promise<unknown>;
}

const CHUNK_SIZE = 64 * 1024;
const DONE: IteratorResult<unknown, undefined> = Object.freeze({ done: true, value: undefined });

type Result = IteratorResult<unknown, undefined>;

/** Returns the call that receives the next item; a chunk without bytes is the end of a stream. */
function next_of(sock: IteratedSocket): () => Promise<unknown> {
  if (sock.getsockopt(c.SOL_SOCKET, c.SO_ACCEPTCONN) !== 0) return () => next_connection(sock);
  if (sock.type === c.SOCK_STREAM || sock.type === c.SOCK_SEQPACKET) return () => sock.recv(CHUNK_SIZE);
  return () => sock.recvfrom(CHUNK_SIZE);
}

function next_connection(sock: IteratedSocket): Promise<unknown> {
  return sock.accept().catch((error: unknown) => {
    // That one gave up while it waited for us; the next is as good.
    if (error instanceof OSError && error.code === 'ECONNABORTED') return next_connection(sock);
    throw error;
  });
}

class Iteration implements AsyncIterableIterator<unknown> {
  readonly #sock: IteratedSocket;
  #next: (() => Promise<unknown>) | undefined;
  #ended = false;

  constructor(sock: IteratedSocket) {
    this.#sock = sock;
  }

  next(): Promise<Result> {
    if (this.#ended || this.#sock.fileno() < 0) return Promise.resolve(DONE);
    try {
      this.#next ??= next_of(this.#sock);
    } catch (error) {
      return Promise.reject(error);
    }
    // One turn from what was received to the loop's body.
    return this.#next().then(this.#give, this.#fail);
  }

  readonly #give = (value: unknown): Result => {
    if (!Buffer.isBuffer(value) || value.length > 0) return { done: false, value };
    this.#ended = true;
    return DONE;
  };

  readonly #fail = (error: unknown): Result => {
    this.#ended = true;
    // close() while it waited.
    if (this.#sock.fileno() < 0) return DONE;
    throw error;
  };

  return(): Promise<Result> {
    this.#ended = true;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** See Socket's Symbol.asyncIterator. */
export function iterate(sock: IteratedSocket): AsyncIterableIterator<unknown> {
  return new Iteration(sock);
}
