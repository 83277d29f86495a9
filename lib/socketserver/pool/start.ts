// Starting the threads and processes of a pool: by a line of code that imports the library and calls what entry.ts has
// registered. It is evaluated, so there need be no file for it: a program may be bundled to one file.
import { type ChildProcess, spawn } from 'node:child_process';
import { serialize } from 'node:v8';
import { type MessagePort, Worker } from 'node:worker_threads';
import { KEY } from '../worker_state.js';
import type { ManagerConfig, WorkerConfig } from './protocol.js';

/** Where entry.ts registers `manage` and `work` on the global object. */
export const ENTRY: unique symbol = Symbol.for('bsd-sockets.socketserver.entry');

const symbol = (key: symbol) => `globalThis[Symbol.for(${JSON.stringify(key.description)})]`;
const call = (name: string) => `import(config.library).then(() => ${symbol(ENTRY)}.${name}(config))`;
const mark = `${symbol(KEY)} = { importing: true };`;
const failed = '.catch((error) => { setImmediate(() => { throw error; }); })';

const of_thread = (name: string) =>
  `import('node:worker_threads').then(({ workerData: config }) => { ${mark} return ${call(name)}; })${failed}`;

// What cannot be read was cut off: the server's process ended while it started this one, which then has nothing to do.
const of_process =
  "import('node:v8').then(async ({ deserialize }) => { const { readFileSync } = await import('node:fs'); " +
  'let config; try { config = deserialize(readFileSync(0)); } catch { process.exit(); } ' +
  `${mark} return ${call('work')}; })${failed}`;

/** Options of Node that would make of the line something else, or that belong to one process only. */
const NOT_INHERITED = /^(--input-type|--inspect|--test|--watch|--check|-c$|--interactive|-i$)/;
/** Options of Node that have the text to run as the next argument. */
const OPTION_BEFORE_TEXT = /^(-e|-p|-pe|--eval|--print)$/;

/** The options this Node was started with, for a process that evaluates a line. */
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
  // It inherits Node's options; given, those that are V8's would be refused.
  return new Worker(of_thread(name), { eval: true, workerData: config, transferList });
}

/** Starts the thread that looks after the workers. @throws DataCloneError */
export function start_manager(config: ManagerConfig): Worker {
  return start_thread('manage', config, [config.port]);
}

/** Starts a worker thread. */
export function start_worker_thread(config: WorkerConfig): Worker {
  return start_thread('work', config);
}

/**
 * Starts a worker process.
 *
 * @param server_fd what it answers datagrams by
 */
export function start_worker_process(
  config: WorkerConfig,
  queue_fd: number,
  memory_fd: number,
  server_fd?: number,
): ChildProcess {
  // Deno's -e cannot import; its own word for it takes none of these options.
  const evaluate = process.versions.deno === undefined ? [...node_options(), '-e'] : ['eval'];
  const child = spawn(process.execPath, [...evaluate, of_process], {
    // QUEUE_FD, REPORT_FD, MEMORY_FD, SERVER_FD
    stdio: [
      'pipe',
      'inherit',
      'inherit',
      queue_fd,
      'pipe',
      memory_fd,
      ...(server_fd === undefined ? [] : [server_fd]),
    ],
  });
  child.stdin?.on('error', () => {});
  child.stdin?.end(serialize(config));
  return child;
}
