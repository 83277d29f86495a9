// Functions that make sockets: pairs, connections, servers, sockets from descriptors.

import type * as net from 'node:net';
import type { Address, InetFamily } from '../calls/address.js';
import {
  CONNECTION_OPTIONS,
  type ConnectAddress,
  type ConnectionArguments,
  type CreateConnectionOptions,
  type CreateServerOptions,
  connect_fields,
  make_pair,
  make_server,
  of_duplicate,
  SERVER_OPTIONS,
  with_scope,
} from '../calls/create.js';
import { descriptor_of, type NodeFamily } from '../calls/node.js';
import { check_proxy_header, proxy_header_bytes } from '../calls/proxy/own.js';
import { take_shared } from '../calls/share.js';
import { getdefaulttimeout, without_default_timeout } from '../calls/waiting/default_timeout.js';
import * as c from '../constants.js';
import { Deadline } from '../util/deadline.js';
import { with_descriptor } from '../util/owned_descriptor.js';
import { type BytesLike, options_of, timeout as seconds, to_timeout_ms } from '../util/validate.js';
import { take_options } from '../util/wait_options.js';
import { connect_first } from './connect.js';
import { stream_addresses } from './resolver.js';
import { Socket } from './socket.js';

/**
 * socketpair(family = AF_UNIX, type = SOCK_STREAM, proto = 0) -> [a, b], connected to each other. See socketpair(2).
 *
 * @param family AF_UNIX if left out; AF_TIPC has pairs, too
 * @param type SOCK_STREAM if left out; SOCK_DGRAM, SOCK_SEQPACKET
 * @param proto 0
 * @returns both ends
 * @throws OSError EOPNOTSUPP for a family without pairs, as AF_INET; EMFILE without free descriptors
 * @example
 * const [a, b] = socketpair();
 * a.sendall('hello');
 * console.log(b.recv(1024).toString()); // hello
 */
export function socketpair<F extends number = typeof c.AF_UNIX, K extends number = number>(
  family?: F | null,
  type?: K | null,
  proto?: number | null,
): [Socket<F, K>, Socket<F, K>] {
  return make_pair<F, K, Socket<F, K>>(family, type, proto, (...kind) => new Socket(...kind));
}

/**
 * fromfd(fd, family, type, proto = 0) -> a socket on a duplicate of the descriptor. See dup(2).
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
 * create_connection(address, timeout = default, source_address = null, { all_errors, happy_eyeballs_delay, proxy_header }) -> a connected
 * stream socket.
 * Tries each address of the host, one after another or as RFC 8305 says. See Python's socket.create_connection.
 *
 * @param address `[host, port]`; the host is a name or a numeric address, the port a number or the name of a service
 * @param rest a time-out in seconds, one deadline for all of it and the socket's own afterwards, null for none; the address to connect
 *   from; the options. Any of them may be left out
 * @returns the socket, of the family of the address that answered
 * @throws gaierror if the host does not resolve; TimeoutError; ConnectionRefusedError and other OSErrors of the last address, or an
 *   AggregateError of all with `all_errors`
 * @example
 * const sock = create_connection(server.getsockname(), 5, { happy_eyeballs_delay: 0.25 });
 * console.log(sock.gettimeout()); // 5
 */
export function create_connection(
  address: ConnectAddress,
  ...rest: ConnectionArguments<CreateConnectionOptions>
): Socket<InetFamily> {
  const [host, port, scope] = connect_fields(address);
  const options = take_options<CreateConnectionOptions>(rest, 2, CONNECTION_OPTIONS) ?? {};
  const { all_errors, happy_eyeballs_delay, proxy_header } = options_of(options, CONNECTION_OPTIONS);
  const [timeout, source_address] = rest as unknown[];
  const limit = timeout === undefined ? getdefaulttimeout() : seconds(timeout);
  const delay = seconds(happy_eyeballs_delay, 'happy_eyeballs_delay');
  check_proxy_header(proxy_header);
  const deadline = new Deadline(to_timeout_ms(limit));
  const found = stream_addresses(host, port, deadline.left_ms()).map((row) => with_scope(row, scope));
  const sock = connect_first(found, {
    address,
    limit,
    deadline,
    delay,
    source_address,
    all_errors: all_errors === true,
  });
  if (proxy_header === undefined) return sock;
  try {
    sock.sendall(proxy_header_bytes(sock, proxy_header));
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/**
 * create_server(address, { family = AF_INET, backlog, reuse_port = false, dualstack_ipv6 = false }) -> a listening TCP socket, with
 * SO_REUSEADDR. See Python's socket.create_server.
 *
 * @param address to listen on: '' is every interface, port 0 a free port
 * @param options with `backlog`, how many connections may wait (128 if left out)
 * @returns the listening socket
 * @throws OSError EADDRINUSE, EACCES for a port below 1,024; gaierror; RangeError, also if dual stack is asked for and not there
 * @example
 * const server = create_server(['127.0.0.1', 0]);
 * console.log(server.getsockname()[1] > 0); // true
 */
export function create_server<F extends number = typeof c.AF_INET>(
  address: Address<F>,
  options: CreateServerOptions<F> = {},
): Socket<F> {
  options_of(options, SERVER_OPTIONS);
  const sock = make_server(options, (family) => new Socket(family, c.SOCK_STREAM));
  try {
    sock.bind(address);
    sock.listen(options.backlog);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/**
 * fromshare(data) -> the socket that another thread or process shared, with its time-out. It can be taken once. See Python's
 * socket.fromshare, which is on Windows only.
 *
 * Works while the other's JavaScript is blocked. Both must see the same abstract AF_UNIX names, which are those of a network namespace.
 *
 * @param data the result of `sock.share()`
 * @returns a socket with a descriptor of its own
 * @throws FileNotFoundError if it is taken already, or the thread that shared it has ended; PermissionError if it is meant for another
 *   process; TimeoutError if the other process does not answer, because it is stopped; TypeError, RangeError for other data
 * @example
 * const taken = fromshare(sock.share());
 * taken.sendall('from another object');
 */
export function fromshare(data: BytesLike): Socket<number> {
  const { family, type, proto, timeout, descriptor } = take_shared(data);
  return with_descriptor(descriptor, () => {
    const sock = without_default_timeout(() => new Socket<number>(family, type, proto, descriptor));
    if (timeout !== null) sock.settimeout(timeout);
    return sock;
  });
}

/**
 * from_node(handle) -> a blocking socket on the descriptor of a net.Socket or net.Server, which is destroyed. See Node's net.
 *
 * @param handle a connected net.Socket that has read nothing yet, or a listening net.Server
 * @returns a socket without a time-out
 * @throws TypeError for anything else, or one without a descriptor; RangeError for a stream that has read ahead: pause it first, before
 *   data arrives (create it with `pauseOnConnect`, or `socket.pause()` in the 'connection' listener); OSError EMFILE
 * @example
 * const listener = net.createServer().listen(0);
 * await once(listener, 'listening');
 * const server = from_node(listener);
 * console.log(server.family === AF_INET6); // true
 */
export function from_node(handle: net.Socket | net.Server): Socket<NodeFamily> {
  return of_duplicate(descriptor_of(handle), (descriptor) => {
    const sock = new Socket<NodeFamily>(null, null, null, descriptor);
    // Descriptors of Node's do not block.
    sock.setblocking(true);
    if ('destroy' in handle) handle.destroy();
    else handle.close();
    return sock;
  });
}
