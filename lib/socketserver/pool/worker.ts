// A worker of a pool: a thread or a child process that takes requests from the queue, one after the other, and has the
// handler handle them, blocking.
import { readlinkSync, writeSync } from 'node:fs';
import { constants } from 'node:os';
import { parentPort } from 'node:worker_threads';
import * as message from '../../calls/message.js';
import { fromshare } from '../../calls/share.js';
import { retry_blocking } from '../../calls/waiting/fs_retry.js';
import { poll } from '../../calls/waiting/poll.js';
import { MSG_CTRUNC, MSG_DONTWAIT, POLLOUT, SHUT_WR } from '../../constants.js';
import { OSError } from '../../errors/raise.js';
import { Socket } from '../../socket/socket.js';
import { print_error } from '../base.js';
import { drain_of, type RequestHandlerClass, run_handler, type ServerView } from '../handlers.js';
import { next_turn, PAUSE_MS } from '../socket_wait.js';
import { current_lease, has_ended, is_waiting, type Lease, type Taken, take } from './direct_accept.js';
import { pack_error } from './packed_error.js';
import { QUEUE_FD, REPORT_FD, type Report, SERVER_FD, type WorkerConfig } from './protocol.js';
import { decode_request, message_size } from './queue.js';
import {
  BUSY,
  client_recorder,
  count_begun,
  count_finished,
  count_request,
  is_awaited,
  LISTENING,
  open_counters,
  QUEUING,
  SERIAL,
  STATE,
  slot_index,
} from './shared_state.js';
import { spare_handled } from './signals.js';
import { load_handler } from './source.js';
import { worker_state } from './worker_state.js';

const { EAGAIN, EMFILE } = constants.errno;
/** So many requests without a turn of the event loop. */
const BATCH = 32;

type Tell = (report: Report) => void;

/** Writes all of it at once; to a pipe that does not block, too. */
function write_all(fd: number, data: Uint8Array): void {
  let rest = data;
  while (rest.length > 0) {
    const left = rest;
    rest = left.subarray(retry_blocking(fd, POLLOUT, () => writeSync(fd, left)));
  }
}

/** What a thread prints would wait for the main thread's loop, so it is written here. */
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

/** How a thread, or a process, reports to the manager. */
function reporter({ kind }: WorkerConfig): Tell {
  if (kind === 'thread') return (report) => parentPort?.postMessage(report);
  return (report) => {
    try {
      write_all(REPORT_FD, Buffer.from(`${JSON.stringify(report)}\n`));
    } catch {
      // The server is gone: there will be no further request.
    }
  };
}

/** The folder in /proc of this thread; undefined where there is no /proc. */
function task_folder(): string | undefined {
  try {
    return `/proc/${readlinkSync('/proc/thread-self')}`;
  } catch {
    return undefined;
  }
}

/** What a worker writes into the counters. */
class Slot {
  readonly #counters: Int32Array;
  readonly #config: WorkerConfig;
  readonly #report: Tell;
  readonly #start: number;
  readonly #record_client: (client_address: unknown) => void;

  constructor(config: WorkerConfig, counters: Int32Array, report: Tell) {
    this.#counters = counters;
    this.#config = config;
    this.#report = report;
    this.#start = slot_index(config.slot);
    this.#record_client = client_recorder(counters, config.slot);
  }

  #tell_who_waits(): void {
    if (is_awaited(this.#counters)) this.#report({ type: 'finished' });
  }

  /** The worker waits for the queue. */
  queue(): void {
    if (Atomics.exchange(this.#counters, this.#start + STATE, QUEUING) === LISTENING) this.#tell_who_waits();
  }

  /** It waits for the server's socket, if it may. */
  lease(): Lease | undefined {
    const lease = current_lease(this.#counters, this.#config);
    if (lease !== undefined) Atomics.store(this.#counters, this.#start + STATE, LISTENING);
    return lease;
  }

  /** A request begins. @param queued whether it was on the queue */
  begin(client_address: unknown, queued: boolean): void {
    this.#record_client(client_address);
    Atomics.add(this.#counters, this.#start + SERIAL, 1);
    if (!queued) count_request(this.#counters);
    count_begun(this.#counters);
    Atomics.store(this.#counters, this.#start + STATE, BUSY);
  }

  /** It is finished. */
  finish(): void {
    Atomics.store(this.#counters, this.#start + STATE, QUEUING);
    count_finished(this.#counters);
    this.#tell_who_waits();
  }
}

/** The server as its handlers see it here. */
function server_view({ server_address, worker_data }: WorkerConfig, report: Tell): ServerView {
  return {
    server_address,
    worker_data,
    shutdown(options) {
      // Thrown, not rejected with: a handler here cannot await.
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
  /** Where it gets requests from. */
  readonly queue: Socket<number>;
  /** By what datagrams are answered. */
  readonly listener: Socket<number> | undefined;
}

function open_sockets({ queue, listener, max_packet_size }: WorkerConfig): Sockets {
  const open = (share: Uint8Array | undefined, fd: number) =>
    share === undefined ? new Socket<number>(null, null, null, fd) : fromshare(share);
  return {
    queue: open(queue, QUEUE_FD),
    listener: max_packet_size > 0 ? open(listener, SERVER_FD) : undefined,
  };
}

class RequestLoop {
  readonly #config: WorkerConfig;
  readonly #Handler: RequestHandlerClass;
  readonly #report: Tell;
  readonly #slot: Slot;
  readonly #sockets: Sockets;
  readonly #size: number;
  readonly #view: ServerView;

  constructor(config: WorkerConfig, Handler: RequestHandlerClass, counters: Int32Array, report: Tell) {
    this.#config = config;
    this.#Handler = Handler;
    this.#report = report;
    this.#slot = new Slot(config, counters, report);
    this.#sockets = open_sockets(config);
    this.#size = message_size(config.max_packet_size);
    this.#view = server_view(config, report);
  }

  /** Handles requests until the queue ends, or a message says that this worker is to. */
  async run(): Promise<void> {
    this.#report({ type: 'loaded', task: task_folder() });
    for (let count = 1; ; count++) {
      this.#slot.queue();
      let received = this.#receive(MSG_DONTWAIT);
      if (received === -EAGAIN) {
        const lease = this.#slot.lease();
        if (lease !== undefined) {
          await this.#listen(lease);
          continue;
        }
        // What a handler left behind gets a turn.
        await next_turn();
        received = this.#receive(0);
      }
      if (typeof received === 'number') this.#sockets.queue._raise(received, 'recvmsg');
      const [bytes, fds, flags] = received;
      const request = decode_request(bytes);
      if (request === undefined) return;
      if (request === null) continue;
      this.#slot.begin(request.client_address, true);
      if (flags & MSG_CTRUNC) {
        this.#lose(request.client_address);
        // Another process may have some.
        if (this.#config.kind === 'process') return;
      } else {
        this.#handle({ ...request, connection: this.#connection(fds[0], request.timeout) });
      }
      await this.#between(count);
    }
  }

  /** What handlers left behind in promises goes on, and now and then other things: a turn costs as much as all the rest. */
  #between(count: number): Promise<void> | undefined {
    return count % BATCH === 0 ? next_turn() : undefined;
  }

  #receive(flags: number): [Buffer, number[], number, unknown] | number {
    return message.recv_fds(this.#sockets.queue, this.#size, 1, flags, -1);
  }

  #connection(fd: number | undefined, timeout: number | null): Socket<number> | undefined {
    if (fd === undefined) return undefined;
    const { family, type, proto } = this.#config;
    const connection = new Socket<number>(family, type, proto, fd);
    if (timeout !== null) connection.settimeout(timeout);
    return connection;
  }

  /** Handles requests from the server's socket until the lease ends. */
  async #listen(lease: Lease): Promise<void> {
    for (let count = 1; ; count++) {
      if (!is_waiting(lease)) await next_turn();
      this.#slot.lease();
      const taken = take(lease, this.#config);
      if (typeof taken === 'number') {
        if (has_ended(taken)) return;
        // No descriptor is left, or the like; the request stays where it is.
        poll([], PAUSE_MS);
      } else {
        this.#slot.begin(taken.client_address, false);
        this.#handle(taken);
        await this.#between(count);
      }
    }
  }

  /** Without a descriptor for it a connection is closed by the kernel. */
  #lose(client_address: unknown): void {
    this.#fail(client_address, new OSError(EMFILE, 'the worker had no descriptor left for the connection'));
    this.#slot.finish();
  }

  #fail(client_address: unknown, error: unknown): void {
    if (this.#config.print_errors) print_error(client_address, error);
    else this.#report({ type: 'error', client_address, error: pack_error(error) });
  }

  #handle({ connection, client_address, packet }: Taken): void {
    try {
      run_handler(this.#Handler, connection ?? [packet, this.#sockets.listener], client_address, this.#view);
    } catch (error) {
      this.#fail(client_address, error);
    } finally {
      if (connection !== undefined) shutdown_request(connection);
      this.#slot.finish();
    }
  }
}

/** Runs a worker; called once its thread or process has imported the library. */
export async function work(config: WorkerConfig): Promise<void> {
  if (config.argv[1] !== undefined) process.argv.splice(1, process.argv.length, ...config.argv.slice(1));
  if (config.kind === 'thread') {
    write_directly(process.stdout, 1);
    write_directly(process.stderr, 2);
  }
  const report = reporter(config);
  const counters = open_counters(config.counters);
  if (config.kind === 'process') spare_handled(counters);
  let Handler: RequestHandlerClass;
  try {
    Handler = await load_handler(config.handler);
  } catch (error) {
    report({ type: 'load_error', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  const state = worker_state();
  if (state !== undefined) state.importing = false;
  await new RequestLoop(config, Handler, counters, report).run();
  // What the handlers left behind, timers or sockets of Node's, is no reason to live on.
  process.exit();
}
