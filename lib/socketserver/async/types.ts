// Types of the classes that AsyncMixIn returns: hooks may be async, and sockets are those of promises. In TypeScript a method that
// blocks cannot be overridden by one that returns a promise, hence these types.

import type { Address, ReturnedAddress } from '../../calls/address.js';
import type { SocketBase } from '../../calls/socket_base.js';
import type { SenderAddress } from '../../calls/transfer.js';
import type * as c from '../../constants.js';
import type { ConnectedSocket, socket as Socket } from '../../promises/index.js';
import type { ShutdownOptions } from '../handlers.js';
import type {
  ClientAddressOf,
  DataOf,
  FamilyOf,
  IsDatagram,
  Own,
  ServerClass,
  ServerOptions,
} from '../servers.js';
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
  address_family: number;
  socket_type: number;
  /** The largest number of connections that wait to be accepted. */
  request_queue_size: number;
  allow_reuse_address: boolean;
  allow_reuse_port: boolean;
  /** True to have server_close() wait for requests under way. */
  block_on_close: boolean;
  /** The largest number of requests under way; further ones wait in the kernel. null: no limit. */
  max_handlers: number | null;
  /** Data that handlers find as `this.server.worker_data`: the same object. */
  worker_data: Data;

  /** server_bind(). Called by the constructor to bind the socket to server_address; looking up a name blocks. @throws OSError */
  server_bind(): void;
  /** server_activate(). Called by the constructor to listen. @throws OSError */
  server_activate(): void;
  /** fileno() -> the descriptor of the socket. */
  fileno(): number;
  /**
   * serve_forever(poll_interval = 0.5) -> a promise: handles requests, any number at the same time, until shutdown().
   *
   * @param poll_interval seconds without a request after which service_actions() is called
   * @throws (rejects) an error of a hook, unless it is one of handling a request
   */
  serve_forever(poll_interval?: number): Promise<void>;
  /**
   * shutdown({ drain }) -> a promise: ends serve_forever() at once; fulfilled when serve_forever() has returned. It may be
   * called from anywhere. Requests under way go on.
   *
   * @param options `drain`: seconds to finish requests. Requests that wait in the kernel are taken, a listening socket is
   *   closed, and requests that are not finished in time are ended
   */
  shutdown(options?: ShutdownOptions): Promise<void>;
  /** service_actions(). Called by serve_forever() after each batch of requests, and each poll_interval. */
  service_actions(): void;
  /**
   * handle_request() -> a promise: waits for one request and handles it; after `timeout` seconds (or the socket's time-out,
   * if that is shorter) it calls handle_timeout() instead.
   *
   * @throws (rejects) OSError of waiting; any error of a hook
   */
  handle_request(): Promise<void>;
  /** handle_timeout(). Called by handle_request() if no request came in time. */
  handle_timeout(): MayWait<void>;
  /**
   * get_request() -> [request, client_address]. Takes the next request, without waiting.
   *
   * @throws OSError if there is none, which is ignored
   */
  get_request(): [request: Request, client_address: ClientAddress];
  /** verify_request(request, client_address) -> whether to handle the request; if not, it is closed. May be async. */
  verify_request(request: Request, client_address: ClientAddress): MayWait<boolean>;
  /** process_request(request, client_address). Calls finish_request() and shutdown_request(). */
  process_request(request: Request, client_address: ClientAddress): MayWait<void>;
  /** finish_request(request, client_address). Handles the request by an object of RequestHandlerClass. */
  finish_request(request: Request, client_address: ClientAddress): MayWait<void>;
  /** shutdown_request(request). Shuts down sending, and closes the connection. */
  shutdown_request(request: Request): MayWait<void>;
  /** close_request(request). Closes the connection. */
  close_request(request: Request): void;
  /** handle_error(request, client_address, error). Called if a handler fails; prints the error to stderr. */
  handle_error(request: Request, client_address: ClientAddress, error: unknown): MayWait<void>;
  /**
   * server_close() -> a promise. Ends serve_forever(), if it runs, and closes the server. Waits for requests under way,
   * unless block_on_close is false.
   */
  server_close(): Promise<void>;
  /** server_close(). */
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

type AsyncServerOf<Server, F extends number, Data> =
  IsDatagram<Server> extends true ? AsyncDatagramServer<F, Data> : AsyncServer<F, Data>;
type RequestOf<Server, F extends number> =
  IsDatagram<Server> extends true ? AsyncDatagramRequest<F> : ConnectedSocket<F>;

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
  new <F extends number = FamilyOf<InstanceType<Base>>, Data = DataOf<InstanceType<Base>>>(
    server_address: Address<F> | SocketBase<F>,
    RequestHandlerClass: AsyncRequestHandlerClass<
      NoInfer<RequestOf<InstanceType<Base>, F>>,
      NoInfer<ClientAddressOf<InstanceType<Base>, F>>,
      NoInfer<AsyncServerOf<InstanceType<Base>, F, Data>>
    >,
    bind_and_activate?: boolean | ServerOptions<F, Data> | null,
    options?: ServerOptions<F, Data>,
  ): AsyncServerOf<InstanceType<Base>, F, Data> & Own<InstanceType<Base>>;
};
