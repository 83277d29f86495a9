// The servers that handle requests in turn, on the thread that serves: TCPServer, UDPServer and their AF_UNIX forms.

import type { Address, ReturnedAddress } from '../calls/address.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import { SocketBase } from '../calls/socket_base.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { socket as Socket } from '../socket/index.js';
import { integer, integer_or, options_of, timeout as seconds } from '../util/validate.js';
import { class_attributes, UsedAttributes } from './attributes.js';
import { BaseServer } from './base.js';
import type { DatagramRequest, RequestHandlerClass } from './handlers.js';
import { refuse_connections } from './refuse.js';

/** The constructor's trailing object. */
export interface ServerOptions<F extends number = number> {
  /** Whether to bind and listen at once: true. */
  bind_and_activate?: boolean;
  /** Set SO_REUSEADDR: a server that ended can be started again at once. */
  allow_reuse_address?: boolean;
  /** Set SO_REUSEPORT: several servers may listen on one port. */
  allow_reuse_port?: boolean;
  /** How many connections may wait to be accepted. */
  request_queue_size?: number;
  /** The address family, in place of `address_family`. */
  family?: F;
  /** One AF_INET6 socket for IPv4, too (true), or for IPv6 only (false); left out: as the system is set. */
  dualstack_ipv6?: boolean;
  /** Of threading servers: how many threads there may be. */
  max_threads?: number;
  /** Of forking servers: how many processes there may be. */
  max_children?: number;
  /** Of servers on the event loop: how many requests may be under way; null: any number. */
  max_handlers?: number | null;
  /** What handlers find as `this.server.worker_data`; in threads or processes a clone. */
  worker_data?: unknown;
  /** Of servers with threads or processes, or on the event loop: seconds after which a handler is ended. */
  handler_timeout?: number | null;
}

/** Their names. */
const OPTIONS = [
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
] as const;

/** Threads or processes that a pool has at most, unless the server says otherwise. */
export const DEFAULT_WORKERS = 40;
/** Threads or processes that may be asked for: more than any machine has memory for. */
export const MAX_WORKERS = 100_000;

const ATTRIBUTES = [
  'address_family',
  'socket_type',
  'request_queue_size',
  'allow_reuse_address',
  'allow_reuse_port',
  'max_packet_size',
];

export class TCPServer<
  F extends number = typeof c.AF_INET,
  Request = Socket<F>,
  Sock extends SocketBase<F> = Socket<F>,
> extends BaseServer<Request, ReturnedAddress<F>, ReturnedAddress<F>> {
  /** The address family. These must be `static` in a class that changes them: the constructor needs them. */
  static address_family: number = c.AF_INET;
  static socket_type: number = c.SOCK_STREAM;
  /** How many connections may wait to be accepted. */
  static request_queue_size = 5;
  static allow_reuse_address = false;
  static allow_reuse_port = false;

  declare address_family: number;
  declare socket_type: number;
  declare request_queue_size: number;
  declare allow_reuse_address: boolean;
  declare allow_reuse_port: boolean;
  declare socket: Sock;

  /** What handlers find as `this.server.worker_data`. */
  worker_data: unknown;
  /** What the constructor was given. @internal */
  readonly _options: ServerOptions<F>;
  /** Whether the socket is one that was bound already. @internal */
  readonly _is_given: boolean;
  /** @internal */
  readonly _used = new UsedAttributes();

  /**
   * TCPServer(server_address, RequestHandlerClass, bind_and_activate = true, { … })
   *
   * @param server_address where to listen; or a socket that is bound already, which the server takes over
   * @param RequestHandlerClass the class that handles requests
   * @param bind_and_activate whether to bind and listen at once; the options may stand in its place
   * @throws OSError where the address cannot be had; TypeError, RangeError
   */
  constructor(
    server_address: Address<F> | Socket<F>,
    RequestHandlerClass: RequestHandlerClass,
    bind_and_activate: boolean | ServerOptions<F> | null = true,
    options: ServerOptions<F> = {},
  ) {
    super(server_address as ReturnedAddress<F>, RequestHandlerClass);
    const given = options_of(
      typeof bind_and_activate === 'object' ? { ...options, ...bind_and_activate } : options,
      OPTIONS,
    );
    const activate = typeof bind_and_activate === 'boolean' ? bind_and_activate : given.bind_and_activate;
    this._options = given;
    this.worker_data = given.worker_data;
    take_options(this, given);
    this.socket = this._open(server_address);
    this._is_given = server_address instanceof SocketBase;
    if (server_address instanceof SocketBase) {
      this.address_family = server_address.family;
      this.socket_type = server_address.type;
      this.server_address = this.socket.getsockname();
      return;
    }
    this._used.use(this, 'address_family', 'socket_type');
    if (activate === false) return;
    try {
      this.server_bind();
      this.server_activate();
    } catch (error) {
      this.server_close().catch(() => {});
      this.socket.close();
      throw error;
    }
  }

  /** The server's socket: a new one, or the one that was given. @internal */
  _open(given: unknown): Sock {
    const sock: unknown =
      given instanceof SocketBase ? given : new Socket(this.address_family, this.socket_type);
    if (!(sock instanceof Socket)) {
      throw new TypeError(`server_address: ${this.constructor.name} blocks and takes no socket of promises`);
    }
    return sock as SocketBase<number> as Sock;
  }

  /** @internal */
  override _warn_of_late_attributes(): void {
    this._used.warn(this);
  }

  /** server_bind(). Called by the constructor to bind the socket to server_address. @throws OSError */
  server_bind(): void {
    this._used.use(this, 'allow_reuse_address', 'allow_reuse_port');
    if (this.allow_reuse_address) this.socket.setsockopt(c.SOL_SOCKET, c.SO_REUSEADDR, 1);
    if (this.allow_reuse_port) this.socket.setsockopt(c.SOL_SOCKET, c.SO_REUSEPORT, 1);
    const { dualstack_ipv6 } = this._options;
    if (dualstack_ipv6 !== undefined && this.address_family === c.AF_INET6) {
      this.socket.setsockopt(c.IPPROTO_IPV6, c.IPV6_V6ONLY, dualstack_ipv6 ? 0 : 1);
    }
    this.socket._bind(this.server_address, resolve_host_blocking);
    this.server_address = this.socket.getsockname();
  }

  /** server_activate(). Called by the constructor to listen. @throws OSError */
  override server_activate(): void {
    this._used.use(this, 'request_queue_size');
    this.socket.listen(this.request_queue_size);
  }

  /** A socket that was given may have others that take what comes. @internal */
  override _refuse(): void {
    if (this.socket_type !== c.SOCK_DGRAM && !this._is_given) refuse_connections(this.socket);
  }

  /** Datagrams are answered by it. @internal */
  override _unlisten(): void {
    if (this.socket_type !== c.SOCK_DGRAM) this.socket.close();
  }

  /** server_close() -> a promise. Ends serve_forever() if it runs, and closes the socket. */
  override async server_close(): Promise<void> {
    const stopping = this._stop_serving();
    if (stopping !== undefined) await stopping;
    this.socket.close();
  }

  /** fileno() -> the descriptor of the socket. */
  fileno(): number {
    return this.socket.fileno();
  }

  /** get_request() -> [conn, client_address]. Accepts the connection that is there. @throws OSError, which is ignored */
  override get_request(): [request: Request, client_address: ReturnedAddress<F>] {
    return this._get_request();
  }

  /** How get_request() does it. @internal */
  _get_request(): [request: Request, client_address: ReturnedAddress<F>] {
    // The servers of datagrams, whose requests are others, and those with sockets of promises do it in their own way.
    return (this.socket as SocketBase<F> as Socket<F>).accept() as [Request, ReturnedAddress<F>];
  }

  /** shutdown_request(request). Tells the client that nothing more comes, and closes the connection. */
  override shutdown_request(request: Request): void | Promise<void> {
    return this._shutdown_request(request);
  }

  /** How shutdown_request() does it. @internal */
  _shutdown_request(request: Request): void | Promise<void> {
    try {
      if (request instanceof Socket) request.shutdown(c.SHUT_WR);
    } catch (error) {
      // ENOTCONN: the client has gone.
      if (!(error instanceof OSError)) throw error;
    }
    this.close_request(request);
  }

  /** close_request(request). Closes the connection. */
  override close_request(request: Request): void {
    if (request instanceof SocketBase) request.close();
  }
}

/** Servers of datagrams: get_request() -> [[packet, socket], client_address]. */
export class UDPServer<F extends number = typeof c.AF_INET> extends TCPServer<F, DatagramRequest<F>> {
  static override socket_type: number = c.SOCK_DGRAM;
  /** The longest datagram; of a longer one the rest is lost. */
  static max_packet_size = 8192;

  declare max_packet_size: number;

  override _get_request(): [request: DatagramRequest<F>, client_address: ReturnedAddress<F>] {
    const [packet, client_address] = this.socket.recvfrom(this.max_packet_size);
    return [[packet, this.socket], client_address];
  }

  override server_activate(): void {}

  override _shutdown_request(request: DatagramRequest<F>): void | Promise<void> {
    this.close_request(request);
  }

  /** close_request(request). A datagram holds nothing. */
  override close_request(_request: DatagramRequest<F>): void {}
}

export class UnixStreamServer extends TCPServer<typeof c.AF_UNIX> {
  static override address_family: number = c.AF_UNIX;
}

export class UnixDatagramServer extends UDPServer<typeof c.AF_UNIX> {
  static override address_family: number = c.AF_UNIX;
}

/** What takes the place of class attributes. */
interface Attributes {
  address_family: number;
  request_queue_size: number;
  allow_reuse_address: boolean;
  allow_reuse_port: boolean;
}

/** Puts the options of the constructor in the place of the class attributes. @throws TypeError, RangeError */
function take_options(server: Attributes, options: ServerOptions): void {
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

class_attributes(TCPServer, ATTRIBUTES);
