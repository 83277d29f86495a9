// The servers that handle requests one after another on the thread that serves: TCPServer, UDPServer and their AF_UNIX forms;
// and the options of all servers.

import type { Address, AnyReturnedAddress, ReturnedAddress } from '../calls/address.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import { SocketBase } from '../calls/socket_base.js';
import type { SenderAddress } from '../calls/transfer.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import type { SSLOptions } from '../promises/index.js';
import { socket as Socket } from '../socket/index.js';
import { integer, integer_or, options_of, timeout as seconds } from '../util/validate.js';
import { Admission, type AdmissionConfig, admission_config } from './admission/admission.js';
import type { ProxyProtocolOptions } from './admission/proxy_protocol.js';
import { class_attributes, UsedAttributes } from './attributes.js';
import { BaseServer } from './base.js';
import { has_packet_info, note_packet_info, receive, want_packet_info } from './datagrams/packet_info.js';
import type { DatagramRequest, RequestHandlerClass } from './handlers.js';
import { refuse_connections } from './refuse.js';
import { close_served, note_identity } from './served_socket.js';
import { refuse_ssl, type ServerTls } from './tls/tls.js';

/** Options of the constructors of servers. */
export interface ServerOptions<F extends number = number, Data = unknown> {
  /** False to leave server_bind() and server_activate() to the caller. Default: true. */
  bind_and_activate?: boolean;
  /** True to set SO_REUSEADDR: a server that ended can be started again at once. */
  allow_reuse_address?: boolean;
  /** True to set SO_REUSEPORT: several servers may listen on one port. */
  allow_reuse_port?: boolean;
  /** The largest number of connections that wait to be accepted: 128 by default, as of listen(). */
  request_queue_size?: number;
  /** The address family, in place of `address_family`. */
  family?: F;
  /** True for one AF_INET6 socket that serves IPv4, too; false for IPv6 only. Default: the system's setting. */
  dualstack_ipv6?: boolean;
  /** The largest number of threads of a threading server. */
  max_threads?: number;
  /** The largest number of processes of a forking server. */
  max_children?: number;
  /** The largest number of requests under way on the event loop; null: no limit. */
  max_handlers?: number | null;
  /** Data that handlers find as `this.server.worker_data`; in threads or processes a clone. */
  worker_data?: Data;
  /** Seconds after which a handler is ended, in servers with threads or processes, or on the event loop. */
  handler_timeout?: number | null;
  /** For a server behind a proxy: `client_address` is the address that the PROXY header of a trusted proxy says. */
  proxy_protocol?: ProxyProtocolOptions;
  /**
   * Whether handlers of datagrams know the address that was asked, interface, TTL and TOS, and answer from that address. Default: true
   * for a server on all addresses ('', '::').
   */
  packet_info?: boolean;
  /** For a server of streams on the event loop: TLS, with the certificates and settings of Node's `tls.createSecureContext`. */
  ssl?: SSLOptions;
  /** Seconds that the handshake of TLS may take; null: no limit. Default: 60, as asyncio's. */
  ssl_handshake_timeout?: number | null;
  /** Seconds that a client may take to receive the rest of an answer, and the end of TLS, when its handler is done. Default: 30. */
  ssl_shutdown_timeout?: number | null;
  /** True to have serve_forever() tell systemd that the service is ready, alive (the watchdog) and ending. See sd_notify(3). */
  sd_notify?: boolean;
}

/** The names of the options. */
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
  'proxy_protocol',
  'packet_info',
  'ssl',
  'ssl_handshake_timeout',
  'ssl_shutdown_timeout',
  'sd_notify',
] as const;

/** Default of `max_threads` and `max_children`: Python's `max_children`, compared by test/conformance/socketserver.test.ts. */
export const DEFAULT_WORKERS = 40;
/** The largest `max_threads` and `max_children`: more than any machine has memory for. */
export const MAX_WORKERS = 100_000;

/** The hosts that stand for all addresses of this machine. */
const ANY_HOST: ReadonlySet<unknown> = new Set(['', '0.0.0.0', '::']);

const ATTRIBUTES = [
  'address_family',
  'socket_type',
  'request_queue_size',
  'allow_reuse_address',
  'allow_reuse_port',
  'max_packet_size',
];

/**
 * A server of connections, one request after another, in this thread: Python's socketserver.TCPServer. A class that changes an attribute
 * has it `static`.
 *
 * @typeParam F the address family
 * @typeParam Data of `worker_data`
 * @typeParam Request what get_request() gives; this and the rest differ in servers of datagrams and on the event loop
 */
export class TCPServer<
  F extends number = typeof c.AF_INET,
  Data = unknown,
  Request = Socket<F>,
  Sock extends SocketBase<F> = Socket<F>,
  ClientAddress = ReturnedAddress<F>,
> extends BaseServer<Request, ClientAddress, ReturnedAddress<F>> {
  /** The address family. It and the next four must be `static` in a class that changes them: the constructor needs them. */
  static address_family: number = c.AF_INET;
  /** The type of the socket, SOCK_*. */
  static socket_type: number = c.SOCK_STREAM;
  /** The largest number of connections that wait to be accepted. */
  static request_queue_size = 128;
  /** True to set SO_REUSEADDR: a server that ended can be started again at once. */
  static allow_reuse_address = false;
  /** True to set SO_REUSEPORT: several servers may listen on one port. */
  static allow_reuse_port = false;

  /** The address family, AF_*. */
  declare address_family: number;
  /** The type of the socket, SOCK_*. */
  declare socket_type: number;
  /** The largest number of connections that wait to be accepted. */
  declare request_queue_size: number;
  /** True to set SO_REUSEADDR. */
  declare allow_reuse_address: boolean;
  /** True to set SO_REUSEPORT. */
  declare allow_reuse_port: boolean;
  declare socket: Sock;

  /** Data that handlers find as `this.server.worker_data`. */
  worker_data: Data;
  /** The options of the constructor. @internal */
  readonly _options: ServerOptions<F, Data>;
  /** The settings of what requests have to pass before they are handled; undefined: nothing. @internal */
  readonly _admission_config: AdmissionConfig | undefined;
  /** @internal */
  readonly _admission: Admission | undefined;
  /** TLS of a server on the event loop. @internal */
  readonly _tls: ServerTls | undefined;
  /** True if the socket was bound already when the constructor got it. @internal */
  readonly _is_given: boolean;
  /** @internal */
  readonly _used = new UsedAttributes();

  /**
   * TCPServer(server_address, RequestHandlerClass, bind_and_activate = true, { … })
   *
   * @param server_address the address to listen on; or a socket that is bound already, which then belongs to the server
   * @param RequestHandlerClass the class that handles requests
   * @param bind_and_activate whether to bind and listen at once; the options may stand in its place
   * @throws OSError if the socket cannot be bound; TypeError, RangeError
   */
  constructor(
    server_address: Address<F> | Socket<F>,
    RequestHandlerClass: RequestHandlerClass<
      NoInfer<Request>,
      NoInfer<ClientAddress>,
      NoInfer<TCPServer<F, Data>>
    >,
    bind_and_activate: boolean | ServerOptions<F, Data> | null = true,
    options: ServerOptions<F, Data> = {},
  ) {
    super(server_address as ReturnedAddress<F>, RequestHandlerClass);
    const given = options_of(
      typeof bind_and_activate === 'object' ? { ...options, ...bind_and_activate } : options,
      OPTIONS,
    );
    const activate = typeof bind_and_activate === 'boolean' ? bind_and_activate : given.bind_and_activate;
    this._options = given;
    this.worker_data = given.worker_data as Data;
    set_attributes(this, given);
    this._admission_config = admission_config(given);
    this._admission = this._admission_config && new Admission(this._admission_config);
    this._tls = given.ssl === undefined ? undefined : this._make_tls(given);
    this.socket = this._open(server_address);
    this._is_given = server_address instanceof SocketBase;
    this._prepare_socket();
    note_identity(this.socket);
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

  /** Returns the server's socket: a new one, or the one that the constructor got. @internal */
  _open(given: unknown): Sock {
    const sock: unknown =
      given instanceof SocketBase ? given : new Socket(this.address_family, this.socket_type);
    if (!(sock instanceof Socket)) {
      throw new TypeError(`server_address: ${this.constructor.name} blocks and takes no socket of promises`);
    }
    return sock as SocketBase<number> as Sock;
  }

  /** Called before the socket is bound. @internal */
  _prepare_socket(): void {}

  /** Makes what TLS needs. @throws TypeError: this server blocks @internal */
  _make_tls(_options: ServerOptions): ServerTls {
    return refuse_ssl(this.constructor.name, this instanceof UDPServer);
  }

  /** @internal */
  override _announces(): boolean {
    return this._options.sd_notify === true;
  }

  /** @internal */
  override _warn_of_late_attributes(): void {
    this._used.warn(this);
  }

  /**
   * server_bind(). Called by the constructor to bind the socket to server_address, which then is the address that the kernel gave. See
   * Python's socketserver.TCPServer.server_bind.
   *
   * @throws OSError EADDRINUSE, EADDRNOTAVAIL, EACCES for a port below 1,024; gaierror for a host name that does not resolve
   * @example
   * const server = new TCPServer(['127.0.0.1', 0], EchoHandler, { bind_and_activate: false });
   * server.server_bind();
   * console.log(server.server_address[1] > 0); // true
   */
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

  /**
   * server_activate(). Called by the constructor to listen. See Python's socketserver.TCPServer.server_activate.
   *
   * @throws OSError of listen(2)
   * @example
   * const server = new TCPServer(['127.0.0.1', 0], EchoHandler, { bind_and_activate: false });
   * server.server_bind();
   * server.server_activate();
   */
  override server_activate(): void {
    this._used.use(this, 'request_queue_size');
    this.socket.listen(this.request_queue_size);
  }

  /** Refuses connections, but not on a socket that the constructor got: other processes may accept on it. @internal */
  override _refuse(): void {
    if (this.socket_type !== c.SOCK_DGRAM && !this._is_given) refuse_connections(this.socket);
  }

  /** Closes a listening socket. One of datagrams stays open to answer. @internal */
  override _unlisten(): void {
    if (this.socket_type !== c.SOCK_DGRAM) close_served(this.socket);
  }

  /**
   * server_close() -> a promise. Ends serve_forever(), if it runs, and closes the socket. See Python's socketserver.TCPServer.server_close.
   *
   * @throws (rejects) what serve_forever() rejects with
   * @example
   * await server.server_close();
   * console.log(server.fileno()); // -1
   */
  override async server_close(): Promise<void> {
    const stopping = this._stop_serving();
    if (stopping !== undefined) await stopping;
    this._unlisten();
    close_served(this.socket);
  }

  /**
   * fileno() -> the descriptor of the socket. See Python's socketserver.TCPServer.fileno.
   *
   * @returns the number of the descriptor, -1 once the server is closed
   * @example
   * console.log(server.fileno() === server.socket.fileno()); // true
   */
  fileno(): number {
    return this.socket.fileno();
  }

  /**
   * get_request() -> [conn, client_address]. Accepts the next connection. See Python's socketserver.TCPServer.get_request.
   *
   * @returns the connection, and the address of the client
   * @throws OSError if there is none, which the server ignores
   * @example
   * const client = create_connection(server.server_address);
   * console.log(server.get_request()[1][1] === client.getsockname()[1]); // true
   */
  override get_request(): [request: Request, client_address: ClientAddress] {
    return this._get_request();
  }

  /** The default of get_request(), which servers of other kinds replace. @internal */
  _get_request(): [request: Request, client_address: ClientAddress] {
    // Servers of datagrams, and those with sockets of promises, override this method: here the socket blocks.
    return (this.socket as SocketBase<F> as Socket<F>).accept() as [unknown, unknown] as [
      Request,
      ClientAddress,
    ];
  }

  /** @internal */
  override _admit(request: Request, client_address: ClientAddress): ClientAddress {
    if (this._admission === undefined) return client_address;
    // Servers on the event loop, whose requests are those of promises, do not come here.
    return this._admission.admit(
      request as Socket<number>,
      client_address as AnyReturnedAddress,
    ) as ClientAddress;
  }

  /**
   * shutdown_request(request). Shuts down sending, and closes the connection. See Python's socketserver.TCPServer.shutdown_request.
   *
   * @throws OSError of close(2)
   * @example
   * const client = create_connection(server.server_address);
   * const [request] = server.get_request();
   * server.shutdown_request(request);
   * console.log(client.recv(1024).length); // 0
   */
  override shutdown_request(request: Request): void | Promise<void> {
    return this._shutdown_request(request);
  }

  /** The default of shutdown_request(), which servers of other kinds replace. @internal */
  _shutdown_request(request: Request): void | Promise<void> {
    try {
      if (request instanceof Socket) request.shutdown(c.SHUT_WR);
    } catch (error) {
      // ENOTCONN: the client has gone.
      if (!(error instanceof OSError)) throw error;
    }
    this.close_request(request);
  }

  /**
   * close_request(request). Closes the connection. See Python's socketserver.TCPServer.close_request.
   *
   * @throws OSError of close(2)
   * @example
   * const client = create_connection(server.server_address);
   * const [request] = server.get_request();
   * server.close_request(request);
   * console.log(client.recv(1024).length); // 0
   */
  override close_request(request: Request): void {
    if (request instanceof SocketBase) request.close();
  }
}

/** Servers of datagrams: get_request() -> [[packet, socket], client_address]. */
export class UDPServer<F extends number = typeof c.AF_INET, Data = unknown> extends TCPServer<
  F,
  Data,
  DatagramRequest<F>,
  Socket<F, typeof c.SOCK_DGRAM>,
  SenderAddress<F, typeof c.SOCK_DGRAM, 0>
> {
  static override socket_type: number = c.SOCK_DGRAM;
  /** Bytes of the longest datagram; the rest of a longer one is lost. */
  static max_packet_size = 8192;

  /** Bytes of the longest datagram; the rest of a longer one is lost. */
  declare max_packet_size: number;
  /** Whether the kernel tells the address that was asked. Set before the fields of this class are. @internal */
  declare _has_packet_info: boolean;

  /** @internal */
  override _prepare_socket(): void {
    const { packet_info } = this._options;
    const { server_address, socket } = this;
    const address: unknown = server_address instanceof SocketBase ? socket.getsockname() : server_address;
    // Bound to one address, the answer comes from it anyway.
    const is_any = Array.isArray(address) && ANY_HOST.has(address[0]);
    this._has_packet_info = (packet_info ?? is_any) && has_packet_info(socket.family);
    try {
      if (this._has_packet_info) want_packet_info(socket);
      else if (packet_info === true)
        throw new RangeError('packet_info is for datagrams of AF_INET and AF_INET6');
    } catch (error) {
      if (!this._is_given) socket.close();
      throw error;
    }
  }

  override _get_request(): [
    request: DatagramRequest<F>,
    client_address: SenderAddress<F, typeof c.SOCK_DGRAM, 0>,
  ] {
    const { socket } = this;
    if (!this._has_packet_info) {
      const [packet, client_address] = socket.recvfrom(this.max_packet_size);
      return [[packet, socket], client_address];
    }
    const size = integer(this.max_packet_size, 'max_packet_size', 1);
    const received = receive(socket, size, true);
    if (typeof received === 'number') return socket._raise(received, 'recvmsg');
    const request: DatagramRequest<F> = [received[0], socket];
    note_packet_info(request, received[2]);
    return [request, received[1] as SenderAddress<F, typeof c.SOCK_DGRAM, 0>];
  }

  /**
   * server_activate(). Does nothing: a datagram socket does not listen. See Python's socketserver.UDPServer.server_activate.
   *
   * @example
   * const server = new UDPServer(['127.0.0.1', 0], DatagramRequestHandler);
   * server.server_activate();
   * await server.server_close();
   */
  override server_activate(): void {}

  override _shutdown_request(request: DatagramRequest<F>): void | Promise<void> {
    this.close_request(request);
  }

  /**
   * close_request(request). Does nothing: a datagram holds no resources. See Python's socketserver.UDPServer.close_request.
   *
   * @example
   * const server = new UDPServer(['127.0.0.1', 0], DatagramRequestHandler);
   * server.close_request([Buffer.from('packet'), server.socket]);
   * await server.server_close();
   */
  override close_request(_request: DatagramRequest<F>): void {}
}

/** A TCPServer on a path, of AF_UNIX streams. See Python's socketserver.UnixStreamServer. */
export class UnixStreamServer<Data = unknown> extends TCPServer<typeof c.AF_UNIX, Data> {
  static override address_family: number = c.AF_UNIX;
}

/** A UDPServer on a path, of AF_UNIX datagrams. See Python's socketserver.UnixDatagramServer. */
export class UnixDatagramServer<Data = unknown> extends UDPServer<typeof c.AF_UNIX, Data> {
  static override address_family: number = c.AF_UNIX;
}

/** Any server of these and of those that are made of them. */
export type AnyServer = TCPServer<number, unknown, unknown, SocketBase<number>, unknown>;
/** A class of servers with any constructor. */
export type ServerClass = new (...args: never[]) => AnyServer;

// What a mix-in asks of the server that it is given: the family and the data that the class names, and the kind of requests.
type NamedFamily<F extends number> = number extends F ? typeof c.AF_INET : F;
export type FamilyOf<Server> = Server extends { socket: SocketBase<infer F> } ? NamedFamily<F> : never;
export type DataOf<Server> = Server extends { worker_data: infer Data } ? Data : never;
export type IsDatagram<Server> = Server extends { max_packet_size: number } ? true : false;
export type ClientAddressOf<Server, F extends number> =
  IsDatagram<Server> extends true ? SenderAddress<F, typeof c.SOCK_DGRAM, 0> : ReturnedAddress<F>;
/** Members that a class adds to those of this module. */
export type Own<Server> = Omit<Server, keyof TCPServer | 'max_packet_size'>;

/** The class attributes that options replace. */
interface Attributes {
  address_family: number;
  request_queue_size: number;
  allow_reuse_address: boolean;
  allow_reuse_port: boolean;
}

/** Checks the options of the constructor, and sets the attributes that they replace. @throws TypeError, RangeError */
function set_attributes(server: Attributes, options: ServerOptions): void {
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
