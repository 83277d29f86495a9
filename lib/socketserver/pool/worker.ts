// A worker of a pool: a thread or a child process that handles requests one after another, blocking. It takes them from the queue,
// or, as a thread, from the server's socket (direct_accept.ts). work() is the whole life of a worker.
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { parentPort } from 'node:worker_threads';
import * as message from '../../calls/message.js';
import { type SocketArguments, setdefaulttimeout, without_default_timeout } from '../../calls/socket_base.js';
import { write_all } from '../../calls/waiting/file.js';
import { next_turn } from '../../calls/waiting/readiness.js';
import { MSG_CTRUNC, MSG_DONTWAIT, SHUT_WR } from '../../constants.js';
import { OSError } from '../../errors/index.js';
import { fromshare, socket as Socket } from '../../socket/index.js';
import { drain_of, type RequestHandlerClass, run_handler, type ServerView } from '../handlers.js';
import { print_error } from '../report.js';
import { is_scarce, pause_blocking, persist } from '../scarcity.js';
import { worker_state } from '../worker_state.js';
import {
  current_listener,
  has_request,
  type ListenerDescriptor,
  type ReceivedRequest,
  receive_request,
} from './direct_accept.js';
import { pack_error } from './packed_error.js';
import { QUEUE_FD, REPORT_FD, REPORT_LIMIT, type Report, SERVER_FD, type WorkerConfig } from './protocol.js';
import { decode_request, message_size } from './queue.js';
import { SharedState, type WorkerSlot } from './shared_state.js';
import { ignore_handled_by_server } from './signals.js';
import { load_handler } from './source.js';

const { EAGAIN, EBADF, EINVAL, EMFILE } = constants.errno;
/** Requests that are handled without a turn of the event loop. */
const BATCH = 32;

/** Sends a report to the manager. */
type SendReport = (report: Report) => void;

/** Makes a thread's stream write to the descriptor itself: by Node the output would wait for the main thread's event loop. */
function write_directly(stream: NodeJS.WriteStream, fd: number): void {
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    const [encoding] = rest;
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : chunk;
    write_all(fd, bytes);
    const done = rest.at(-1);
    if (typeof done === 'function') queueMicrotask(() => done());
    return true;
  };
  Object.defineProperty(stream, 'write', { value: write, configurable: true, writable: true });
}

/** Returns a report without what makes it longer than the manager reads. */
function shorten(report: Report): Report {
  if (report.type !== 'error') return report;
  const { name, message, stack } = report.error;
  const cut = (text: string) => text.slice(0, REPORT_LIMIT / 16);
  return {
    ...report,
    error: { name: cut(name), message: cut(message), stack: stack && cut(stack), fields: {} },
  };
}

/** Returns the function by which a thread, or a process, reports to the manager. */
function reporter({ kind }: WorkerConfig): SendReport {
  if (kind === 'thread') return (report) => parentPort?.postMessage(report);
  return (report) => {
    try {
      const line = JSON.stringify(report);
      const bytes = Buffer.from(`${line.length > REPORT_LIMIT ? JSON.stringify(shorten(report)) : line}\n`);
      // A want of memory or descriptors shows before the first byte is written.
      persist(() => write_all(REPORT_FD, bytes));
    } catch {
      // The server has ended: no further request will come.
    }
  };
}

/** Returns the folder of this thread in /proc; undefined if /proc is not mounted. */
function task_folder(): string | undefined {
  try {
    return `/proc/${readlinkSync('/proc/thread-self')}`;
  } catch {
    return undefined;
  }
}

/** Returns the object that handlers in this worker have as their server. */
function server_view({ server_address, worker_data }: WorkerConfig, report: SendReport): ServerView {
  return {
    server_address,
    worker_data,
    shutdown(options) {
      // A wrong option is thrown and not rejected with: a handler that blocks cannot await.
      report({ type: 'shutdown', drain: drain_of(options) });
      return Promise.resolve();
    },
  };
}

/** Ends the connection as TCPServer.shutdown_request does. */
function shutdown_request(request: Socket<number>): void {
  try {
    request.shutdown(SHUT_WR);
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
  } finally {
    request.close();
  }
}

/** The sockets of a worker. */
interface Sockets {
  /** The queue of requests. */
  readonly queue: Socket<number>;
  /** The server's socket, by which datagrams are answered. */
  readonly listener: Socket<number> | undefined;
}

function open_sockets({ queue, listener, listener_timeout, max_packet_size }: WorkerConfig): Sockets {
  const open = (share: Uint8Array | undefined, fd: number, timeout: number | null) =>
    share === undefined ? adopt([null, null, null, fd], timeout) : fromshare(share);
  return {
    queue: open(queue, QUEUE_FD, null),
    listener: max_packet_size > 0 ? open(listener, SERVER_FD, listener_timeout) : undefined,
  };
}

/** Makes a socket of a descriptor, with this time-out in place of the default one. */
function adopt(args: SocketArguments<number, number>, timeout: number | null): Socket<number> {
  const sock = without_default_timeout(() => new Socket<number>(...args));
  if (timeout !== null) sock.settimeout(timeout);
  return sock;
}

/** The loop of a worker. */
class RequestLoop {
  readonly #slot: WorkerSlot;
  readonly #sockets: Sockets;
  readonly #size: number;
  readonly #view: ServerView;

  constructor(
    private readonly config: WorkerConfig,
    private readonly Handler: RequestHandlerClass,
    private readonly state: SharedState,
    private readonly report: SendReport,
  ) {
    this.#slot = state.slot(config.slot);
    this.#sockets = open_sockets(config);
    this.#size = message_size(config.max_packet_size);
    this.#view = server_view(config, report);
  }

  /** Handles requests until the queue ends, or a message on it ends this worker. */
  async run(): Promise<void> {
    this.report({ type: 'loaded', task: task_folder() });
    for (let count = 1; ; count++) {
      if (this.#slot.wait_for_queue()) this.#notify_manager();
      let received = this.#receive(MSG_DONTWAIT);
      if (received === -EAGAIN) {
        const listener = current_listener(this.state, this.config);
        if (listener !== undefined) {
          this.#slot.wait_for_listener();
          await this.#listen(listener);
          continue;
        }
        // Timers and promises that a handler left behind get a turn.
        await next_turn();
        received = this.#receive(0);
      }
      if (typeof received === 'number') {
        if (!is_scarce(-received)) this.#sockets.queue._raise(received, 'recvmsg');
        // The request stays on the queue.
        pause_blocking();
        continue;
      }
      const [bytes, fds, flags] = received;
      const request = decode_request(bytes);
      if (request === undefined) return;
      if (request === null) continue;
      this.#slot.begin(request.client_address, true);
      if (flags & MSG_CTRUNC) {
        this.#lose(request.client_address);
        // Another process may have descriptors left.
        if (this.config.kind === 'process') return;
      } else {
        this.#handle({ ...request, connection: this.#connection(fds[0], request.timeout) });
      }
      await this.#between(count);
    }
  }

  /**
   * Lets promises that a handler left behind go on after each request, and timers and I/O after each BATCH: a turn of the
   * event loop costs as much as all the rest of a request.
   */
  #between(count: number): Promise<void> | undefined {
    return count % BATCH === 0 ? next_turn() : undefined;
  }

  #receive(flags: number): [Buffer, number[], number, unknown] | number {
    return message.recv_fds(this.#sockets.queue, this.#size, 1, flags, -1);
  }

  #connection(fd: number | undefined, timeout: number | null): Socket<number> | undefined {
    if (fd === undefined) return undefined;
    const { family, type, proto } = this.config;
    return adopt([family, type, proto, fd], timeout);
  }

  /** Handles requests from the server's socket until the manager closes the shared listener. */
  async #listen(listener: ListenerDescriptor): Promise<void> {
    for (let count = 1; ; count++) {
      if (!has_request(listener)) await next_turn();
      this.#slot.wait_for_listener();
      const taken = receive_request(listener, this.config);
      if (typeof taken === 'number') {
        if (taken === -EBADF) return;
        if (taken === -EINVAL) this.report({ type: 'ended' });
        // The request stays in the backlog. Any other error is one of a request that is gone.
        if (taken === -EINVAL || is_scarce(-taken)) pause_blocking();
      } else {
        this.#slot.begin(taken.client_address, false);
        this.#handle(taken);
        await this.#between(count);
      }
    }
  }

  #notify_manager(): void {
    if (this.state.must_notify()) this.report({ type: 'finished' });
  }

  #finish(): void {
    this.#slot.finish();
    this.#notify_manager();
  }

  /** Reports a connection that the kernel closed, because this worker had no descriptor left for it. */
  #lose(client_address: unknown): void {
    this.#fail(client_address, new OSError(EMFILE, 'the worker had no descriptor left for the connection'));
    this.#finish();
  }

  #fail(client_address: unknown, error: unknown): void {
    if (this.config.print_errors) print_error(client_address, error);
    else this.report({ type: 'error', client_address, error: pack_error(error) });
  }

  #handle({ connection, client_address, packet }: ReceivedRequest): void {
    try {
      run_handler(this.Handler, connection ?? [packet, this.#sockets.listener], client_address, this.#view);
    } catch (error) {
      this.#fail(client_address, error);
    } finally {
      if (connection !== undefined) shutdown_request(connection);
      this.#finish();
    }
  }
}

/** Runs a worker. Called when its thread or process has imported the library. */
export async function work(config: WorkerConfig): Promise<void> {
  if (config.argv[1] !== undefined) process.argv.splice(1, process.argv.length, ...config.argv.slice(1));
  if (config.kind === 'thread') {
    write_directly(process.stdout, 1);
    write_directly(process.stderr, 2);
  }
  const report = reporter(config);
  const state = persist(() => new SharedState(config.memory));
  setdefaulttimeout(config.default_timeout);
  if (config.kind === 'process') ignore_handled_by_server(state);
  let Handler: RequestHandlerClass;
  try {
    Handler = await load_handler(config.handler);
  } catch (error) {
    report({ type: 'load_error', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  const this_worker = worker_state();
  if (this_worker !== undefined) this_worker.importing = false;
  await new RequestLoop(config, Handler, state, report).run();
  // Timers or sockets of Node that handlers left behind do not keep the worker alive.
  process.exit();
}
