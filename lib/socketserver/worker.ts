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
import { type RequestHandlerClass, run_handler, type ServerView } from './handlers.js';
import { pack_error } from './packed-error.js';
import {
  AWAITED,
  BUSY,
  decode_request,
  FINISHED,
  message_size,
  now_ms,
  QUEUE_FD,
  type QueuedRequest,
  REPORT_FD,
  type Report,
  SERVER_FD,
  SINCE,
  SLOT_SIZE,
  SLOTS,
  type WorkerConfig,
} from './protocol.js';
import { load_handler } from './source.js';
import { next_turn } from './wait.js';
import { worker_state } from './worker-state.js';

const { EAGAIN } = constants.errno;

/** How a worker tells its manager. */
interface Link {
  report(report: Report): void;
  /** A request begins, and is finished. */
  begin(): void;
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

function thread_link(counters: Int32Array, slot: number): Link {
  const own = SLOTS + slot * SLOT_SIZE;
  const report = (news: Report) => parentPort?.postMessage(news);
  return {
    report,
    begin() {
      Atomics.store(counters, own + SINCE, now_ms());
      Atomics.store(counters, own + BUSY, 1);
    },
    finish() {
      Atomics.store(counters, own + BUSY, 0);
      Atomics.add(counters, FINISHED, 1);
      if (Atomics.exchange(counters, AWAITED, 0) !== 0) report({ type: 'finished' });
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
    begin: () => report({ type: 'started' }),
    finish: () => report({ type: 'finished' }),
  };
}

/** The server as its handlers see it here. */
function server_view({ server_address, worker_data }: WorkerConfig, link: Link): ServerView {
  return {
    server_address,
    worker_data,
    shutdown(options) {
      link.report({ type: 'shutdown', drain: options?.drain });
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

/** Takes the next request from the queue, after a turn of the event loop where none is there yet. */
async function next_request(
  queue: Socket<number>,
  size: number,
): Promise<[QueuedRequest, number[]] | undefined> {
  let received = message.recv_fds(queue, size, 1, MSG_DONTWAIT, -1);
  if (received === -EAGAIN) {
    await next_turn();
    received = message.recv_fds(queue, size, 1, 0, -1);
  }
  if (typeof received === 'number') return queue._raise(received, 'recvmsg');
  const [bytes, fds] = received;
  const request = decode_request(bytes);
  return request === undefined ? undefined : [request, fds];
}

/** Handles requests until the queue ends. */
async function serve(config: WorkerConfig, Handler: RequestHandlerClass, link: Link): Promise<void> {
  const { queue: queue_share, listener: listener_share, max_packet_size } = config;
  const queue = queue_share === undefined ? new Socket(null, null, null, QUEUE_FD) : fromshare(queue_share);
  const datagrams = max_packet_size > 0;
  const listener = !datagrams
    ? undefined
    : listener_share === undefined
      ? new Socket<number>(null, null, null, SERVER_FD)
      : fromshare(listener_share);
  const size = message_size(max_packet_size);
  const view = server_view(config, link);
  link.report({ type: 'loaded' });
  for (;;) {
    const next = await next_request(queue as Socket<number>, size);
    if (next === undefined) return;
    const [{ client_address, timeout, packet }, [fd]] = next;
    link.begin();
    const connection =
      fd === undefined ? undefined : new Socket(config.family, config.type, config.proto, fd);
    try {
      if (timeout !== null) connection?.settimeout(timeout);
      run_handler(Handler, connection ?? [packet, listener], client_address, view);
    } catch (error) {
      if (config.print_errors) print_error(client_address, error);
      else link.report({ type: 'error', client_address, error: pack_error(error) });
    } finally {
      if (connection !== undefined) shutdown_request(connection);
      link.finish();
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
  const link = counters === undefined ? process_link() : thread_link(counters, config.slot);
  let Handler: RequestHandlerClass;
  try {
    Handler = await load_handler(config.handler);
  } catch (error) {
    link.report({ type: 'load_error', message: error instanceof Error ? error.message : String(error) });
    return;
  }
  const state = worker_state();
  if (state !== undefined) state.importing = false;
  await serve(config, Handler, link);
  // What the handlers left behind, timers or sockets of Node's, is no reason to live on.
  process.exit();
}
