// The servers that handle requests one after another on the thread that serves: TCPServer, UDPServer and their AF_UNIX forms;
// the options of all servers are in options.ts.

import type { Address, AnyReturnedAddress, ReturnedAddress } from '../calls/address.js';
import { resolve_host_blocking } from '../calls/lookup.js';
import { SocketBase } from '../calls/socket_base.js';
import type { SenderAddress } from '../calls/transfer.js';
import * as c from '../constants.js';
import { OSError, TimeoutError } from '../errors/index.js';
import { socket as Socket } from '../socket/index.js';
import { integer, options_of } from '../util/validate.js';
import { Admission, type AdmissionConfig, admission_config } from './admission/admission.js';
import type { RequestRefused } from './admission/refused.js';
import { class_attributes, UsedAttributes } from './attributes.js';
import { BaseServer } from './base.js';
import { has_packet_info, note_packet_info, receive, want_packet_info } from './datagrams/packet_info.js';
import type { DatagramRequest, RequestHandlerClass } from './handlers.js';
import { type Sharing, sharing_of } from './handover/sharing.js';
import { refuse_connections } from './listener/refuse.js';
import { close_served, note_identity } from './listener/served_socket.js';
import { OPTIONS, type ServerOptions, set_attributes } from './options.js';
import { refuse_ssl, type ServerTls } from './tls/tls.js';
import { backlog_of, type ServerStatistics } from './watch/statistics.js';
import type { WatchedRequest } from './watch/watch.js';

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
  /** Who else has the socket. @internal */
  readonly _sharing: Sharing;
  /** TLS of a server on the event loop. @internal */
  readonly _tls: ServerTls | undefined;
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
    this._admission_config = admission_config(given, this instanceof UDPServer);
    this._admission = this._admission_config && new Admission(this._admission_config);
    this._tls = given.ssl === undefined ? undefined : this._make_tls(given);
    this._sharing = sharing_of(server_address);
    this.socket = this._open(server_address);
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

  /** Refuses connections, but not on a socket that other processes may accept on. @internal */
  override _refuse(): void {
    if (this.socket_type === c.SOCK_DGRAM || this._sharing.is_shared) return;
    this._sharing.is_refusing = true;
    refuse_connections(this.socket);
  }

  /** @internal */
  override _is_handed_over(): boolean {
    return this._sharing.has_successor;
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

  /** @internal */
  override _turn_away(request: Request, refusal: RequestRefused): void {
    this._admission?.limits?.tell(request, refusal);
    this.close_request(request);
  }

  /** @internal */
  override _leave(request: Request): void {
    this._admission?.limits?.leave(request as object);
  }

  /** @internal */
  override _in_context<T>(request: WatchedRequest, run: () => T): T {
    return this._options.request_context === true ? this._watch.run(request, run) : run();
  }

  /** @internal */
  override _failed(request: WatchedRequest, error: unknown): void {
    if (this._options.idle_timeout && error instanceof TimeoutError) this._watch.timed_out.idle_timeout++;
    super._failed(request, error);
  }

  /**
   * statistics() -> what the server has done so far, and does now: requests taken, under way, handled, refused and failed, workers, and
   * the connections that wait in the kernel. Beyond Python's socketserver; the backlog is that of TCP_INFO, tcp(7).
   *
   * @returns the counts since the server was made, all of one moment
   * @example
   * const { accepted, active } = server.statistics();
   * console.log(accepted, active); // 0 0
   */
  statistics(): ServerStatistics {
    return { ...this._watch.counts(), ...backlog_of(this.socket) };
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
    const is_given = (server_address as unknown) instanceof SocketBase;
    const address: unknown = is_given ? socket.getsockname() : server_address;
    // Bound to one address, the answer comes from it anyway.
    const is_any = Array.isArray(address) && ANY_HOST.has(address[0]);
    this._has_packet_info = (packet_info ?? is_any) && has_packet_info(socket.family);
    try {
      if (this._has_packet_info) want_packet_info(socket);
      else if (packet_info === true)
        throw new RangeError('packet_info is for datagrams of AF_INET and AF_INET6');
    } catch (error) {
      if (!is_given) socket.close();
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

class_attributes(TCPServer, ATTRIBUTES);
