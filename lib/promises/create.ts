// Functions that make sockets of promises: pairs, servers, sockets from descriptors and from other kinds of socket.
// Connections are made in connect.ts.
import type * as net from 'node:net';
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
 * @param family AF_UNIX if left out
 * @param type SOCK_STREAM if left out
 * @param proto 0
 * @returns both ends
 * @throws OSError EOPNOTSUPP for a family without pairs, as AF_INET; EMFILE without free descriptors
 * @example
 * const [a, b] = socketpair();
 * await a.sendall('hello');
 * console.log((await b.recv(1024)).toString()); // hello
 */
export function socketpair<F extends number = typeof c.AF_UNIX>(
  family?: F | null,
  type?: typeof c.SOCK_STREAM | null,
  proto?: number | null,
): [ConnectedSocket<F>, ConnectedSocket<F>];
/**
 * socketpair(family, type, proto = 0): the same for another type. See socketpair(2).
 *
 * @param type SOCK_DGRAM, SOCK_SEQPACKET
 * @param proto 0
 */
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
 * fromfd(fd, family, type, proto = 0) -> a socket on a duplicate of the descriptor, which does not block any more: that is shared with the
 * original. See dup(2), and Python's socket.fromfd.
 *
 * @param fd a descriptor that stays its owner's
 * @param family AF_* of the descriptor's socket
 * @param type SOCK_* of it
 * @param proto IPPROTO_* of it, 0 for the usual one
 * @returns a socket with a descriptor of its own, for the same connection
 * @throws OSError EBADF; ENOTSOCK for a descriptor of another kind
 * @example
 * const second = fromfd(sock.fileno(), AF_INET, SOCK_STREAM);
 * console.log(second.fileno() !== sock.fileno()); // true
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
 * from_socket(sock) -> a socket of promises with the descriptor of a blocking one, its options and its time-out; the blocking one is
 * detached. See docs/promises.md.
 *
 * @param sock a socket of bsd-sockets/socket
 * @returns the socket of promises
 * @throws TypeError for anything else; OSError EBADF for a closed one
 * @example
 * const blocking = sock.to_socket();
 * const again = from_socket(blocking);
 * console.log(again.family === AF_INET, blocking.fileno()); // true -1
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

/**
 * fromshare(data) -> the socket that another thread or process shared, with its time-out. It can be taken once. See Python's
 * socket.fromshare, which is on Windows only.
 *
 * @param data the result of `sock.share()`, of a blocking socket or one of promises
 * @returns a socket with a descriptor of its own
 * @throws FileNotFoundError if it is taken already, or the thread that shared it has ended; PermissionError if it is meant for another
 *   process; TimeoutError if the other process does not answer
 * @example
 * const taken = fromshare(sock.share());
 * console.log(await taken.send('hello')); // 5
 */
export function fromshare(data: BytesLike): Socket<number> {
  return from_socket(blocking_fromshare(data));
}

/**
 * from_node(handle) -> a socket of promises on the descriptor of a net.Socket or net.Server, which is destroyed. See Node's net.
 *
 * @param handle a connected net.Socket that has read nothing yet, or a listening net.Server
 * @returns a socket without a time-out
 * @throws TypeError for anything else, or one without a descriptor; RangeError for a stream that has read ahead: create it with
 *   `pauseOnConnect`
 * @example
 * const listener = net.createServer().listen(0);
 * await once(listener, 'listening');
 * console.log(from_node(listener).family === AF_INET6); // true
 */
export function from_node(handle: net.Socket | net.Server): Socket<NodeFamily> {
  return from_socket(blocking_from_node(handle));
}

/**
 * create_server(address, { family = AF_INET, backlog, reuse_port = false, dualstack_ipv6 = false, signal, timeout }) -> a listening TCP
 * socket, with SO_REUSEADDR. The signal and the time-out are for resolving the host. See Python's socket.create_server.
 *
 * @param address to listen on: '' is every interface, port 0 a free port
 * @param options with `backlog`, how many connections may wait (128 if left out), and `timeout` in seconds
 * @returns the listening socket
 * @throws OSError EADDRINUSE, EACCES for a port below 1,024; gaierror; TimeoutError; RangeError, also if dual stack is asked for and not
 *   there
 * @example
 * const server = await create_server(['127.0.0.1', 0]);
 * console.log(server.getsockname()[1] > 0); // true
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
