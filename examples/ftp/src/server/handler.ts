// Where the library's servers meet sessions: each connection that AsyncTCPServer accepts becomes a Session.
import { type AnyReturnedAddress, type ConnectedSocket, OSError } from 'bsd-sockets/promises';
import { AsyncBaseRequestHandler, type ServerView } from 'bsd-sockets/socketserver';
import type { ListenConfig } from '../config/config.js';
import { host_port } from '../protocol/addresses.js';
import { serve_session } from './dispatcher.js';
import { Session } from './session.js';
import type { Arrival, Shared } from './shared.js';

/** What handlers find as the server's `worker_data`. */
export interface HandlerData {
  readonly shared: Shared;
  readonly listen: ListenConfig;
}

export class SessionHandler extends AsyncBaseRequestHandler<
  ConnectedSocket,
  AnyReturnedAddress,
  ServerView<HandlerData>
> {
  override async handle(): Promise<void> {
    const { shared, listen } = this.server.worker_data;
    const arrival = this.#arrival(listen);
    if (arrival !== undefined) await serve_session(new Session(shared, arrival, this.request));
  }

  /** Returns undefined if the client has gone already. */
  #arrival(listen: ListenConfig): Arrival | undefined {
    const [address, port] = host_port(this.client_address);
    const header = this.proxy_header ?? undefined;
    try {
      // Without a proxy it is known: each call of the kernel counts in a log-in.
      const peer = header === undefined ? address : host_port(this.request.getpeername())[0];
      // Behind a proxy the client knows the proxy's address, and not ours.
      const destination = header?.destination == null ? undefined : host_port(header.destination)[0];
      return { listen, address, port, peer, destination };
    } catch (error) {
      if (error instanceof OSError) return undefined;
      throw error;
    }
  }
}
