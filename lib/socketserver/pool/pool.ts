// The pool of a server's workers, on the server's thread: starts the manager's thread, gives it orders, hands requests to
// workers, and passes the workers' reports to the server.
import { serialize } from 'node:v8';
import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads';
import { getdefaulttimeout, without_default_timeout } from '../../calls/waiting/default_timeout.js';
import { poll } from '../../calls/waiting/poll.js';
import { AF_UNIX, SOCK_SEQPACKET } from '../../constants.js';
import { addon } from '../../native/addon.js';
import { socket as Socket, socketpair } from '../../socket/index.js';
import { shown } from '../../util/validate.js';
import { packet_info } from '../datagrams/packet_info.js';
import { follow_listeners } from '../watch/channels.js';
import type { Counts } from '../watch/statistics.js';
import { LongTotals } from '../watch/totals.js';
import type { WorkerEvent } from '../watch/worker_events.js';
import { make_arrivals } from './arrivals.js';
import { LIBRARY } from './entry.js';
import { unpack_error } from './packed_error.js';
import type { News, OpenDescriptor, Order, PoolConfig } from './protocol.js';
import { AHEAD, AHEAD_LIMIT, encode_request, post_blocking } from './queue.js';
import { share_handled_signals } from './signals.js';
import { sharing, start_manager } from './start.js';
import { allocate_state, SharedState } from './state/shared_state.js';

/** Settings that the server gives its pool. */
export interface PoolOptions
  extends Omit<PoolConfig, 'library' | 'argv' | 'family' | 'type' | 'proto' | 'default_timeout'> {
  readonly max_workers: number;
  readonly socket: Socket<number>;
}

/**
 * Callbacks of the server: a handler's error, a shutdown() called in a worker, the pids of the child processes, and a want of
 * descriptors or memory for which requests wait.
 */
export interface PoolEvents {
  on_error(client_address: unknown, error: unknown): void;
  on_shutdown(drain: number | undefined): void;
  on_children(pids: readonly number[]): void;
  on_scarce(code: string): void;
  on_event(event: WorkerEvent): void;
}

/** An order without its number. */
type OrderType = Order extends infer O ? (O extends { order: number } ? Omit<O, 'order'> : never) : never;

/** An order that is not answered yet. */
interface Pending {
  resolve(): void;
  reject(error: unknown): void;
}

/** Milliseconds between two looks of a blocked server for room. */
const ROOM_MS = 2;

export class Pool {
  readonly #state: SharedState;
  readonly #unshare_signals: (() => void) | undefined;
  readonly #unfollow_listeners: () => void;
  readonly #long_totals = new LongTotals();
  readonly #is_process: boolean;
  readonly #queue: Socket<number>;
  readonly #arrivals: OpenDescriptor;
  readonly #manager: Worker;
  readonly #port: MessagePort;
  readonly #events: PoolEvents;
  readonly #pending = new Map<number, Pending>();
  readonly #datagrams: boolean;
  #orders = 0;
  /** True once the manager has ended. */
  #has_ended = false;
  #holds = 0;
  #accepting = false;
  #error: unknown;
  #failed: ((error: unknown) => void) | undefined;
  #closed: Promise<void> | undefined;

  /** @throws TypeError if worker_data cannot be cloned; OSError */
  constructor(options: PoolOptions, events: PoolEvents) {
    const { max_workers, socket, ...config } = options;
    check_cloneable(options);
    this.#events = events;
    this.#datagrams = options.max_packet_size > 0;
    this.#arrivals = make_arrivals();
    const [queue_in, queue_out] = this.#make_queue();
    const { port1, port2 } = new MessageChannel();
    this.#queue = queue_in;
    this.#port = port1;
    const memory = allocate_state(options.kind === 'thread' ? max_workers : 0);
    this.#state = new SharedState(memory);
    try {
      this.#manager = sharing((share) =>
        start_manager({
          ...config,
          library: LIBRARY,
          argv: process.argv,
          family: socket.family,
          type: socket.type,
          proto: socket.proto,
          default_timeout: getdefaulttimeout(),
          max_workers,
          memory,
          queue_in: share(queue_in),
          queue_out: share(queue_out),
          listener: share(socket),
          arrivals: this.#arrivals,
          port: port2,
        }),
      );
    } catch (error) {
      queue_in.close();
      this.#close_arrivals();
      port1.close();
      throw error;
    } finally {
      queue_out.close();
    }
    this.#manager.unref();
    this.#manager.on('error', (error) => this.#fail(error));
    this.#manager.on('exit', () => this.#ended());
    this.#port.on('message', (news: News) => this.#on_news(news));
    this.#port.unref();
    this.#is_process = options.kind === 'process';
    this.#unfollow_listeners = follow_listeners((bits) => {
      this.#order({ type: 'events', bits }).catch(() => {});
    });
    if (options.kind === 'process') {
      this.#unshare_signals = share_handled_signals((bits) => {
        this.#order({ type: 'signals', bits }).catch(() => {});
      });
    }
  }

  /** @throws OSError */
  #make_queue(): [Socket<number>, Socket<number>] {
    try {
      return without_default_timeout(() => socketpair(AF_UNIX, SOCK_SEQPACKET)) as [
        Socket<number>,
        Socket<number>,
      ];
    } catch (error) {
      this.#close_arrivals();
      throw error;
    }
  }

  #close_arrivals(): void {
    addon.close(this.#arrivals.fd, this.#arrivals.generation);
  }

  #on_news(news: News): void {
    switch (news.type) {
      case 'done':
        this.#pending.get(news.order)?.resolve();
        this.#pending.delete(news.order);
        return;
      case 'failed':
        this.#port.postMessage({ type: 'told', order: this.#orders++ } satisfies Order);
        this.#fail(unpack_error(news.error));
        return;
      case 'error':
        try {
          this.#events.on_error(news.client_address, unpack_error(news.error));
        } catch (error) {
          this.#fail(error);
        }
        return;
      case 'shutdown':
        this.#events.on_shutdown(news.drain);
        return;
      case 'children':
        this.#events.on_children(news.pids);
        return;
      case 'scarce':
        this.#events.on_scarce(news.code);
        return;
      case 'event':
        this.#events.on_event(news);
        return;
    }
  }

  #fail(error: unknown): void {
    this.#error ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#error);
    this.#pending.clear();
    this.#failed?.(this.#error);
  }

  #ended(): void {
    this.#port.close();
    this.#queue.close();
    this.#close_arrivals();
    this.#unshare_signals?.();
    this.#unfollow_listeners();
    this.#has_ended = true;
    if (this.#closed === undefined)
      this.#fail(new Error('the thread that looks after the workers has ended'));
    for (const { resolve } of this.#pending.values()) resolve();
    this.#pending.clear();
  }

  /** Keeps the process alive. Each hold() needs one release(). */
  hold(): void {
    if (this.#holds++ === 0) this.#port.ref();
  }

  release(): void {
    if (--this.#holds === 0) this.#port.unref();
  }

  #order(order: OrderType): Promise<void> {
    if (this.#error !== undefined && order.type !== 'close') return Promise.reject(this.#error);
    return new Promise((resolve, reject) => {
      const number = this.#orders++;
      this.#pending.set(number, { resolve, reject });
      this.#port.postMessage({ ...order, order: number });
    });
  }

  /** Has the manager take requests until `stop` aborts. @throws (rejects) if workers cannot start */
  async accept(stop: AbortSignal): Promise<void> {
    const failed = new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      stop.addEventListener('abort', () => resolve());
    });
    this.#accepting = true;
    try {
      await Promise.race([this.#order({ type: 'accept' }), failed]);
      if (!stop.aborted) await failed;
      await this.#order({ type: 'stop' });
    } finally {
      this.#accepting = false;
      this.#failed = undefined;
    }
  }

  /** Has workers take the requests that came before accept() ended, for at most `limit_ms`. */
  rest(limit_ms: number): Promise<void> {
    return this.#order({ type: 'rest', limit_ms });
  }

  /** Closes the pool's duplicate of the server's socket, unless datagrams are answered by it. */
  unlisten(): Promise<void> {
    return this.#order({ type: 'unlisten' });
  }

  /** Returns what the workers have counted. Of child processes the manager knows it. */
  counts(): Counts {
    if (this.#is_process && !this.#has_ended && this.#error === undefined) {
      this.#state.totals.wait_collected(() => void this.#order({ type: 'collect' }).catch(() => {}));
    }
    return this.#long_totals.counts(this.#state.totals, this.#state);
  }

  /** Returns whether a request may be handed over. While the pool takes requests by itself workers may never be free. */
  #has_room(): boolean {
    return this.#accepting
      ? this.#state.has_room(AHEAD_LIMIT)
      : this.#state.ready > 0 && this.#state.has_room(AHEAD);
  }

  /** Waits until a request may be handed over; if the queue is full, until a worker is free. */
  room(): Promise<void> {
    return this.#has_room() ? Promise.resolve() : this.#order({ type: 'room' });
  }

  /** Waits until no request is in flight. Requests that are so after `limit_ms` (-1: no limit) are cut off. */
  drain(limit_ms: number): Promise<void> {
    return this.#order({ type: 'drain', limit_ms });
  }

  /**
   * Blocks the thread until a request may be handed over.
   *
   * @throws Error if workers cannot start
   */
  #room_now(): void {
    for (let order = -1; !this.#has_room(); ) {
      // Only the manager sees what child processes have finished.
      if (!this.#pending.has(order)) {
        order = this.#orders;
        this.#order({ type: 'room' }).catch(() => {});
      }
      if (this.#error !== undefined) throw this.#error;
      poll([], ROOM_MS);
      for (
        let next = receiveMessageOnPort(this.#port);
        next !== undefined;
        next = receiveMessageOnPort(this.#port)
      ) {
        this.#on_news(next.message as News);
      }
    }
  }

  /**
   * Hands a request to a worker. The caller closes its own socket.
   *
   * @throws TypeError if it is no request; RangeError if client_address is too long; Error if workers cannot start
   */
  dispatch(request: unknown, client_address: unknown): void {
    if (this.#error !== undefined) throw this.#error;
    const message = this.#message(request, client_address);
    this.#room_now();
    // Counted first: a worker may finish the request at once.
    this.#state.count_dispatched();
    try {
      post_blocking(this.#queue, message, request instanceof Socket ? [request.fileno()] : []);
    } catch (error) {
      this.#state.count_discarded(1);
      throw error;
    }
  }

  #message(request: unknown, client_address: unknown): Buffer[] {
    if (!this.#datagrams && request instanceof Socket)
      return encode_request(client_address, request.gettimeout());
    if (this.#datagrams && Array.isArray(request) && request[0] instanceof Uint8Array) {
      return encode_request(client_address, null, request[0], packet_info(request));
    }
    const expected = this.#datagrams ? '[packet, socket]' : 'a socket';
    throw new TypeError(`request must be ${expected} to be handed to a worker, not ${shown(request)}`);
  }

  /** Ends the workers, each after its request. Fulfilled when all have ended. */
  close(): Promise<void> {
    if (this.#closed === undefined) {
      this.#queue.close();
      this.#closed = this.#order({ type: 'close' });
    }
    return this.#closed;
  }
}

function check_cloneable({ kind, worker_data }: PoolOptions): void {
  try {
    if (kind === 'process') serialize(worker_data);
    else structuredClone(worker_data);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const where = kind === 'process' ? 'child processes' : 'worker threads';
    throw new TypeError(`worker_data cannot be cloned for the ${where}: ${reason}`, { cause });
  }
}
