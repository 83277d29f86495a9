// The manager of a pool, a thread of its own, so that the pool lives while the server's thread is blocked: starts workers
// when all are busy, ends those that idle, replaces those that died, ends those that take too long. Where the server has no
// hook that must see a request first, it lets threads take requests by themselves, and takes those of processes.
import type { MessagePort } from 'node:worker_threads';
import { fromshare, type socket as Socket } from '../../socket/index.js';
import { abort_after } from '../../util/deadline.js';
import { unless_aborted } from '../abort.js';
import { is_readable, readable } from '../socket_wait.js';
import { Acceptor } from './acceptor.js';
import { SharedListener } from './direct_accept.js';
import { grow } from './growth.js';
import type { ManagerConfig, News, Order } from './protocol.js';
import { discard, post, STOP_MESSAGE } from './queue.js';
import { SharedState } from './shared_state.js';
import { Workers } from './workers.js';

/** What is cut off ends within so many times so many milliseconds. */
const CUT_TRIES = 20;
const CUT_MS = 50;
/** How often to look whether workers idle, and how long they have done so then. */
const IDLE_MS = 10_000;

class Manager {
  readonly #config: ManagerConfig;
  readonly #state: SharedState;
  readonly #port: MessagePort;
  readonly #workers: Workers;
  readonly #acceptor: Acceptor;
  readonly #shared_listener: SharedListener;
  readonly #queue_in: Socket<number>;
  readonly #queue_out: Socket<number>;
  readonly #listener: Socket<number>;
  readonly #awaiting: (() => void)[] = [];
  #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  /** Aborted when workers cannot start, or are to end. */
  readonly #over = new AbortController();
  /** How many requests wait for room. */
  #waiting = 0;

  constructor(config: ManagerConfig) {
    const { port } = config;
    this.#config = config;
    this.#state = new SharedState(config.memory);
    this.#port = port;
    this.#queue_in = fromshare(config.queue_in);
    this.#queue_out = fromshare(config.queue_out);
    this.#listener = fromshare(config.listener);
    this.#workers = new Workers(config, this.#state, this.#queue_out, this.#listener, {
      tell: (news) => this.#tell(news),
      changed: () => this.#look_again(),
      failed: (message) => this.#fail(message),
    });
    this.#acceptor = new Acceptor(config, this.#state, this.#listener, this.#queue_in, {
      room: (ahead, stop) => this.#room(ahead, stop),
      put: () => this.#is_short() && this.#look_again(),
    });
    this.#shared_listener = new SharedListener(this.#state, this.#listener, this.#queue_in);
    port.on('message', (order: Order) => {
      this.#obey(order).then(
        () => this.#tell({ type: 'done', order: order.order }),
        (error: unknown) => this.#fail(String(error)),
      );
    });
    setInterval(() => this.#shrink(), IDLE_MS).unref();
    this.#workers.start_one();
    const { signal } = this.#over;
    signal.addEventListener('abort', () => this.#look_again());
    grow(this.#workers, signal, {
      begins: () => this.#until(() => this.#is_short() || signal.aborted),
      goes_on: () => this.#is_short(),
    }).catch((error: unknown) => this.#fail(String(error)));
  }

  #tell(news: News): void {
    // At once, whatever the server's thread does.
    if (news.type === 'shutdown') this.#stop_taking();
    this.#port.postMessage(news);
  }

  #fail(message: string): void {
    if (this.#over.signal.aborted) return;
    this.#over.abort();
    this.#stop_taking();
    this.#tell({ type: 'failed', message });
  }

  async #obey(order: Order): Promise<void> {
    switch (order.type) {
      case 'accept':
        return this.#start_taking();
      case 'stop':
        return this.#stop_taking();
      case 'room':
        return this.#room(0, this.#over.signal);
      case 'look':
        return this.#shared_listener.interrupt();
      case 'rest':
        return this.#rest(order.limit_ms);
      case 'drain':
        return this.#drain(order.limit_ms);
      case 'close':
        return this.#close();
    }
  }

  #start_taking(): void {
    this.#stop_taking();
    const { signal } = this.#stop;
    const run =
      this.#config.kind === 'thread' ? () => this.#share_listener(signal) : () => this.#acceptor.run(signal);
    // The order is answered before that has ended.
    this.#ended = this.#ended.then(run).catch((error: unknown) => this.#fail(String(error)));
  }

  #stop_taking(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#shared_listener.close();
  }

  /** Lets threads take requests until stopped. */
  async #share_listener(stop: AbortSignal): Promise<void> {
    if (stop.aborted) return;
    this.#shared_listener.open();
    await grow(this.#workers, stop, {
      begins: () => readable(this.#listener, stop),
      goes_on: () => is_readable(this.#listener),
    });
  }

  /** Whether requests wait that no worker is free for: on the queue, or for room. */
  #is_short(): boolean {
    return this.#state.in_flight + this.#waiting > this.#workers.ready;
  }

  /** Takes the requests that have come before serving ended, and closes what further ones would come by. */
  async #rest(limit_ms: number): Promise<void> {
    const end = new AbortController();
    abort_after(end, limit_ms);
    await unless_aborted(this.#ended, end.signal);
    if (this.#listener.fileno() < 0) return;
    await this.#acceptor.rest(end.signal);
    if (this.#config.max_packet_size === 0) this.#listener.close();
  }

  /** Something happened that those who wait may have waited for. */
  #look_again(): void {
    for (const look of this.#awaiting.splice(0)) look();
  }

  /**
   * Waits until a condition holds that depends on the workers, or the time has passed.
   *
   * @param fewer when fewer requests than this are under way it may hold
   */
  async #until(condition: () => boolean, fewer = () => 0, limit_ms = -1): Promise<boolean> {
    const end = limit_ms < 0 ? Number.POSITIVE_INFINITY : performance.now() + limit_ms;
    for (;;) {
      // Asked for before it is looked at: a worker that finishes in between says so.
      this.#state.notify_below(fewer());
      if (condition()) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      await new Promise<void>((resolve) => {
        const timer = left === Number.POSITIVE_INFINITY ? undefined : setTimeout(resolve, left);
        this.#awaiting.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  /** A request waits until workers have fewer than there are workers and, beyond them, this many. */
  async #room(ahead: number, stop: AbortSignal): Promise<void> {
    const ends = () => stop.aborted || this.#over.signal.aborted;
    const look = () => this.#look_again();
    stop.addEventListener('abort', look);
    this.#waiting++;
    this.#look_again();
    await this.#until(
      () => this.#state.has_room(ahead) || ends(),
      () => this.#workers.ready + ahead,
    );
    this.#waiting--;
    stop.removeEventListener('abort', look);
  }

  async #drain(limit_ms: number): Promise<void> {
    const drained = () => this.#state.in_flight <= 0 && !this.#shared_listener.is_in_use;
    const wait = (ms: number) => this.#until(drained, () => 1, ms);
    if (await wait(limit_ms)) return;
    for (let tries = 0; tries < CUT_TRIES; tries++) {
      // One that has just taken a request from the queue is not busy yet.
      this.#state.count_discarded(discard(this.#queue_out, this.#config.max_packet_size));
      this.#workers.end_busy('was cut off: the server drained');
      if (await wait(CUT_MS)) return;
    }
  }

  /** Lets workers go that had nothing to do since the last time, but one. */
  #shrink(): void {
    const needed = Math.max(1, this.#state.take_peak());
    const idle = this.#workers.ready - needed;
    for (let i = 0; i < idle; i++) this.#workers.stop_idle(() => post(this.#queue_in, [STOP_MESSAGE], []));
    if (idle > 0) this.#shared_listener.interrupt();
  }

  /** Ends all workers, each after its request. */
  async #close(): Promise<void> {
    this.#over.abort();
    this.#stop_taking();
    this.#workers.close();
    // The server has closed its end before: now the queue ends, and the workers with it.
    this.#queue_in.close();
    await this.#until(() => this.#workers.size === 0);
    this.#queue_out.close();
    this.#listener.close();
    setImmediate(() => process.exit());
  }
}

/** Runs the manager, on its thread. */
export function manage(config: ManagerConfig): void {
  new Manager(config);
}
