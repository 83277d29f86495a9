// Whether this thread or process is a worker of a server's pool: what is_main() asks, and what a server refuses that is
// made while a worker imports its handler.
//
// The state hangs on the global object, because a bundled program may hold the library twice.
import { isMainThread } from 'node:worker_threads';

/** Where the state is on the global object. */
export const KEY: unique symbol = Symbol.for('bsd-sockets.socketserver.worker');

/** A worker thread or child process of a pool. */
export interface WorkerState {
  /** The module of the handler is being imported. */
  importing: boolean;
}

const globals = globalThis as { [KEY]?: WorkerState };

/** The state of this thread; undefined where it is no worker of a pool. */
export function worker_state(): WorkerState | undefined {
  return globals[KEY];
}

/** Whether this thread runs the program itself: the main thread of a process that is no child of a pool. */
export function is_program(): boolean {
  return isMainThread && globals[KEY] === undefined;
}

/** Throws where the program is imported by a worker for its handler, and has begun to serve. */
export function refuse_server_in_worker(name: string): void {
  if (globals[KEY]?.importing !== true) return;
  throw new Error(
    `${name}: a worker imports this program for its request handler, and that made a server: put what starts the ` +
      "server under `if (is_main(import.meta)) { … }` (`is_main(module)` in CommonJS), from 'bsd-sockets/socketserver'",
  );
}
