// `for await` over a socket: connections of one that listens, chunks of a stream, datagrams of any other.
import * as c from '../constants.js';
import { OSError } from '../errors.js';
import type { ReturnedAddress } from '../internal/address.js';
import type { Socket } from './socket.js';

/** What a socket gives: `[conn, address]`, a chunk, or `[data, address]`. Which, is known only when it runs. */
// biome-ignore lint/suspicious/noExplicitAny: the kind of a socket is no part of its type.
export type Received<_F extends number> = any;

const CHUNK_SIZE = 64 * 1024;

type Next = () => Promise<unknown>;

function chunks_of(sock: Socket<number>): Next {
  return async () => {
    const chunk = await sock.recv(CHUNK_SIZE);
    return chunk.length === 0 ? undefined : chunk;
  };
}

function connections_of(sock: Socket<number>): Next {
  return async () => {
    for (;;) {
      try {
        return await sock.accept();
      } catch (error) {
        // That one gave up while it waited for us; the next is as good.
        if (!(error instanceof OSError) || error.code !== 'ECONNABORTED') throw error;
      }
    }
  };
}

function kind_of(sock: Socket<number>): Next {
  if (sock.getsockopt(c.SOL_SOCKET, c.SO_ACCEPTCONN) !== 0) return connections_of(sock);
  if (sock.type === c.SOCK_STREAM || sock.type === c.SOCK_SEQPACKET) return chunks_of(sock);
  return () => sock.recvfrom(CHUNK_SIZE) as Promise<[Buffer, ReturnedAddress]>;
}

/** See Socket's Symbol.asyncIterator. */
export function iterate<F extends number>(sock: Socket<F>): AsyncIterableIterator<Received<F>> {
  let next: Next | undefined;
  let ended = false;
  return {
    async next(): Promise<IteratorResult<unknown, undefined>> {
      if (ended || sock.fileno() < 0) return { done: true, value: undefined };
      try {
        next ??= kind_of(sock as Socket<number>);
        const value = await next();
        if (value !== undefined) return { done: false, value };
        ended = true;
        return { done: true, value: undefined };
      } catch (error) {
        // close() while it waited.
        ended = true;
        if (sock.fileno() < 0) return { done: true, value: undefined };
        throw error;
      }
    },
    async return(): Promise<IteratorResult<unknown, undefined>> {
      ended = true;
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
