// Types of the servers with worker threads or child processes, which the mix-ins of mixins.ts return.
import type { Address } from '../calls/address.js';
import type { socket as Socket } from '../socket/index.js';
import type { DatagramRequest, RequestHandlerClass, ServerView } from './handlers.js';
import type { ServerOptions } from './options.js';
import type { ClientAddressOf, DataOf, FamilyOf, IsDatagram, Own, ServerClass } from './server_types.js';
import type { TCPServer, UDPServer } from './servers.js';

type RequestOf<Server, F extends number> = IsDatagram<Server> extends true ? DatagramRequest<F> : Socket<F>;
type PlainServerOf<Server, F extends number, Data> =
  IsDatagram<Server> extends true ? UDPServer<F, Data> : TCPServer<F, Data>;

/** The class that a mix-in returns: `Attributes` are static, and members of the servers as well. */
export type PooledServerClass<Base extends ServerClass, Attributes, Members> = Omit<Base, 'prototype'> &
  Attributes & {
    /**
     * @param server_address the address to listen on; or a socket that is bound already, which then belongs to the server
     * @param RequestHandlerClass the class that handles requests
     * @param bind_and_activate whether to bind and listen at once; the options may stand in its place
     */
    new <F extends number = FamilyOf<InstanceType<Base>>, Data = DataOf<InstanceType<Base>>>(
      server_address: Address<F> | Socket<F>,
      RequestHandlerClass: RequestHandlerClass<
        NoInfer<RequestOf<InstanceType<Base>, F>>,
        NoInfer<ClientAddressOf<InstanceType<Base>, F>>,
        NoInfer<ServerView<Data>>
      >,
      bind_and_activate?: boolean | ServerOptions<F, Data> | null,
      options?: ServerOptions<F, Data>,
    ): PlainServerOf<InstanceType<Base>, F, Data> & Attributes & Members & Own<InstanceType<Base>>;
  };

/** Attributes that ThreadingMixIn adds. */
export interface ThreadingAttributes {
  /** True to end the process without waiting for requests under way. */
  daemon_threads: boolean;
  /** True to have server_close() wait for requests under way. */
  block_on_close: boolean;
  /** The largest number of threads. */
  max_threads: number;
}

/** Methods that ThreadingMixIn adds. */
export interface ThreadingMembers {
  /**
   * process_request_thread(request, client_address). Handles a request as a worker thread does: finish_request(), then shutdown_request();
   * errors go to handle_error(). Worker threads have their own code, so it cannot be overridden. See Python's socketserver.ThreadingMixIn.
   */
  process_request_thread(request: unknown, client_address: unknown): void;
}

/** Attributes that ForkingMixIn adds. */
export interface ForkingAttributes {
  /** The process ids of the children. */
  active_children: Set<number> | null;
  /** The largest number of child processes. */
  max_children: number;
  /** True to have server_close() wait for requests under way. */
  block_on_close: boolean;
}

/** Methods that ForkingMixIn adds. */
export interface ForkingMembers {
  /** collect_children(). Does nothing: active_children is always up to date. */
  collect_children(): void;
}
