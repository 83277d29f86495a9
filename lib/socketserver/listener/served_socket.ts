// The identity of a server's socket: whether the number of its descriptor still stands for that socket.
//
// Other code of the process may close the number by other means than the socket object, such as fs.closeSync(), and the kernel assigns
// the number to the next file. epoll(7) is silent then: it forgets the closed socket. So a server that waits looks from time to time,
// and looks before each request that it takes: a foreign socket is never served, and never closed.
import { constants } from 'node:os';
import type { SocketBase } from '../../calls/socket_base.js';
import { SO_COOKIE, SOL_SOCKET } from '../../constants.js';
import { OSError } from '../../errors/index.js';
import { addon } from '../../native/addon.js';
import { socket as Socket } from '../../socket/index.js';

const { EBADF, ENOTSOCK } = constants.errno;
/** Milliseconds between two looks of a server that waits: Python's poll_interval. */
const LOOK_MS = 500;

/** The cookies that the kernel gave to sockets; a negative number if it gave none. */
const cookies = new WeakMap<SocketBase, bigint | number>();
const memory = Buffer.alloc(BigUint64Array.BYTES_PER_ELEMENT);

/** Returns a number that no other socket of the system has, or -errno. */
function cookie_of({ _fd, _generation }: SocketBase): bigint | number {
  const result = addon.getsockopt(_fd, _generation, SOL_SOCKET, SO_COOKIE, memory);
  return result < 0 ? result : memory.readBigUInt64LE();
}

/** Notes the identity of a socket. Called while its number certainly is its own. */
export function note_identity(sock: SocketBase): void {
  if (!cookies.has(sock)) cookies.set(sock, cookie_of(sock));
}

/** Returns whether other code has closed the descriptor of an open socket; its number may belong to another file. */
export function is_lost(sock: SocketBase): boolean {
  if (sock._fd < 0) return false;
  const noted = cookies.get(sock);
  const now = cookie_of(sock);
  if (typeof now === 'number') return now === -EBADF || now === -ENOTSOCK;
  // A kernel before 4.12 gives no cookies.
  return typeof noted === 'bigint' && noted !== now;
}

/**
 * Calls a function when the socket is closed while a server waits on it, or found to be lost. Returns a function that ends this. It
 * keeps no process alive.
 */
export function watch_end(sock: SocketBase, release: () => void): () => void {
  // A socket of promises ends the calls that wait on it by itself.
  if (sock instanceof Socket) sock._watch_by({ release });
  note_identity(sock);
  const looks = setInterval(() => {
    if (!is_lost(sock)) return;
    clearInterval(looks);
    release();
  }, LOOK_MS);
  looks.unref();
  return () => clearInterval(looks);
}

/** Closes the socket of a server; a lost one without its number. @throws OSError */
export function close_served(sock: SocketBase): void {
  if (!is_lost(sock)) {
    sock.close();
    return;
  }
  try {
    sock.detach();
  } catch (error) {
    // The number is that of another socket of this library.
    if (!(error instanceof OSError)) throw error;
  }
}
