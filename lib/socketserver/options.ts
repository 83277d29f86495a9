// The options of the constructors of servers, of every kind: their types, their names, their checks.

import * as c from '../constants.js';
import type { SSLOptions } from '../promises/index.js';
import { integer, integer_or, timeout as seconds } from '../util/validate.js';
import type { ProxyProtocolOptions } from './admission/proxy_protocol.js';
import { LIMIT_OPTIONS, type LimitOptions } from './limits/options.js';

/** Options of the constructors of servers. */
export interface ServerOptions<F extends number = number, Data = unknown> extends LimitOptions {
  /** False to leave server_bind() and server_activate() to the caller. Default: true. */
  bind_and_activate?: boolean | undefined;
  /** True to set SO_REUSEADDR: a server that ended can be started again at once. */
  allow_reuse_address?: boolean | undefined;
  /** True to set SO_REUSEPORT: several servers may listen on one port. */
  allow_reuse_port?: boolean | undefined;
  /** The largest number of connections that wait to be accepted: 128 by default, as of listen(). */
  request_queue_size?: number | undefined;
  /** The address family, in place of `address_family`. */
  family?: F | undefined;
  /** True for one AF_INET6 socket that serves IPv4, too; false for IPv6 only. Default: the system's setting. */
  dualstack_ipv6?: boolean | undefined;
  /** The largest number of threads of a threading server. */
  max_threads?: number | undefined;
  /** The largest number of processes of a forking server. */
  max_children?: number | undefined;
  /** The largest number of requests under way on the event loop; null: no limit. */
  max_handlers?: number | null | undefined;
  /** Data that handlers find as `this.server.worker_data`; in threads or processes a clone. */
  worker_data?: Data | undefined;
  /** Seconds after which a handler is ended, in servers with threads or processes, or on the event loop. */
  handler_timeout?: number | null | undefined;
  /** For a server behind a proxy: `client_address` is the address that the PROXY header of a trusted proxy says. */
  proxy_protocol?: ProxyProtocolOptions | undefined;
  /**
   * Whether handlers of datagrams know the address that was asked, interface, TTL and TOS, and answer from that address. Default: true
   * for a server on all addresses ('', '::').
   */
  packet_info?: boolean | undefined;
  /** For a server of streams on the event loop: TLS, with the certificates and settings of Node's `tls.createSecureContext`. */
  ssl?: SSLOptions | undefined;
  /** Seconds that the handshake of TLS may take; null: no limit. Default: 60, as asyncio's. */
  ssl_handshake_timeout?: number | null | undefined;
  /** Seconds that a client may take to receive the rest of an answer, and the end of TLS, when its handler is done. Default: 30. */
  ssl_shutdown_timeout?: number | null | undefined;
  /** True to have serve_forever() tell systemd that the service is ready, alive (the watchdog) and ending. See sd_notify(3). */
  sd_notify?: boolean | undefined;
  /** True to have request_context() tell which request the code that runs belongs to. */
  request_context?: boolean | undefined;
}

/** The names of the options. */
export const OPTIONS = [
  'bind_and_activate',
  'allow_reuse_address',
  'allow_reuse_port',
  'request_queue_size',
  'family',
  'dualstack_ipv6',
  'max_threads',
  'max_children',
  'max_handlers',
  'worker_data',
  'handler_timeout',
  'proxy_protocol',
  'packet_info',
  'ssl',
  'ssl_handshake_timeout',
  'ssl_shutdown_timeout',
  'sd_notify',
  'request_context',
  ...LIMIT_OPTIONS,
] as const;

/** Default of `max_threads` and `max_children`: Python's `max_children`, compared by test/conformance/socketserver.test.ts. */
export const DEFAULT_WORKERS = 40;
/** The largest `max_threads` and `max_children`: more than any machine has memory for. */
export const MAX_WORKERS = 100_000;

/** The class attributes that options replace. */
interface Attributes {
  address_family: number;
  request_queue_size: number;
  allow_reuse_address: boolean;
  allow_reuse_port: boolean;
}

/** Checks the options of the constructor, and sets the attributes that they replace. @throws TypeError, RangeError */
export function set_attributes(server: Attributes, options: ServerOptions): void {
  const { allow_reuse_address, allow_reuse_port, request_queue_size, family, dualstack_ipv6 } = options;
  integer_or(1, options.max_threads, 'max_threads', 1, MAX_WORKERS);
  integer_or(1, options.max_children, 'max_children', 1, MAX_WORKERS);
  integer_or(1, options.max_handlers, 'max_handlers', 1);
  seconds(options.handler_timeout, 'handler_timeout');
  if (allow_reuse_address !== undefined) server.allow_reuse_address = allow_reuse_address;
  if (allow_reuse_port !== undefined) server.allow_reuse_port = allow_reuse_port;
  if (request_queue_size !== undefined) {
    server.request_queue_size = integer(request_queue_size, 'request_queue_size', 0);
  }
  if (family !== undefined) server.address_family = integer(family, 'family', 0);
  else if (dualstack_ipv6 === true && server.address_family === c.AF_INET) server.address_family = c.AF_INET6;
  if (dualstack_ipv6 === true && server.address_family !== c.AF_INET6) {
    throw new RangeError('dualstack_ipv6 requires family to be AF_INET6');
  }
}
