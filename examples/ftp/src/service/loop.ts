// Serving on one event loop: a server of the library for each listening socket, and one Shared for all. Every kind of server runs this:
// `loop` in the main thread, `threads` and `processes` in each worker.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ConnectedSocket, ListeningSocket } from 'bsd-sockets/promises';
import { AsyncTCPServer, type ServerEvent } from 'bsd-sockets/socketserver';
import type { Config, ListenConfig } from '../config/config.js';
import { prepare_listener } from '../server/control.js';
import { type HandlerData, SessionHandler } from '../server/handler.js';
import type { Shared } from '../server/shared.js';

/** Sessions that run on this event loop, or on those of workers. */
export interface Serving {
  /** What offer_handover() takes: one for each name of a listener. */
  readonly handed_over: Readonly<Record<string, { fileno(): number }>>;
  /** Takes another configuration for sessions that begin from now on. @throws (rejects) what is wrong with it */
  reload(config: Config): Promise<void>;
  /** Takes no more connections, and ends each session when its transfer is done. @param seconds after which they are cut off */
  drain(seconds: number): Promise<void>;
}

class LoopServer extends AsyncTCPServer<number, HandlerData> {
  /** Sessions end their connections by themselves, those over TLS on another object. */
  override shutdown_request(request: ConnectedSocket): void {
    this.close_request(request);
  }

  override handle_error(_request: unknown, _address: unknown, error: unknown): void {
    this.worker_data.shared.report(error);
  }
}

export interface Listening {
  readonly name: string;
  readonly listen: ListenConfig;
  readonly sock: ListeningSocket;
}

/** The library's channel for connections that it turns away before a handler sees them: those of proxies that are not trusted, or say nothing. */
const REFUSED = 'bsd-sockets:server:refused';

/** Serves the listening sockets, which are the server's from now on. */
export function serve_loop(shared: Shared, listeners: readonly Listening[]): Serving {
  const { proxy_protocol } = shared.config;
  const servers = listeners.map(({ listen, sock }) => {
    prepare_listener(sock);
    const worker_data = { shared, listen };
    const options = { worker_data, ...(proxy_protocol === null ? {} : { proxy_protocol }) };
    return new LoopServer(sock, SessionHandler, options);
  });
  const served = servers.map((server) => server.serve_forever());
  for (const one of served) one.catch((error: unknown) => shared.report(error));
  const on_refused = (message: unknown) => {
    const { server, reason } = message as ServerEvent<'refused'>;
    if (servers.some((one) => one === server))
      shared.registry.count('ftp_refusals_total', { reason: String(reason) });
  };
  subscribe(REFUSED, on_refused);
  return {
    handed_over: Object.fromEntries(listeners.map(({ name }, i) => [name, servers[i] as LoopServer])),
    reload: async (config) => shared.reload(config),
    async drain(seconds) {
      // Not shutdown({ drain }), which would close the socket for those, too, that share it: another worker, a successor.
      const closed = servers.map((server) => server.server_close());
      shared.drain();
      const timer = setTimeout(() => shared.destroy(), seconds * 1000);
      await Promise.all([...closed, ...served]);
      clearTimeout(timer);
      unsubscribe(REFUSED, on_refused);
    },
  };
}
