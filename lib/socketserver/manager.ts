// The manager of a pool, a thread of its own, so that the pool lives while the server's thread is blocked: starts workers
// when all are busy, ends those that idle, replaces those that died, ends those that take too long. Where the server has no
// hook that must see a request first, it lets threads take requests by themselves, and takes those of processes.
import { availableParallelism } from 'node:os';
import type { MessagePort } from 'node:worker_threads';
import { send_fds } from '../socket/descriptors.js';
import { fromshare } from '../socket/share.js';
import type { Socket } from '../socket/socket.js';
import { Acceptor } from './acceptor.js';
import { Crew } from './crew.js';
import { Lender } from './lease.js';
import {
  AWAITED,
  DISPATCHED,
  has_room,
  type ManagerConfig,
  MOST,
  type News,
  type Order,
  STOP_MESSAGE,
  under_way,
} from './protocol.js';
import { deadline, is_readable, readable } from './wait.js';

/** All busy for so long: one more worker. */
const GROW_MS = 5;
/** Requests of so many milliseconds are worth more threads than there are processors; */
const SLOW_MS = 1;
/** measured for so long at least, and at most, for a thread may wait for a processor, too. */
const MEASURE_MS = 20;
const MEASURE_MAX_MS = 100;
/** How often to look whether workers idle, and how long they have done so then. */
const IDLE_MS = 10_000;

class Manager {
  readonly #config: ManagerConfig;
  readonly #port: MessagePort;
  readonly #crew: Crew;
  readonly #acceptor: Acceptor;
  readonly #lender: Lender;
  readonly #queue_in: Socket<number>;
  readonly #queue_out: Socket<number>;
  readonly #listener: Socket<number>;
  readonly #awaiting: (() => void)[] = [];
  #stop = new AbortController();
  #ended: Promise<void> = Promise.resolve();
  #closing = false;
  #failed = false;

  constructor(config: ManagerConfig) {
    const { port } = config;
    this.#config = config;
    this.#port = port;
    this.#queue_in = fromshare(config.queue_in);
    this.#queue_out = fromshare(config.queue_out);
    this.#listener = fromshare(config.listener);
    this.#crew = new Crew(config, this.#queue_out, this.#listener, {
      tell: (news) => this.#tell(news),
      changed: () => this.#look_again(),
      failed: (message) => this.#fail(message),
    });
    this.#acceptor = new Acceptor(config, this.#listener, this.#queue_in, (stop) => this.#room(stop));
    this.#lender = new Lender(config.counters, this.#listener, this.#queue_in);
    port.on('message', (order: Order) => {
      this.#obey(order).then(
        () => this.#tell({ type: 'done', order: order.order }),
        (error: unknown) => this.#fail(String(error)),
      );
    });
    setInterval(() => this.#shrink(), IDLE_MS).unref();
    this.#crew.hire();
  }

  #tell(news: News): void {
    // At once, whatever the server's thread does.
    if (news.type === 'shutdown') this.#stop_taking();
    this.#port.postMessage(news);
  }

  #fail(message: string): void {
    if (this.#failed || this.#closing) return;
    this.#failed = true;
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
        return this.#room();
      case 'look':
        return this.#lender.interrupt();
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
    const run = this.#config.kind === 'thread' ? () => this.#lend(signal) : () => this.#acceptor.run(signal);
    // The order is answered before that has ended.
    this.#ended = this.#ended.then(run).catch((error: unknown) => this.#fail(String(error)));
  }

  #stop_taking(): void {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#lender.close();
  }

  /** Lets threads take requests until stopped, and starts more when requests wait that nobody takes. */
  async #lend(stop: AbortSignal): Promise<void> {
    const { counters } = this.#config;
    if (stop.aborted) return;
    this.#lender.open();
    let began = 0;
    let before = 0;
    while (!stop.aborted) {
      const waiting = is_readable(this.#listener);
      const now = performance.now();
      const taken = Atomics.load(counters, DISPATCHED);
      if (waiting && now - began <= MEASURE_MAX_MS) {
        const request_ms = ((now - began) * this.#crew.ready) / (taken - before);
        const is_slow = now - began >= MEASURE_MS && request_ms >= SLOW_MS;
        if (is_slow || this.#crew.size < availableParallelism()) this.#crew.hire();
      } else {
        [began, before] = [now, taken];
        await this.#crew.vacancy(stop);
        await readable(this.#listener, stop);
      }
      await new Promise((resolve) => setTimeout(resolve, GROW_MS));
    }
  }

  /** Takes the requests that have come before serving ended, and closes what further ones would come by. */
  async #rest(limit_ms: number): Promise<void> {
    await this.#ended;
    if (this.#listener.fileno() < 0) return;
    await this.#acceptor.rest(deadline(limit_ms));
    if (this.#config.max_packet_size === 0) this.#listener.close();
  }

  /** Something happened that those who wait may have waited for. */
  #look_again(): void {
    for (const look of this.#awaiting.splice(0)) look();
  }

  /** Waits until a condition holds that depends on the workers, or the time has passed. */
  async #until(condition: () => boolean, limit_ms = -1): Promise<boolean> {
    const { counters } = this.#config;
    const end = limit_ms < 0 ? Number.POSITIVE_INFINITY : performance.now() + limit_ms;
    for (;;) {
      // Asked for before it is looked at: a worker that finishes in between says so.
      Atomics.store(counters, AWAITED, 1);
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

  /** Waits until a worker is free, starting another where they are all busy. */
  async #room(stop?: AbortSignal): Promise<void> {
    const { counters } = this.#config;
    const free = () => has_room(counters) || this.#failed || this.#closing || stop?.aborted === true;
    const look = () => this.#look_again();
    stop?.addEventListener('abort', look);
    while (!(await this.#until(free, GROW_MS))) {
      if (this.#crew.is_full) await this.#until(() => free() || !this.#crew.is_full);
      else this.#crew.hire();
    }
    stop?.removeEventListener('abort', look);
  }

  async #drain(limit_ms: number): Promise<void> {
    const { counters } = this.#config;
    const drained = () => under_way(counters) <= 0 && !this.#lender.is_taking;
    if (await this.#until(drained, limit_ms)) return;
    this.#crew.end_busy('was cut off: the server drained');
    await this.#until(drained, 1000);
  }

  /** Lets workers go that had nothing to do since the last time, but one. */
  #shrink(): void {
    const { counters } = this.#config;
    const needed = Math.max(1, Atomics.exchange(counters, MOST, under_way(counters)));
    const idle = this.#crew.ready - needed;
    for (let i = 0; i < idle; i++) this.#crew.dismiss(() => send_fds(this.#queue_in, [STOP_MESSAGE], []));
    if (idle > 0) this.#lender.interrupt();
  }

  /** Ends all workers, each after its request. */
  async #close(): Promise<void> {
    this.#closing = true;
    this.#stop_taking();
    this.#crew.close();
    // The server has closed its end before: now the queue ends, and the workers with it.
    this.#queue_in.close();
    await this.#until(() => this.#crew.size === 0);
    this.#queue_out.close();
    this.#listener.close();
    setImmediate(() => process.exit());
  }
}

/** Runs the manager, on its thread. */
export function manage(config: ManagerConfig): void {
  new Manager(config);
}
