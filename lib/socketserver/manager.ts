// The manager of a pool, a thread of its own, so that the pool lives while the server's thread is blocked: starts workers
// when all are busy, ends those that idle, replaces those that died, ends those that take too long; and accepts, where the
// server has no hook that must see the request first.
import type { MessagePort } from 'node:worker_threads';
import { send_fds } from '../socket/descriptors.js';
import { fromshare } from '../socket/share.js';
import type { Socket } from '../socket/socket.js';
import { Acceptor } from './acceptor.js';
import { Crew } from './crew.js';
import {
  AWAITED,
  has_room,
  type ManagerConfig,
  type News,
  type Order,
  STOP_MESSAGE,
  under_way,
} from './protocol.js';

/** All busy for so long: one more worker. */
const GROW_MS = 5;
/** How often to look whether workers idle, and how long they have done so then. */
const IDLE_MS = 10_000;

class Manager {
  readonly #config: ManagerConfig;
  readonly #port: MessagePort;
  readonly #crew: Crew;
  readonly #acceptor: Acceptor;
  readonly #queue_in: Socket<number>;
  readonly #queue_out: Socket<number>;
  readonly #listener: Socket<number>;
  readonly #awaiting: (() => void)[] = [];
  #most_under_way = 0;
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
    this.#acceptor = new Acceptor(config, this.#listener, this.#queue_in, () => this.#room());
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
    if (news.type === 'shutdown') this.#acceptor.stop();
    this.#port.postMessage(news);
  }

  #fail(message: string): void {
    if (this.#failed || this.#closing) return;
    this.#failed = true;
    this.#acceptor.stop();
    this.#tell({ type: 'failed', message });
  }

  async #obey(order: Order): Promise<void> {
    switch (order.type) {
      case 'accept':
        // The listener's own setting is the server's to restore.
        this.#listener.setblocking(false);
        // Told before the loop has ended, so that the answer does not wait for it.
        this.#acceptor.start().catch((error: unknown) => this.#fail(String(error)));
        return;
      case 'stop':
        return this.#acceptor.stop();
      case 'room':
        return this.#room();
      case 'drain':
        return this.#drain(order.limit_ms);
      case 'close':
        return this.#close();
    }
  }

  /** Something happened that those who wait may have waited for. */
  #look_again(): void {
    const { counters } = this.#config;
    this.#most_under_way = Math.max(this.#most_under_way, under_way(counters));
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
  async #room(): Promise<void> {
    const { counters } = this.#config;
    const free = () => has_room(counters) || this.#failed || this.#closing;
    this.#most_under_way = Math.max(this.#most_under_way, under_way(counters) + 1);
    while (!(await this.#until(free, GROW_MS))) this.#crew.hire();
  }

  async #drain(limit_ms: number): Promise<void> {
    const { counters } = this.#config;
    const drained = () => under_way(counters) <= 0;
    if (await this.#until(drained, limit_ms)) return;
    this.#crew.end_busy('was cut off: the server drained');
    await this.#until(drained, 1000);
  }

  /** Lets workers go that had nothing to do since the last time, but one. */
  #shrink(): void {
    const { counters } = this.#config;
    const needed = Math.max(1, this.#most_under_way, under_way(counters));
    this.#most_under_way = under_way(counters);
    const idle = this.#crew.ready - needed;
    for (let i = 0; i < idle; i++) this.#crew.dismiss(() => send_fds(this.#queue_in, [STOP_MESSAGE], []));
  }

  /** Ends all workers, each after its request. */
  async #close(): Promise<void> {
    this.#closing = true;
    this.#acceptor.stop();
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
