// The state of this thread or process as a worker of a server's pool. is_main() asks for it; and a server refuses to be
// constructed while a worker imports its handler. The state is on the global object, because a bundled program may hold the
// library twice.
import { isMainThread } from 'node:worker_threads';

/** The key of the state on the global object. */
export const KEY: unique symbol = Symbol.for('bsd-sockets.socketserver.worker');

/** A worker thread or child process of a pool. */
export interface WorkerState {
  /** True while the module of the handler is imported. */
  importing: boolean;
}

const globals = globalThis as { [KEY]?: WorkerState | undefined };

/** Returns the state of this thread; undefined if it is no worker of a pool. */
export function worker_state(): WorkerState | undefined {
  return globals[KEY];
}

/** Returns whether this is the main thread of a process that is no child of a pool, and so runs the program itself. */
export function is_program(): boolean {
  return isMainThread && globals[KEY] === undefined;
}

/** Throws if a worker imports the program for its handler, and the program constructs a server. @throws Error */
export function refuse_server_in_worker(name: string): void {
  if (globals[KEY]?.importing !== true) return;
  throw new Error(
    `${name}: a worker imports this program for its request handler, and that made a server: put what starts the ` +
      "server under `if (is_main(import.meta)) { … }` (`is_main(module)` in CommonJS), from 'bsd-sockets/socketserver'",
  );
}
