// request_context(): which request the code that runs now belongs to, anywhere below its handler.
import { AsyncLocalStorage } from 'node:async_hooks';

/** The request whose handler has called the code that runs now. */
export interface RequestContext {
  /** A string that no other request of the server has; the `id` of events. */
  readonly id: string;
  /** The address of the client. */
  readonly client_address: unknown;
  /** The server; in a worker thread or child process what handlers have as `this.server`. */
  readonly server: object;
  /** The class, or function, that handles the request. */
  readonly handler: unknown;
  /** The time when the handling began, in seconds since 1970. */
  readonly start_time: number;
}

/** Made by the first server with the option `request_context`: before Node 24 it makes every promise of the thread slower. */
let storage: AsyncLocalStorage<RequestContext> | undefined;

/**
 * request_context() -> the request whose handler has called this code, across calls, promises and timers; undefined outside of
 * handlers, and in servers without the option `request_context`. Beyond Python's socketserver; see contextvars, and Node's
 * AsyncLocalStorage.
 *
 * @returns the request's id, client_address, server, handler and start_time
 * @example
 * const log = (text: string) => console.error(request_context()?.client_address ?? '-', text);
 */
export function request_context(): RequestContext | undefined {
  return storage?.getStore();
}

/** Calls a function of a handler as part of a request. */
export function in_context<T>(context: RequestContext, run: () => T): T {
  storage ??= new AsyncLocalStorage();
  return storage.run(context, run);
}
