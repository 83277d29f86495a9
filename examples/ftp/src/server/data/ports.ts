// The ports of passive data connections. The kernel is the pool: a port is taken by listening on it and free when the listener is closed,
// in whichever process or thread, so none can be lost. Here is only in which order they are tried.
import { randomInt } from 'node:crypto';
import {
  AF_INET,
  AF_INET6,
  type ListeningSocket,
  OSError,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  socket,
} from 'bsd-sockets/promises';

/** Connections of others that may come before the client's: each is closed when it is accepted. */
const BACKLOG = 16;
/** That a port is taken, or may not be used. */
const TAKEN = new Set(['EADDRINUSE', 'EACCES']);

/** Listens. Returns undefined if the port is taken. @throws OSError */
async function listen_on(host: string, port: number): Promise<ListeningSocket | undefined> {
  const sock = new socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM);
  try {
    // A port is free again at once, whatever is left of earlier connections. Two that listen exclude each other all the same.
    sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
    await sock.bind([host, port]);
    sock.listen(BACKLOG);
    return sock as ListeningSocket;
  } catch (error) {
    sock.close();
    if (error instanceof OSError && TAKEN.has(error.code ?? '')) return undefined;
    throw error;
  }
}

export class PassivePorts {
  readonly #range: readonly [first: number, last: number] | null;

  /** @param range the first and the last port; null for any that is free */
  constructor(range: readonly [first: number, last: number] | null) {
    this.#range = range;
  }

  /**
   * Listens on a free port: which one cannot be foretold, so that nobody else can wait for the client there.
   *
   * @param host the address
   * @returns undefined if all ports are taken
   * @throws (rejects) OSError
   */
  async listen(host: string): Promise<ListeningSocket | undefined> {
    if (this.#range === null) return listen_on(host, 0);
    const [first, last] = this.#range;
    const count = last - first + 1;
    const start = randomInt(count);
    for (let i = 0; i < count; i++) {
      const sock = await listen_on(host, first + ((start + i) % count));
      if (sock !== undefined) return sock;
    }
    return undefined;
  }
}
