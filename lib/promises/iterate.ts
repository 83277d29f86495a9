// `for await` over a socket of promises: connections of a listening socket, chunks of a stream, datagrams of any other.
// The calls are those of socket.ts; here is the choice between them, and the end of the loop.
import { inspect } from 'node:util';
import type { PeerAddress } from '../calls/address.js';
import type { ReceivedFrom } from '../calls/transfer.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { UNCLONABLE_STATE } from '../util/unclonable.js';

/** The calls of a socket that iteration needs. */
interface IteratedSocket {
  readonly type: number;
  fileno(): number;
  getsockopt(level: number, optname: number): number;
  accept(): Promise<unknown>;
  recv(bufsize: number): Promise<Buffer>;
  _datagrams(bufsize: number): () => unknown;
}

/** What an iteration gives, by the type of the socket: of a stream connections or bytes, as it listens or is connected. */
export interface Iterated<F extends number, Connection> {
  1: [conn: Connection, address: PeerAddress<F>] | Buffer;
  2: ReceivedFrom<F, typeof c.SOCK_DGRAM, 0>;
  3: ReceivedFrom<F, typeof c.SOCK_RAW, 0>;
  [type: number]: [conn: Connection, address: PeerAddress<F>] | Buffer | ReceivedFrom<F, number, 0>;
}

const CHUNK_SIZE = 64 * 1024;
const DONE: IteratorReturnResult<undefined> = Object.freeze({ done: true, value: undefined });

/** Returns the call that receives the next item, or a promise of it; a chunk without bytes is the end of a stream. */
function next_of(sock: IteratedSocket): () => unknown {
  if (sock.getsockopt(c.SOL_SOCKET, c.SO_ACCEPTCONN) !== 0) return () => next_connection(sock);
  if (sock.type === c.SOCK_STREAM || sock.type === c.SOCK_SEQPACKET) return () => sock.recv(CHUNK_SIZE);
  return sock._datagrams(CHUNK_SIZE);
}

function next_connection(sock: IteratedSocket): Promise<unknown> {
  return sock.accept().catch((error: unknown) => {
    // The peer gave up before its connection was accepted: the loop goes on with the next connection.
    if (error instanceof OSError && error.code === 'ECONNABORTED') return next_connection(sock);
    throw error;
  });
}

/** The iterator of a socket: see Socket's Symbol.asyncIterator. @typeParam Item what next_of() receives from such a socket */
export class Iteration<Item> implements AsyncIterableIterator<Item> {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #sock: IteratedSocket;
  #next: (() => unknown) | undefined;
  #ended = false;

  constructor(sock: IteratedSocket) {
    this.#sock = sock;
  }

  next(): Promise<IteratorResult<Item, undefined>> {
    if (this.#ended || this.#sock.fileno() < 0) return Promise.resolve(DONE);
    try {
      this.#next ??= next_of(this.#sock);
    } catch (error) {
      return Promise.reject(error);
    }
    const next = this.#next();
    // One turn of the microtask queue from the receive to the body of the loop.
    if (next instanceof Promise) return next.then(this.#received, this.#failed);
    return Promise.resolve({ done: false, value: next as Item });
  }

  readonly #received = (value: unknown): IteratorResult<Item, undefined> => {
    if (!Buffer.isBuffer(value) || value.length > 0) return { done: false, value: value as Item };
    this.#ended = true;
    return DONE;
  };

  readonly #failed = (error: unknown): IteratorReturnResult<undefined> => {
    this.#ended = true;
    // The socket was closed while the loop waited.
    if (this.#sock.fileno() < 0) return DONE;
    throw error;
  };

  return(): Promise<IteratorReturnResult<undefined>> {
    this.#ended = true;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [inspect.custom](): string {
    return `<iteration of ${inspect(this.#sock)}>`;
  }
}
