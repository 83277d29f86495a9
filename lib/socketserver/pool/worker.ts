// A worker of a pool: a thread or a child process that handles requests one after another, blocking. It takes them from the server's
// socket (arrivals.ts) or from the queue. work() is the whole life of a worker.
import { readlinkSync } from 'node:fs';
import { constants } from 'node:os';
import { parentPort } from 'node:worker_threads';
import * as message from '../../calls/message.js';
import type { SocketArguments } from '../../calls/socket_base.js';
import type { Descriptor } from '../../calls/transfer.js';
import { setdefaulttimeout, without_default_timeout } from '../../calls/waiting/default_timeout.js';
import { write_all } from '../../calls/waiting/file.js';
import { next_turn } from '../../calls/waiting/readiness.js';
import { MSG_CTRUNC, MSG_DONTWAIT, SHUT_WR } from '../../constants.js';
import { errno_code } from '../../errors/errno.js';
import { OSError } from '../../errors/index.js';
import { addon, cells, GENERATION } from '../../native/addon.js';
import { fromshare, socket as Socket } from '../../socket/index.js';
import { Admission } from '../admission/admission.js';
import { RequestRefused } from '../admission/refused.js';
import { note_packet_info } from '../datagrams/packet_info.js';
import { drain_of, type RequestHandlerClass, run_handler, type ServerView } from '../handlers.js';
import { is_scarce, pause_blocking, persist } from '../listener/scarcity.js';
import { print_error } from '../report.js';
import { in_context } from '../watch/context.js';
import { new_context } from '../watch/watch.js';
import { WorkerWatch } from '../watch/worker_watch.js';
import { worker_state } from '../worker_state.js';
import { ArrivalsWait, is_error_queue, type Ready, type ReceivedRequest, take_request } from './arrivals.js';
import { pack_error } from './packed_error.js';
import {
  ARRIVALS_FD,
  type OpenDescriptor,
  QUEUE_FD,
  REPORT_FD,
  REPORT_LIMIT,
  type Report,
  SERVER_FD,
  type WorkerConfig,
} from './protocol.js';
import { decode_request, message_size } from './queue.js';
import { ignore_handled_by_server } from './signals.js';
import { load_handler } from './source.js';
import { open_memory, SharedState, type WorkerSlot } from './state/shared_state.js';

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
  /** The server's socket, from which requests are taken. */
  readonly listener: Descriptor<number>;
  /** The epoll instance on which all workers wait. */
  readonly arrivals: OpenDescriptor;
}

function open_sockets(config: WorkerConfig): Sockets {
  const { thread, listener_timeout, family, proto } = config;
  const descriptor = ({ fd, generation }: OpenDescriptor) => ({
    _fd: fd,
    _generation: generation,
    family,
    proto,
  });
  if (thread === undefined) {
    return {
      queue: adopt([null, null, null, QUEUE_FD], null),
      listener:
        config.max_packet_size > 0
          ? adopt([null, null, null, SERVER_FD], listener_timeout)
          : descriptor(adopt_number(SERVER_FD)),
      arrivals: adopt_number(ARRIVALS_FD),
    };
  }
  const { queue, listener, arrivals } = thread;
  return {
    queue: fromshare(queue),
    listener: 'fd' in listener ? descriptor(listener) : fromshare(listener),
    arrivals,
  };
}

/** Makes this process own a descriptor that it has inherited. */
function adopt_number(number: number): OpenDescriptor {
  return { fd: addon.adopt(number), generation: cells[GENERATION] as number };
}

/** Makes a socket of a descriptor, with this time-out in place of the default one. */
function adopt(args: SocketArguments<number, number>, timeout: number | null): Socket<number> {
  const sock = without_default_timeout(() => new Socket<number>(...args));
  if (timeout !== null) sock.settimeout(timeout);
  return sock;
}

/** Why a worker ends its loop. */
type Ending = 'ended' | undefined;

/** The loop of a worker. */
class RequestLoop {
  readonly #slot: WorkerSlot;
  readonly #sockets: Sockets;
  readonly #arrivals: ArrivalsWait;
  readonly #size: number;
  readonly #view: ServerView;
  readonly #admission: Admission | undefined;
  readonly #watch: WorkerWatch;
  /** The number of requests that this worker has begun. */
  #count = 0;
  /** The code of the want of descriptors or memory that was reported last; undefined once a request could be taken. */
  #scarce: string | undefined;

  constructor(
    private readonly config: WorkerConfig,
    private readonly Handler: RequestHandlerClass,
    private readonly state: SharedState,
    private readonly report: SendReport,
  ) {
    this.#slot = state.slot(config.slot);
    this.#sockets = open_sockets(config);
    this.#arrivals = new ArrivalsWait(this.#sockets.arrivals, config.queue_number);
    this.#size = message_size(config.max_packet_size);
    this.#view = server_view(config, report);
    const { admission, limits } = config;
    const shared = limits && { memory: open_memory(limits.memory), worker: limits.worker };
    this.#admission = admission && new Admission(admission, shared);
    this.#watch = new WorkerWatch(state.totals, admission?.limits?.idle_timeout !== undefined, report);
  }

  /** Handles requests until the queue ends, or a message on it ends this worker. */
  async run(): Promise<void> {
    this.report({ type: 'loaded', task: task_folder() });
    let owes_turn = true;
    for (;;) {
      if (!this.#slot.take()) return;
      const ready = this.#arrivals.ready(0);
      if (typeof ready === 'number') {
        // EBADF: the server's thread has ended.
        if (!is_scarce(-ready)) return;
        this.#lack(ready);
        continue;
      }
      if (ready.queue || ready.listener !== 0) {
        const before = this.#count;
        if (this.#take(ready) === 'ended' || !this.#is_sane()) return;
        if (this.#count === before) continue;
        await this.#between();
        owes_turn = true;
      } else {
        this.#slot.wait();
        // Timers and promises that a handler left behind get a turn, before the wait blocks the thread.
        if (owes_turn) await next_turn();
        owes_turn = false;
        this.#arrivals.ready(-1);
      }
    }
  }

  /** Returns false if the handler has overwritten the memory of this worker: the manager will see that, too. */
  #is_sane(): boolean {
    return this.#slot.serial === this.#count;
  }

  /** Takes a request, and handles it. The queue comes first: the other requests may never end. */
  #take({ queue, listener }: Ready): Ending {
    return queue ? this.#take_from_queue() : this.#take_from_listener(listener);
  }

  /**
   * Lets promises that a handler left behind go on after each request, and timers and I/O after each BATCH: a turn of the
   * event loop costs as much as all the rest of a request.
   */
  #between(): Promise<void> | undefined {
    return this.#count % BATCH === 0 ? next_turn() : undefined;
  }

  #take_from_queue(): Ending {
    const received = message.recv_fds(this.#sockets.queue, this.#size, 1, MSG_DONTWAIT, -1);
    if (typeof received === 'number') {
      // Another worker was first.
      if (received === -EAGAIN) return;
      if (!is_scarce(-received)) this.#sockets.queue._raise(received, 'recvmsg');
      this.#lack(received);
      return;
    }
    const [bytes, fds, flags] = received;
    const request = decode_request(bytes);
    if (request === undefined) return 'ended';
    this.#begin(request.client_address, true);
    if ((flags & MSG_CTRUNC) === 0) {
      this.#handle({ ...request, connection: this.#connection(fds[0], request.timeout) });
      return;
    }
    this.#lose(request.client_address);
    // Another process may have descriptors left.
    return this.config.kind === 'process' ? 'ended' : undefined;
  }

  #take_from_listener(events: number): Ending {
    const taken = is_error_queue(events)
      ? -EAGAIN
      : take_request(this.#sockets.listener, events, this.config);
    if (typeof taken !== 'number') {
      this.#begin(taken.client_address, false);
      this.#handle(taken);
      return;
    }
    if (taken === -EAGAIN) {
      if (is_error_queue(events)) this.#pause();
    } else if (taken === -EINVAL) {
      this.report({ type: 'ended' });
      this.#pause();
    } else if (is_scarce(-taken)) {
      // The request stays in the backlog. If a handler has taken all descriptors of this process, another one has some.
      const is_lasting = taken === -EMFILE && this.#scarce === 'EMFILE' && this.#count > 0;
      if (is_lasting && this.config.kind === 'process') return 'ended';
      this.#lack(taken);
    } else if (taken === -EBADF) {
      // The manager has closed it; or a handler has closed that of its process, which is of no use then.
      return this.config.kind === 'process' ? 'ended' : undefined;
    }
    // Any other error is one of a request that is gone.
    return;
  }

  /** Blocks for a moment. */
  #pause(): void {
    this.#slot.wait();
    pause_blocking();
  }

  /** Reports once that descriptors or memory are missing, and blocks for a moment. */
  #lack(result: number): void {
    const code = errno_code(-result) ?? '';
    if (this.#scarce !== code) this.report({ type: 'scarce', code });
    this.#scarce = code;
    this.#pause();
  }

  #begin(client_address: unknown, queued: boolean): void {
    this.#count++;
    this.#scarce = undefined;
    this.#slot.begin(client_address, queued);
  }

  #connection(fd: number | undefined, timeout: number | null): Socket<number> | undefined {
    if (fd === undefined) return undefined;
    const { family, type, proto } = this.config;
    return adopt([family, type, proto, fd], timeout);
  }

  #finish(): void {
    this.#slot.finish();
    if (this.state.must_notify()) this.report({ type: 'finished' });
  }

  /** Reports a connection that the kernel closed, because this worker had no descriptor left for it. */
  #lose(client_address: unknown): void {
    this.#watch.arrived(client_address);
    this.#fail(client_address, new OSError(EMFILE, 'the worker had no descriptor left for the connection'));
    this.#finish();
  }

  #fail(client_address: unknown, error: unknown): void {
    this.#watch.end(client_address, { error });
    if (this.config.print_errors) print_error(client_address, error);
    else this.report({ type: 'error', client_address, error: pack_error(error) });
  }

  #handle({ connection, client_address, packet, info }: ReceivedRequest): void {
    let client: unknown = client_address;
    this.#watch.arrived(client_address);
    try {
      // Of datagrams the listener is a socket, by which they are answered.
      const request: Socket<number> | [Buffer, Socket<number>] = connection ?? [
        packet,
        this.#sockets.listener as Socket<number>,
      ];
      note_packet_info(request, info);
      client = this.#admission?.admit(request, client_address) ?? client;
      this.#watch.begin(client);
      this.#run(request, client);
      this.#watch.end(client);
    } catch (error) {
      if (error instanceof RequestRefused) {
        this.#watch.refused(client, error);
        this.#admission?.limits?.tell(connection, error);
      } else {
        this.#fail(client, error);
      }
    } finally {
      // First: the client may come again as soon as it sees the end.
      this.#admission?.limits?.leave(connection ?? packet);
      if (connection !== undefined) shutdown_request(connection);
      this.#finish();
    }
  }

  #run(request: object, client: unknown): void {
    const { Handler } = this;
    const view = this.#view;
    const run = () => run_handler(Handler, request, client, view);
    if (this.config.request_context) in_context(new_context(this.#watch.id, client, view, Handler), run);
    else run();
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
