// Python handles a request in the constructor of the handler. A JavaScript class has its fields only after the constructor of the
// class above it has returned, so the server runs a handler after it is constructed. A finish_request() of Python's kind, or a
// function in place of a handler class, only constructs one: this file finds such a handler and has it run.
import type { HandlerFiles } from './files.js';

/** A handler: of this copy of the library, or of another, as a bundle may hold one. */
export interface Handler {
  readonly _has_run: boolean;
  _run(): void;
  _run_async(files: HandlerFiles): Promise<void>;
}

/** A call of run_constructed(), and the handler that was constructed last in it. */
interface Call {
  handler: Handler | undefined;
}

/** The innermost call of run_constructed(). */
let current: Call | undefined;
/** The handlers by request, because requests overlap on the event loop; made by the first run_constructed_async(). */
let by_request: WeakMap<object, Handler> | undefined;

/** Returns whether a value is a handler, which the server has to run. */
export function is_handler(value: unknown): value is Handler {
  return typeof value === 'object' && value !== null && '_run' in value && '_has_run' in value;
}

/** Notes a handler. Called by its constructor. */
export function note_constructed(handler: Handler, request: unknown): void {
  if (current !== undefined) current.handler = handler;
  if (typeof request === 'object' && request !== null) by_request?.set(request, handler);
}

/** Calls `finish`, and runs the handler that was constructed in it last, unless it has run. @throws any error of the handler */
export function run_constructed(finish: () => void): void {
  const outer = current;
  const call: Call = { handler: undefined };
  current = call;
  try {
    finish();
    const { handler } = call;
    if (handler !== undefined && !handler._has_run) handler._run();
  } finally {
    current = outer;
  }
}

/** Awaits `finish`, and runs the handler that was constructed for the request in it, unless it has run. */
export async function run_constructed_async(
  request: object,
  files: HandlerFiles,
  finish: () => unknown,
): Promise<void> {
  by_request ??= new WeakMap();
  await finish();
  const handler = by_request.get(request);
  if (handler !== undefined && !handler._has_run) await handler._run_async(files);
}
