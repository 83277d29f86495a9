// Types of the classes that AsyncMixIn returns: hooks may be async, and sockets are those of promises. In TypeScript a method that
// blocks cannot be overridden by one that returns a promise, hence these types.

import type { Address, ReturnedAddress } from '../../calls/address.js';
import type { SocketBase } from '../../calls/socket_base.js';
import type { SenderAddress } from '../../calls/transfer.js';
import type * as c from '../../constants.js';
import type { ConnectedSocket, socket as Socket, SSLOptions, SSLSocket } from '../../promises/index.js';
import type { ShutdownOptions } from '../handlers.js';
import type { ServerOptions } from '../options.js';
import type { ClientAddressOf, DataOf, FamilyOf, IsDatagram, Own, ServerClass } from '../server_types.js';
import type { ServerStatistics } from '../watch/statistics.js';
import type { AsyncDatagramRequest } from './handlers.js';

type MayWait<T> = T | Promise<T>;

/** A class of handlers, also one typed as blocking, or a function that handles the request itself, sync or async. */
export type AsyncRequestHandlerClass<Request, ClientAddress, Server> =
  | (new (
      request: never,
      client_address: ClientAddress,
      server: never,
    ) => object)
  | ((request: Request, client_address: ClientAddress, server: Server) => unknown);

/** A server on the event loop: requests are handled at the same time, by handlers that wait with promises. */
export interface AsyncServer<
  F extends number = number,
  Data = unknown,
  Request = ConnectedSocket<F>,
  K extends number = number,
  ClientAddress = ReturnedAddress<F>,
> {
  /** Seconds that handle_request() waits for a request before it calls handle_timeout(); null: no limit. */
  timeout: number | null;
  /** The address the server listens on. */
  server_address: ReturnedAddress<F>;
  /** The class whose objects handle requests. */
  RequestHandlerClass: AsyncRequestHandlerClass<Request, ClientAddress, this>;
  /** The socket that receives requests. */
  socket: Socket<F, K>;
  /** The address family, AF_*. */
  address_family: number;
  /** The type of the socket, SOCK_*. */
  socket_type: number;
  /** The largest number of connections that wait to be accepted. */
  request_queue_size: number;
  /** True to set SO_REUSEADDR: a server that ended can be started again at once. */
  allow_reuse_address: boolean;
  /** True to set SO_REUSEPORT: several servers may listen on one port. */
  allow_reuse_port: boolean;
  /** True to have server_close() wait for requests under way. */
  block_on_close: boolean;
  /** The largest number of requests under way; further ones wait in the kernel. null: no limit. */
  max_handlers: number | null;
  /** Data that handlers find as `this.server.worker_data`: the same object. */
  worker_data: Data;

  /**
   * server_bind(). Called by the constructor to bind the socket to server_address; looking up a name blocks. See Python's
   * socketserver.TCPServer.server_bind.
   *
   * @throws OSError EADDRINUSE, EADDRNOTAVAIL, EACCES for a port below 1,024; gaierror
   * @example
   * const own = new AsyncTCPServer(['127.0.0.1', 0], AsyncEchoHandler, { bind_and_activate: false });
   * own.server_bind();
   * console.log(own.server_address[1] > 0); // true
   */
  server_bind(): void;
  /**
   * server_activate(). Called by the constructor to listen. See Python's socketserver.TCPServer.server_activate.
   *
   * @throws OSError of listen(2)
   * @example
   * const own = new AsyncTCPServer(['127.0.0.1', 0], AsyncEchoHandler, { bind_and_activate: false });
   * own.server_bind();
   * own.server_activate();
   */
  server_activate(): void;
  /**
   * fileno() -> the descriptor of the socket. See Python's socketserver.TCPServer.fileno.
   *
   * @returns the number of the descriptor, -1 once the server is closed
   * @example
   * console.log(async_server.fileno() >= 0); // true
   */
  fileno(): number;
  /**
   * serve_forever(poll_interval = 0.5) -> a promise: handles requests, any number at the same time, until shutdown(). See Python's
   * socketserver.BaseServer.serve_forever.
   *
   * @param poll_interval seconds without a request after which service_actions() is called
   * @throws (rejects) an error of a hook, unless it is one of handling a request
   * @example
   * const serving = async_server.serve_forever();
   * const client = await promises.create_connection(async_server.server_address);
   * await client.sendall('hello\n');
   * console.log((await client.recv(1024)).toString().trim()); // hello
   * await async_server.shutdown();
   * await serving;
   */
  serve_forever(poll_interval?: number): Promise<void>;
  /**
   * statistics() -> what the server has done so far, and does now: requests taken, under way, handled, refused and failed, and the
   * connections that wait in the kernel. Beyond Python's socketserver; the backlog is that of TCP_INFO, tcp(7).
   *
   * @returns the counts since the server was made
   * @example
   * console.log(async_server.statistics().accepted); // 0
   */
  statistics(): ServerStatistics;
  /**
   * shutdown({ drain }) -> a promise: ends serve_forever() at once; fulfilled when serve_forever() has returned. It may be called from
   * anywhere. Requests under way go on. See Python's socketserver.BaseServer.shutdown.
   *
   * @param options `drain`: seconds to finish requests. Requests that wait in the kernel are taken, a listening socket is closed, and
   *   requests that are not finished in time are ended
   * @throws (rejects) TypeError, RangeError for another drain
   * @example
   * process.once('SIGTERM', () => async_server.shutdown({ drain: 5 }));
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /**
   * service_actions(). Called by serve_forever() after each batch of requests, and each poll_interval. See Python's
   * socketserver.BaseServer.service_actions.
   *
   * @throws what a sub-class throws: serve_forever() rejects with it
   * @example
   * async_server.service_actions = () => console.error('still here');
   */
  service_actions(): void;
  /**
   * handle_request() -> a promise: waits for one request and handles it; after `timeout` seconds (or the socket's time-out, if that is
   * shorter) it calls handle_timeout() instead. See Python's socketserver.BaseServer.handle_request.
   *
   * @throws (rejects) OSError of waiting; any error of a hook
   * @example
   * const client = await promises.create_connection(async_server.server_address);
   * await client.sendall('hello\n');
   * await async_server.handle_request();
   * console.log((await client.recv(1024)).toString().trim()); // hello
   */
  handle_request(): Promise<void>;
  /**
   * handle_timeout(). Called by handle_request() if no request came in time; may be async. See Python's
   * socketserver.BaseServer.handle_timeout.
   *
   * @throws what a sub-class throws: handle_request() rejects with it
   * @example
   * async_server.timeout = 0.01;
   * async_server.handle_timeout = () => console.log('nobody came');
   * await async_server.handle_request(); // nobody came
   */
  handle_timeout(): MayWait<void>;
  /**
   * get_request() -> [request, client_address]. Takes the next request, without waiting. See Python's socketserver.BaseServer.get_request.
   *
   * @returns the request, a socket of promises or `[packet, socket]`, and the address of the client
   * @throws OSError if there is none, which is ignored
   * @example
   * const client = await promises.create_connection(async_server.server_address);
   * console.log(async_server.get_request()[1][1] === client.getsockname()[1]); // true
   */
  get_request(): [request: Request, client_address: ClientAddress];
  /**
   * verify_request(request, client_address) -> whether to handle the request; if not, it is closed. May be async. See Python's
   * socketserver.BaseServer.verify_request.
   *
   * @returns true; a sub-class decides
   * @throws what a sub-class throws: handle_error() gets it
   * @example
   * async_server.verify_request = (_request, [host]) => host === '127.0.0.1';
   */
  verify_request(request: Request, client_address: ClientAddress): MayWait<boolean>;
  /**
   * process_request(request, client_address). Calls finish_request() and shutdown_request(). See Python's
   * socketserver.BaseServer.process_request.
   *
   * @throws the errors of the handler, which handle_error() gets
   * @example
   * const client = await promises.create_connection(async_server.server_address);
   * await client.sendall('hello\n');
   * await async_server.process_request(...async_server.get_request());
   * console.log((await client.recv(1024)).toString().trim()); // hello
   */
  process_request(request: Request, client_address: ClientAddress): MayWait<void>;
  /**
   * finish_request(request, client_address). Handles the request by an object of RequestHandlerClass. See Python's
   * socketserver.BaseServer.finish_request.
   *
   * @throws the errors of the handler, which handle_error() gets
   * @example
   * async_server.finish_request = (request) => request.sendall('the same for everybody\n');
   */
  finish_request(request: Request, client_address: ClientAddress): MayWait<void>;
  /**
   * shutdown_request(request). Shuts down sending, and closes the connection. See Python's socketserver.TCPServer.shutdown_request.
   *
   * @throws OSError of close(2)
   * @example
   * const client = await promises.create_connection(async_server.server_address);
   * await async_server.shutdown_request(async_server.get_request()[0]);
   * console.log((await client.recv(1024)).length); // 0
   */
  shutdown_request(request: Request): MayWait<void>;
  /**
   * close_request(request). Closes the connection. See Python's socketserver.TCPServer.close_request.
   *
   * @throws OSError of close(2)
   * @example
   * const client = await promises.create_connection(async_server.server_address);
   * async_server.close_request(async_server.get_request()[0]);
   * console.log((await client.recv(1024)).length); // 0
   */
  close_request(request: Request): void;
  /**
   * handle_error(request, client_address, error). Called if a handler fails; prints the error to stderr. See Python's
   * socketserver.BaseServer.handle_error.
   *
   * @param error the error, which Python has in sys.exc_info()
   * @throws what a sub-class throws: serve_forever() rejects with it
   * @example
   * async_server.handle_error = (_request, [host], error) => console.error(`${host}: ${error}`);
   */
  handle_error(request: Request, client_address: ClientAddress, error: unknown): MayWait<void>;
  /**
   * server_close() -> a promise. Ends serve_forever(), if it runs, and closes the server. Waits for requests under way, unless
   * block_on_close is false. See Python's socketserver.BaseServer.server_close.
   *
   * @throws (rejects) what serve_forever() rejects with
   * @example
   * await async_server.server_close();
   * console.log(async_server.fileno()); // -1
   */
  server_close(): Promise<void>;
  /**
   * The same as server_close(), for `await using` of ECMAScript.
   *
   * @throws (rejects) as server_close()
   * @example
   * await async_server[Symbol.asyncDispose]();
   * console.log(async_server.fileno()); // -1
   */
  [Symbol.asyncDispose](): Promise<void>;
}

/** A server of datagrams on the event loop. */
export interface AsyncDatagramServer<F extends number = number, Data = unknown>
  extends AsyncServer<
    F,
    Data,
    AsyncDatagramRequest<F>,
    typeof c.SOCK_DGRAM,
    SenderAddress<F, typeof c.SOCK_DGRAM, 0>
  > {
  /** Bytes of the longest datagram; the rest of a longer one is lost. */
  max_packet_size: number;
}

/** The type of the option `ssl`: undefined without it. */
export type Ssl = SSLOptions | undefined;
/** A connection of a server: over TLS with the option `ssl`. */
type ConnectionOf<F extends number, S extends Ssl> = [S] extends [undefined]
  ? ConnectedSocket<F>
  : SSLSocket<F>;
type AsyncServerOf<Server, F extends number, Data, S extends Ssl> =
  IsDatagram<Server> extends true ? AsyncDatagramServer<F, Data> : AsyncServer<F, Data, ConnectionOf<F, S>>;
type RequestOf<Server, F extends number, S extends Ssl> =
  IsDatagram<Server> extends true ? AsyncDatagramRequest<F> : ConnectionOf<F, S>;
/** The options, with the type of `ssl`. */
type OptionsOf<F extends number, Data, S extends Ssl> = Omit<ServerOptions<F, Data>, 'ssl'> & {
  /** TLS, with the certificates and settings of Node's `tls.createSecureContext`. */
  ssl?: S | undefined;
};

/** The class that AsyncMixIn returns. */
export type AsyncServerClass<Base extends ServerClass> = Omit<Base, 'prototype'> & {
  /** True, the default, to have server_close() wait for requests under way. */
  block_on_close: boolean;
  /** The largest number of requests under way; null, the default: no limit. */
  max_handlers: number | null;
  /**
   * @param server_address the address to listen on; or a socket that is bound already, blocking or of promises, which then
   *   belongs to the server
   * @param RequestHandlerClass the class that handles requests
   * @param bind_and_activate whether to bind and listen at once; the options may stand in its place
   */
  new <
    F extends number = FamilyOf<InstanceType<Base>>,
    Data = DataOf<InstanceType<Base>>,
    S extends Ssl = undefined,
  >(
    server_address: Address<F> | SocketBase<F>,
    RequestHandlerClass: AsyncRequestHandlerClass<
      NoInfer<RequestOf<InstanceType<Base>, F, S>>,
      NoInfer<ClientAddressOf<InstanceType<Base>, F>>,
      NoInfer<AsyncServerOf<InstanceType<Base>, F, Data, S>>
    >,
    bind_and_activate?: boolean | OptionsOf<F, Data, S> | null,
    options?: OptionsOf<F, Data, S>,
  ): AsyncServerOf<InstanceType<Base>, F, Data, S> & Own<InstanceType<Base>>;
};
