// The start of a pool's threads and processes. Node evaluates a line of code in them, which imports the library and calls the
// function that entry.ts has registered. So the line needs no file of its own: a program may be bundled to one file.
import { type ChildProcess, spawn } from 'node:child_process';
import { serialize } from 'node:v8';
import { type MessagePort, Worker } from 'node:worker_threads';
import { fromshare, type socket as Socket } from '../../socket/index.js';
import { KEY } from '../worker_state.js';
import type { ManagerConfig, WorkerConfig } from './protocol.js';

/** The key of the global object under which entry.ts registers `manage` and `work`. */
export const ENTRY: unique symbol = Symbol.for('bsd-sockets.socketserver.entry');

const symbol = (key: symbol) => `globalThis[Symbol.for(${JSON.stringify(key.description)})]`;
// A path is required, and a URL imported: see LIBRARY in entry.ts.
const load =
  "config.library.startsWith('file:') ? import(config.library) : " +
  "process.getBuiltinModule('node:module').createRequire(config.library)(config.library)";
const call = (name: string) => `Promise.resolve(${load}).then(() => ${symbol(ENTRY)}.${name}(config))`;
const mark = `${symbol(KEY)} = { importing: true };`;
const failed = '.catch((error) => { setImmediate(() => { throw error; }); })';

const of_thread = (name: string) =>
  `import('node:worker_threads').then(({ workerData: config }) => { ${mark} return ${call(name)}; })${failed}`;

// Settings that cannot be read were cut off: the server's process ended while it started this one, which has nothing to do then.
const of_process =
  "import('node:v8').then(async ({ deserialize }) => { const { readFileSync } = await import('node:fs'); " +
  'let config; try { config = deserialize(readFileSync(0)); } catch { process.exit(); } ' +
  `${mark} return ${call('work')}; })${failed}`;

/** Options of Node that change how the line is evaluated, or that belong to one process only. */
const NOT_INHERITED = /^(--input-type|--inspect|--test|--watch|--check|-c$|--interactive|-i$)/;
/** Options of Node that have the text to run as the next argument. */
const OPTION_BEFORE_TEXT = /^(-e|-p|-pe|--eval|--print)$/;

/** Returns the options this Node was started with, as far as a process that evaluates a line takes them. */
function node_options(): string[] {
  const { execArgv } = process;
  return execArgv.filter(
    (arg, i) =>
      !NOT_INHERITED.test(arg) &&
      !OPTION_BEFORE_TEXT.test(arg) &&
      !OPTION_BEFORE_TEXT.test(execArgv[i - 1] ?? ''),
  );
}

function start_thread(name: string, config: object, transferList: MessagePort[] = []): Worker {
  // execArgv is left out: the thread inherits Node's options, and would refuse those of V8 if they were passed.
  return new Worker(of_thread(name), { eval: true, workerData: config, transferList });
}

/**
 * Calls a function that starts a thread with sockets of its own.
 *
 * @param start takes the function that shares a socket. If `start` throws, the shares are taken back: each holds a descriptor
 */
export function sharing<T>(start: (share: (sock: Socket<number>) => Uint8Array) => T): T {
  const shares: Uint8Array[] = [];
  try {
    return start((sock) => {
      const share = sock.share();
      shares.push(share);
      return share;
    });
  } catch (error) {
    for (const share of shares) fromshare(share).close();
    throw error;
  }
}

/** Starts the manager's thread. @throws DataCloneError */
export function start_manager(config: ManagerConfig): Worker {
  return start_thread('manage', config, [config.port]);
}

/** Starts a worker thread. */
export function start_worker_thread(config: WorkerConfig): Worker {
  return start_thread('work', config);
}

/** The descriptors of this process that a worker process inherits. */
export interface Inherited {
  readonly queue_fd: number;
  /** The memory of the worker. */
  readonly memory_fd: number;
  readonly arrivals_fd: number;
  /** The server's socket; -1 if it is closed. */
  readonly server_fd: number;
  /** The table of the limits; -1 without. */
  readonly limits_fd: number;
}

/** Starts a worker process. */
export function start_worker_process(
  config: WorkerConfig,
  { queue_fd, memory_fd, arrivals_fd, server_fd, limits_fd }: Inherited,
): ChildProcess {
  // Deno's -e cannot import. Deno's `eval` can, and takes none of these options.
  const evaluate = process.versions.deno === undefined ? [...node_options(), '-e'] : ['eval'];
  const child = spawn(process.execPath, [...evaluate, of_process], {
    // QUEUE_FD, REPORT_FD, MEMORY_FD, ARRIVALS_FD, SERVER_FD, LIMITS_FD
    stdio: [
      'pipe',
      'inherit',
      'inherit',
      queue_fd,
      'pipe',
      memory_fd,
      arrivals_fd,
      server_fd < 0 ? 'ignore' : server_fd,
      limits_fd < 0 ? 'ignore' : limits_fd,
    ],
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(serialize(config));
  return child;
}
