// How a server that blocks handles its next request: from get_request() by the hooks to shutdown_request().
import type { SocketBase } from '../calls/socket_base.js';
import { OSError } from '../errors/index.js';
import { RequestRefused } from './admission/refused.js';
import { without_waiting } from './listener/socket_wait.js';
import { NOT_VERIFIED, type Watch, type WatchedRequest } from './watch/watch.js';

/** The members of a server that handling needs; base.ts describes them. */
interface HandlingServer<Request, ClientAddress> {
  readonly socket: SocketBase<number>;
  readonly _watch: Watch;
  get_request(): [request: Request, client_address: ClientAddress];
  _admit(request: Request, client_address: ClientAddress): ClientAddress;
  _turn_away(request: Request, refusal: RequestRefused): void;
  _leave(request: Request): void;
  verify_request(request: Request, client_address: ClientAddress): boolean;
  process_request(request: Request, client_address: ClientAddress): void;
  shutdown_request(request: Request): void | Promise<void>;
  handle_error(request: Request, client_address: ClientAddress, error: unknown): void;
  _in_context<T>(request: WatchedRequest, run: () => T): T;
  _failed(request: WatchedRequest, error: unknown): void;
}

/** Handles the next request. Returns 0, or the errno if it cannot be taken. @throws an error of a hook */
export function handle_next<Request, ClientAddress>(server: HandlingServer<Request, ClientAddress>): number {
  let request: Request;
  let client_address: ClientAddress;
  try {
    [request, client_address] = without_waiting(server.socket, () => server.get_request());
  } catch (error) {
    if (error instanceof OSError) return error.errno ?? 0;
    throw error;
  }
  server._watch.arrived(client_address);
  try {
    client_address = server._admit(request, client_address);
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    server._watch.refused(client_address, error);
    server._turn_away(request, error);
    return 0;
  }
  try {
    handle_admitted(server, request, client_address);
  } finally {
    server._leave(request);
  }
  return 0;
}

/** Handles a request from verify_request() to shutdown_request(). */
function handle_admitted<Request, ClientAddress>(
  server: HandlingServer<Request, ClientAddress>,
  request: Request,
  client_address: ClientAddress,
): void {
  const { _watch: watch } = server;
  if (!server.verify_request(request, client_address)) {
    watch.refused(client_address, NOT_VERIFIED);
    server.shutdown_request(request);
    return;
  }
  const watched = watch.begin(client_address);
  try {
    server._in_context(watched, () => server.process_request(request, client_address));
    watch.end(watched);
  } catch (error) {
    server._failed(watched, error);
    try {
      server.handle_error(request, client_address, error);
    } finally {
      // Also if handle_error throws: then Python closes the request by its reference count.
      server.shutdown_request(request);
    }
  }
}
