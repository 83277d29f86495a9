// The shared parts of functions that make sockets, blocking and of promises: the arguments of create_connection, create_server
// and socketpair, and the order in which addresses are tried. Beside them the calls on bare descriptors: dup, close.
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { addon, cells, SECOND_DESCRIPTOR, SECOND_GENERATION } from '../native/addon.js';
import { OwnedDescriptor, with_descriptor } from '../util/owned_descriptor.js';
import { array, descriptor, integer_or } from '../util/validate.js';
import type { Inet6Address, InetAddress } from './address.js';
import { check_socket } from './descriptor/adopt.js';
import type { AddressInfoRow } from './lookup.js';
import type { OwnProxyHeader } from './proxy/own.js';
import { SocketBase } from './socket_base.js';

/** Returns a pair of sockets, each made by `make`. @throws OSError; TypeError, RangeError */
export function make_pair<F extends number, K extends number, Sock>(
  family: unknown,
  type: unknown,
  proto: unknown,
  make: (family: F, type: K, proto: number, descriptor: OwnedDescriptor) => Sock,
): [Sock, Sock] {
  const wanted_family = integer_or(c.AF_UNIX, family, 'family') as F;
  const wanted_type = integer_or(c.SOCK_STREAM, type, 'type') as K;
  const wanted_proto = integer_or(0, proto, 'proto');
  const first = addon.socketpair(wanted_family, wanted_type, wanted_proto);
  if (first < 0) {
    const args = { family: wanted_family, type: wanted_type, proto: wanted_proto };
    raise(first, { syscall: 'socketpair', args });
  }
  const other = new OwnedDescriptor(cells[SECOND_DESCRIPTOR] as number, cells[SECOND_GENERATION] as number);
  const one = (descriptor: OwnedDescriptor) => make(wanted_family, wanted_type, wanted_proto, descriptor);
  return with_descriptor(new OwnedDescriptor(first), (descriptor) =>
    with_descriptor(other, () => [one(descriptor), one(other)]),
  );
}

/** The address of create_connection: the port may be the name of a service. */
export type ConnectAddress = readonly [
  host: string,
  port: number | string,
  flowinfo?: number | undefined,
  scope_id?: number | undefined,
];

/** Keyword-only arguments of create_connection. */
export interface CreateConnectionOptions {
  /** Throw an AggregateError with the error of every address, instead of the last one. */
  all_errors?: boolean | undefined;
  /** Seconds after which the next address is tried beside the ones under way, as RFC 8305; null: one after another. */
  happy_eyeballs_delay?: number | null | undefined;
  /**
   * Send a PROXY header first, by which a server behind a proxy learns who the client is: true for the connection's own addresses, or
   * the header (`{ source, destination, version, tlvs, … }`).
   */
  proxy_header?: OwnProxyHeader | undefined;
}

/** The arguments of create_connection behind the address: the options may follow any of them. */
export type ConnectionArguments<Options> =
  | [options?: Options | undefined]
  | [timeout?: number | null | undefined, options?: Options | undefined]
  | [
      timeout?: number | null | undefined,
      source_address?: InetAddress | Inet6Address | null | undefined,
      options?: Options | undefined,
    ];

/** Their names. */
export const CONNECTION_OPTIONS = ['all_errors', 'happy_eyeballs_delay', 'proxy_header'] as const;

/** Returns the host, the port and the rest of the address of create_connection. */
export function connect_fields(
  address: unknown,
): [host: string, port: number | string, scope: readonly number[]] {
  const [host, port, ...scope] = array(address, 'address', 2, 4, '[host, port]') as [
    string,
    number | string,
    ...number[],
  ];
  return [host, port, scope];
}

/** Returns the row with the flow label and the scope that were asked for, if the family has them. */
export function with_scope(row: AddressInfoRow, [flowinfo, scope_id]: readonly number[]): AddressInfoRow {
  if (row[0] !== c.AF_INET6 || flowinfo === undefined) return row;
  const [host, port, , own_scope = 0] = row[4];
  return [row[0], row[1], row[2], row[3], [host, port, flowinfo, scope_id || own_scope]];
}

/** Keyword-only arguments of create_server. */
export interface CreateServerOptions<F extends number = number> {
  /** AF_INET if left out, or AF_INET6. */
  family?: F | undefined;
  /** How many connections may wait for accept(); 128 if left out. See listen(2). */
  backlog?: number | null | undefined;
  /** True sets SO_REUSEPORT: several sockets share the port, and the kernel spreads the connections. */
  reuse_port?: boolean | undefined;
  /** True, with AF_INET6: the socket takes IPv4 connections, too. */
  dualstack_ipv6?: boolean | undefined;
}

/** Their names. */
export const SERVER_OPTIONS = ['family', 'backlog', 'reuse_port', 'dualstack_ipv6'] as const;

/** Returns the socket of a server, made by `make`, with its options set. @throws OSError; TypeError, RangeError */
export function make_server<F extends number, Sock extends SocketBase>(
  options: CreateServerOptions<F>,
  make: (family: F) => Sock,
): Sock {
  const { reuse_port = false, dualstack_ipv6 = false } = options;
  const family = integer_or(c.AF_INET, options.family, 'family') as F;
  if (dualstack_ipv6 && !has_dualstack_ipv6())
    throw new RangeError('dualstack_ipv6 is not supported on this platform');
  if (dualstack_ipv6 && family !== c.AF_INET6)
    throw new RangeError('dualstack_ipv6 requires family to be AF_INET6');
  const sock = make(family);
  try {
    sock.setsockopt(c.SOL_SOCKET, c.SO_REUSEADDR, 1);
    if (reuse_port) sock.setsockopt(c.SOL_SOCKET, c.SO_REUSEPORT, 1);
    if (family === c.AF_INET6) sock.setsockopt(c.IPPROTO_IPV6, c.IPV6_V6ONLY, dualstack_ipv6 ? 0 : 1);
    return sock;
  } catch (error) {
    sock.close();
    throw error;
  }
}

/**
 * has_dualstack_ipv6() -> whether one socket can serve IPv4 and IPv6. See ipv6(7), IPV6_V6ONLY, and Python's socket.has_dualstack_ipv6.
 *
 * @returns true if create_server may have `dualstack_ipv6`
 * @example
 * console.log(has_dualstack_ipv6()); // for example true
 */
export function has_dualstack_ipv6(): boolean {
  try {
    using sock = new SocketBase(c.AF_INET6, c.SOCK_STREAM, 0, null, false);
    sock.setsockopt(c.IPPROTO_IPV6, c.IPV6_V6ONLY, 0);
    return true;
  } catch (error) {
    if (error instanceof OSError) return false;
    throw error;
  }
}

/** Returns a socket that `make` makes of a duplicate of the descriptor. @throws OSError; TypeError, RangeError */
export function of_duplicate<Kind>(fd: number, make: (descriptor: OwnedDescriptor) => Kind): Kind {
  return with_descriptor(new OwnedDescriptor(dup(fd)), (descriptor) => {
    const made = make(descriptor);
    check_socket(descriptor);
    return made;
  });
}

/**
 * dup(fd) -> a duplicate of a descriptor, not inheritable. See dup(2).
 *
 * @param fd an open descriptor of any kind
 * @returns the number of the duplicate, close-on-exec
 * @throws OSError EBADF if it is not open, EMFILE
 * @example
 * const fd = dup(1);
 * close(fd);
 */
export function dup(fd: number): number {
  const result = addon.dup_fd(descriptor(fd, 'fd'));
  return result < 0 ? raise(result, { syscall: 'dup', args: { fd } }) : result;
}

/**
 * close(fd). Closes a descriptor, and wakes the calls that are blocked on it. See close(2).
 *
 * @param fd an open descriptor that no object owns
 * @throws OSError EBADF if it is not open
 * @example
 * close(sock.detach());
 */
export function close(fd: number): void {
  const result = addon.close_fd(descriptor(fd, 'fd'));
  if (result < 0) raise(result, { syscall: 'close', args: { fd } });
}

/** Returns the addresses of both families in turn, beginning with the resolver's first (RFC 8305, section 4). */
export function interleave(found: readonly AddressInfoRow[]): AddressInfoRow[] {
  const first = found.filter((row) => row[0] === found[0]?.[0]);
  const others = found.filter((row) => row[0] !== found[0]?.[0]);
  const longer = first.length > others.length ? first : others;
  return longer.flatMap((_row, i) => [...first.slice(i, i + 1), ...others.slice(i, i + 1)]);
}

/** Returns the error of create_connection: the last one of the addresses, or an AggregateError of all. */
export function failure(errors: unknown[], all: boolean): unknown {
  if (all) return new AggregateError(errors, 'create_connection failed');
  return errors.at(-1) ?? new OSError('getaddrinfo returns an empty list');
}
