// `for await` over a socket: connections of one that listens, chunks of a stream, datagrams of any other.

import type { ReturnedAddress } from '../calls/address.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import type { Socket } from './socket.js';

/**
 * What a socket gives: `[conn, address]`, a chunk, or `[data, address]`. Which, is known only when it runs, but for the
 * sockets below.
 */
// biome-ignore lint/suspicious/noExplicitAny: the kind of a socket is no part of its type.
export type Received<_F extends number> = any;

/** A socket that listens: `for await` gives connections. */
export interface ListeningSocket<out F extends number = number> extends Socket<F> {
  [Symbol.asyncIterator](): AsyncIterableIterator<[ConnectedSocket<F>, ReturnedAddress<F>]>;
}

/** A socket that is connected: `for await` gives bytes. */
export interface ConnectedSocket<out F extends number = number> extends Socket<F> {
  [Symbol.asyncIterator](): AsyncIterableIterator<Buffer>;
}

const CHUNK_SIZE = 64 * 1024;
const DONE: IteratorResult<unknown, undefined> = Object.freeze({ done: true, value: undefined });

type Result = IteratorResult<unknown, undefined>;

/** What is received next; a chunk without bytes is the end of a stream. */
function next_of(sock: Socket<number>): () => Promise<unknown> {
  if (sock.getsockopt(c.SOL_SOCKET, c.SO_ACCEPTCONN) !== 0) return () => next_connection(sock);
  if (sock.type === c.SOCK_STREAM || sock.type === c.SOCK_SEQPACKET) return () => sock.recv(CHUNK_SIZE);
  return () => sock.recvfrom(CHUNK_SIZE);
}

function next_connection(sock: Socket<number>): Promise<unknown> {
  return sock.accept().catch((error: unknown) => {
    // That one gave up while it waited for us; the next is as good.
    if (error instanceof OSError && error.code === 'ECONNABORTED') return next_connection(sock);
    throw error;
  });
}

class Iteration implements AsyncIterableIterator<unknown> {
  readonly #sock: Socket<number>;
  #next: (() => Promise<unknown>) | undefined;
  #ended = false;

  constructor(sock: Socket<number>) {
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
export function iterate<F extends number>(sock: Socket<F>): AsyncIterableIterator<Received<F>> {
  return new Iteration(sock);
}
