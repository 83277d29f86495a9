// Functions that make sockets: pairs, connections, servers, sockets from descriptors.

import type net from 'node:net';
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
import { getdefaulttimeout, without_default_timeout } from '../calls/socket_base.js';
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
 * @throws OSError; TypeError, RangeError
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
 * create_connection(address, timeout = default, source_address = null, { all_errors, happy_eyeballs_delay, proxy_header }) -> a
 * connected stream socket. Tries each address of the host; the timeout, in seconds, is one deadline for all of it.
 *
 * @throws gaierror; TimeoutError; OSError of the last address, or an AggregateError of all
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
 * create_server(address, { family = AF_INET, backlog, reuse_port = false, dualstack_ipv6 = false }) -> a listening TCP
 * socket, with SO_REUSEADDR.
 *
 * @throws OSError; gaierror; TypeError; RangeError, also if dual stack is asked for and not there
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
 * fromshare(data) -> the socket that another thread or process shared, with its time-out. It can be taken once.
 *
 * Works while the other's JavaScript is blocked. Both must see the same abstract AF_UNIX names, which are those of a
 * network namespace.
 *
 * @param data the result of `sock.share()`
 * @throws FileNotFoundError if it is taken already, or the thread that shared it has ended; PermissionError if it is meant
 *   for another process; TimeoutError if the other process does not answer, because it is stopped; TypeError, RangeError
 *   for other data
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
 * from_node(handle) -> a blocking socket on the descriptor of a net.Socket or net.Server, which is destroyed.
 *
 * @throws TypeError for anything else, or one without a descriptor; RangeError for a stream that has read ahead: pause it
 *   first, before data arrives (create it with `pauseOnConnect`, or `socket.pause()` in the 'connection' listener)
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
