// Functions that make sockets of promises: pairs, servers, sockets from descriptors and from other kinds of socket.
// Connections are made in connect.ts.
import type net from 'node:net';
import { constants } from 'node:os';
import type { Address, Inet6Address, InetAddress } from '../calls/address.js';
import {
  type CreateServerOptions as BlockingServerOptions,
  make_pair,
  make_server,
  of_duplicate,
  SERVER_OPTIONS,
} from '../calls/create.js';
import * as c from '../constants.js';
import {
  socket as BlockingSocket,
  from_node as blocking_from_node,
  fromshare as blocking_fromshare,
} from '../socket/index.js';
import { type BytesLike, options_of, shown } from '../util/validate.js';
import { WAIT_OPTIONS, type WaitOptions } from '../util/wait_options.js';
import { type ConnectedSocket, type ListeningSocket, Socket } from './socket.js';

const { EBADF } = constants.errno;

/** Keyword-only arguments of create_server. */
export interface CreateServerOptions extends BlockingServerOptions, WaitOptions {}

const OPTIONS = [...SERVER_OPTIONS, ...WAIT_OPTIONS] as const;

/**
 * socketpair(family = AF_UNIX, type = SOCK_STREAM, proto = 0) -> [a, b], connected to each other; at once. See socketpair(2).
 *
 * @throws OSError; TypeError, RangeError
 */
export function socketpair<F extends number = typeof c.AF_UNIX>(
  family?: F | null,
  type?: null,
  proto?: number | null,
): [ConnectedSocket<F>, ConnectedSocket<F>];
export function socketpair<F extends number = typeof c.AF_UNIX>(
  family?: F | null,
  type?: number | null,
  proto?: number | null,
): [Socket<F>, Socket<F>];
export function socketpair<F extends number>(
  family?: F | null,
  type?: number | null,
  proto?: number | null,
): [Socket<F>, Socket<F>] {
  return make_pair<F, Socket<F>>(family, type, proto, (...kind) => new Socket(...kind));
}

/**
 * fromfd(fd, family, type, proto = 0) -> a socket on a duplicate of the descriptor, which does not block any more: that is
 * shared with the original. See dup(2).
 *
 * @throws OSError; TypeError, RangeError
 */
export function fromfd<F extends number>(
  fd: number,
  family: F,
  type: number,
  proto?: number | null,
): Socket<F> {
  return of_duplicate(fd, (descriptor) => new Socket(family, type, proto, descriptor));
}

/**
 * from_socket(sock) -> a socket of promises with the descriptor of a blocking one, its options and its time-out; the
 * blocking one is detached.
 *
 * @throws TypeError for anything else; OSError EBADF for a closed one
 */
export function from_socket<F extends number>(sock: BlockingSocket<F>): Socket<F> {
  if (!(sock instanceof BlockingSocket))
    throw new TypeError(`sock must be a blocking socket, not ${shown(sock)}`);
  const { family, type, proto } = sock;
  const timeout = sock.gettimeout();
  if (sock.fileno() < 0) sock._raise(-EBADF, 'from_socket');
  const taken = new Socket<F>(family, type, proto, sock.detach());
  taken.settimeout(timeout);
  return taken;
}

/** fromshare(data) -> the socket that another thread or process shared. See the blocking one. */
export function fromshare(data: BytesLike): Socket<number> {
  return from_socket(blocking_fromshare(data));
}

/** from_node(handle) -> a socket on the descriptor of a net.Socket or net.Server, which is destroyed. See the blocking one. */
export function from_node(handle: net.Socket | net.Server): Socket<number> {
  return from_socket(blocking_from_node(handle));
}

/**
 * create_server(address, { family = AF_INET, backlog, reuse_port = false, dualstack_ipv6 = false, signal, timeout }) -> a
 * listening TCP socket, with SO_REUSEADDR. The signal and the time-out are for resolving the host.
 *
 * @throws OSError; gaierror; RangeError where dual stack is asked for and not there
 */
export async function create_server(
  address: InetAddress | Inet6Address,
  options: CreateServerOptions = {},
): Promise<ListeningSocket<number>> {
  options_of(options, OPTIONS);
  const sock = make_server(options, (family) => new Socket<number>(family, c.SOCK_STREAM));
  try {
    await sock.bind(address as Address, { signal: options.signal, timeout: options.timeout });
    sock.listen(options.backlog);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}
