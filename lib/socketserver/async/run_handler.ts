// How a server on the event loop has a request handled: by a class of handlers, or by a function.
import { is_handler, run_constructed_async } from '../constructed.js';
import type { RequestHandlerClass } from '../handlers.js';
import { ASYNC_FILES } from './files.js';

/**
 * Handles one request: constructs the handler and runs it.
 *
 * @throws (rejects) any error of the handler
 */
export async function run_handler(
  Class: RequestHandlerClass,
  request: object,
  client_address: unknown,
  server: unknown,
): Promise<void> {
  const args = [request, client_address, server];
  if (Class.prototype === undefined) {
    await run_constructed_async(request, ASYNC_FILES, () => Reflect.apply(Class, undefined, args));
    return;
  }
  const handler: unknown = Reflect.construct(Class, args);
  if (is_handler(handler) && !handler._has_run) await handler._run_async(ASYNC_FILES);
}
