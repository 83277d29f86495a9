// A worker of a pool: a thread or a child process that takes requests from the queue, one after the other, and has the
// handler handle them, blocking.
import { writeSync } from 'node:fs';
import { constants } from 'node:os';
import { parentPort } from 'node:worker_threads';
import { MSG_DONTWAIT, POLLOUT, SHUT_WR } from '../constants.js';
import { OSError } from '../errors.js';
import { poll } from '../internal/poll.js';
import * as message from '../socket/message.js';
import { fromshare } from '../socket/share.js';
import { Socket } from '../socket/socket.js';
import { print_error } from './base.js';
import { drain_of, type RequestHandlerClass, run_handler, type ServerView } from './handlers.js';
import { current_lease, has_ended, is_waiting, type Lease, type Taken, take } from './lease.js';
import { pack_error } from './packed-error.js';
import {
  AWAITED,
  BUSY,
  client_recorder,
  count_request,
  decode_request,
  FINISHED,
  LISTENING,
  message_size,
  now_ms,
  QUEUE_FD,
  QUEUING,
  REPORT_FD,
  type Report,
  SERVER_FD,
  SINCE,
  STATE,
  slot_index,
  type WorkerConfig,
} from './protocol.js';
import { load_handler } from './source.js';
import { next_turn, PAUSE_MS } from './wait.js';
import { worker_state } from './worker-state.js';

const { EAGAIN } = constants.errno;
/** So many requests without a turn of the event loop. */
const BATCH = 32;

/** How a worker tells its manager. */
interface Link {
  report(report: Report): void;
  /** It waits for the queue. */
  queue(): void;
  /** It waits for the server's socket, if it may. */
  lease(): Lease | undefined;
  /** A request begins. @param queued whether it was on the queue */
  begin(client_address: unknown, queued: boolean): void;
  /** It is finished. */
  finish(): void;
}

/** Writes all of it at once; to a pipe that does not block, too. */
function write_all(fd: number, data: Uint8Array): void {
  let rest = data;
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(fd, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      poll([{ fd, events: POLLOUT, revents: 0 }], -1);
    }
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

function thread_link(config: WorkerConfig, counters: Int32Array): Link {
  const own = slot_index(config.slot);
  const report = (news: Report) => parentPort?.postMessage(news);
  const record_client = client_recorder(counters, config.slot);
  const tell_who_waits = () => {
    if (Atomics.exchange(counters, AWAITED, 0) !== 0) report({ type: 'finished' });
  };
  return {
    report,
    queue() {
      if (Atomics.exchange(counters, own + STATE, QUEUING) === LISTENING) tell_who_waits();
    },
    lease() {
      const lease = current_lease(counters, config);
      if (lease !== undefined) Atomics.store(counters, own + STATE, LISTENING);
      return lease;
    },
    begin(client_address, queued) {
      record_client(client_address);
      Atomics.store(counters, own + SINCE, now_ms());
      if (!queued) count_request(counters);
      Atomics.store(counters, own + STATE, BUSY);
    },
    finish() {
      Atomics.store(counters, own + STATE, QUEUING);
      Atomics.add(counters, FINISHED, 1);
      tell_who_waits();
    },
  };
}

function process_link(): Link {
  const report = (news: Report) => {
    try {
      write_all(REPORT_FD, Buffer.from(`${JSON.stringify(news)}\n`));
    } catch {
      // The server is gone: there will be no further request.
    }
  };
  return {
    report,
    queue() {},
    lease: () => undefined,
    begin: (client_address) => report({ type: 'started', client_address }),
    finish: () => report({ type: 'finished' }),
  };
}

/** The server as its handlers see it here. */
function server_view({ server_address, worker_data }: WorkerConfig, link: Link): ServerView {
  return {
    server_address,
    worker_data,
    shutdown(options) {
      // Thrown, not rejected with: a handler here cannot await.
      link.report({ type: 'shutdown', drain: drain_of(options) });
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
  readonly #link: Link;
  readonly #sockets: Sockets;
  readonly #size: number;
  readonly #view: ServerView;

  constructor(config: WorkerConfig, Handler: RequestHandlerClass, link: Link) {
    this.#config = config;
    this.#Handler = Handler;
    this.#link = link;
    this.#sockets = open_sockets(config);
    this.#size = message_size(config.max_packet_size);
    this.#view = server_view(config, link);
  }

  /** Handles requests until the queue ends, or a message says that this worker is to. */
  async run(): Promise<void> {
    this.#link.report({ type: 'loaded' });
    for (;;) {
      this.#link.queue();
      let received = this.#receive(MSG_DONTWAIT);
      if (received === -EAGAIN) {
        const lease = this.#link.lease();
        if (lease !== undefined) {
          await this.#listen(lease);
          continue;
        }
        // What a handler left behind gets a turn.
        await next_turn();
        received = this.#receive(0);
      }
      if (typeof received === 'number') this.#sockets.queue._raise(received, 'recvmsg');
      const [bytes, fds] = received;
      const request = decode_request(bytes);
      if (request === undefined) return;
      if (request === null) continue;
      this.#link.begin(request.client_address, true);
      this.#handle({ ...request, connection: this.#connection(fds[0], request.timeout) });
    }
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
      // A turn costs as much as all the rest that is done here for a request.
      if (count % BATCH === 0 || !is_waiting(lease)) await next_turn();
      this.#link.lease();
      const taken = take(lease, this.#config);
      if (typeof taken === 'number') {
        if (has_ended(taken)) return;
        // No descriptor is left, or the like; the request stays where it is.
        poll([], PAUSE_MS);
      } else {
        this.#link.begin(taken.client_address, false);
        this.#handle(taken);
        // What handlers left behind in promises goes on, too.
        await undefined;
      }
    }
  }

  #handle({ connection, client_address, packet }: Taken): void {
    const { print_errors } = this.#config;
    try {
      run_handler(this.#Handler, connection ?? [packet, this.#sockets.listener], client_address, this.#view);
    } catch (error) {
      if (print_errors) print_error(client_address, error);
      else this.#link.report({ type: 'error', client_address, error: pack_error(error) });
    } finally {
      if (connection !== undefined) shutdown_request(connection);
      this.#link.finish();
    }
  }
}

/** Runs a worker; called once its thread or process has imported the library. */
export async function work(config: WorkerConfig): Promise<void> {
  const { counters } = config;
  if (config.argv[1] !== undefined) process.argv.splice(1, process.argv.length, ...config.argv.slice(1));
  if (counters !== undefined) {
    write_directly(process.stdout, 1);
    write_directly(process.stderr, 2);
  }
  const link = counters === undefined ? process_link() : thread_link(config, counters);
  let Handler: RequestHandlerClass;
  try {
    Handler = await load_handler(config.handler);
  } catch (error) {
    link.report({ type: 'load_error', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  const state = worker_state();
  if (state !== undefined) state.importing = false;
  await new RequestLoop(config, Handler, link).run();
  // What the handlers left behind, timers or sockets of Node's, is no reason to live on.
  process.exit();
}
