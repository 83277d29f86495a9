// Functions that make sockets of promises: pairs, servers, sockets from descriptors and from other kinds of socket.
// Connections are made in connect.ts.
import type net from 'node:net';
import { constants } from 'node:os';
import type { Address } from '../calls/address.js';
import {
  type CreateServerOptions as BlockingServerOptions,
  make_pair,
  make_server,
  of_duplicate,
  SERVER_OPTIONS,
} from '../calls/create.js';
import type { NodeFamily } from '../calls/node.js';
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
export interface CreateServerOptions<F extends number = number>
  extends BlockingServerOptions<F>,
    WaitOptions {}

const OPTIONS = [...SERVER_OPTIONS, ...WAIT_OPTIONS] as const;

/**
 * socketpair(family = AF_UNIX, type = SOCK_STREAM, proto = 0) -> [a, b], connected to each other; at once. See socketpair(2).
 *
 * @throws OSError; TypeError, RangeError
 */
export function socketpair<F extends number = typeof c.AF_UNIX>(
  family?: F | null,
  type?: typeof c.SOCK_STREAM | null,
  proto?: number | null,
): [ConnectedSocket<F>, ConnectedSocket<F>];
export function socketpair<F extends number = typeof c.AF_UNIX, K extends number = number>(
  family?: F | null,
  type?: K | null,
  proto?: number | null,
): [Socket<F, K>, Socket<F, K>];
export function socketpair<F extends number, K extends number>(
  family?: F | null,
  type?: K | null,
  proto?: number | null,
): [Socket<F, K>, Socket<F, K>] {
  return make_pair<F, K, Socket<F, K>>(family, type, proto, (...kind) => new Socket(...kind));
}

/**
 * fromfd(fd, family, type, proto = 0) -> a socket on a duplicate of the descriptor, which does not block any more: that is
 * shared with the original. See dup(2).
 *
 * @throws OSError; TypeError, RangeError
 */
export function fromfd<F extends number, K extends number = number>(
  fd: number,
  family: F,
  type: K,
  proto?: number | null,
): Socket<F, K> {
  return of_duplicate(fd, (descriptor) => new Socket(family, type, proto, descriptor));
}

/**
 * from_socket(sock) -> a socket of promises with the descriptor of a blocking one, its options and its time-out; the
 * blocking one is detached.
 *
 * @throws TypeError for anything else; OSError EBADF for a closed one
 */
export function from_socket<F extends number, K extends number>(sock: BlockingSocket<F, K>): Socket<F, K> {
  if (!(sock instanceof BlockingSocket))
    throw new TypeError(`sock must be a blocking socket, not ${shown(sock)}`);
  const { family, type, proto } = sock;
  const timeout = sock.gettimeout();
  if (sock.fileno() < 0) sock._raise(-EBADF, 'from_socket');
  const taken = new Socket<F, K>(family, type, proto, sock.detach());
  taken.settimeout(timeout);
  return taken;
}

/** fromshare(data) -> the socket that another thread or process shared. See the blocking one. */
export function fromshare(data: BytesLike): Socket<number> {
  return from_socket(blocking_fromshare(data));
}

/** from_node(handle) -> a socket on the descriptor of a net.Socket or net.Server, which is destroyed. See the blocking one. */
export function from_node(handle: net.Socket | net.Server): Socket<NodeFamily> {
  return from_socket(blocking_from_node(handle));
}

/**
 * create_server(address, { family = AF_INET, backlog, reuse_port = false, dualstack_ipv6 = false, signal, timeout }) -> a
 * listening TCP socket, with SO_REUSEADDR. The signal and the time-out are for resolving the host.
 *
 * @throws OSError; gaierror; RangeError where dual stack is asked for and not there
 */
export async function create_server<F extends number = typeof c.AF_INET>(
  address: Address<F>,
  options: CreateServerOptions<F> = {},
): Promise<ListeningSocket<F>> {
  options_of(options, OPTIONS);
  const sock = make_server(options, (family) => new Socket(family, c.SOCK_STREAM));
  try {
    await sock.bind(address, { signal: options.signal, timeout: options.timeout });
    sock.listen(options.backlog);
    return sock as ListeningSocket<F>;
  } catch (error) {
    sock.close();
    throw error;
  }
}
