// The manager of a pool, on a thread of its own, so that the pool works while the server's thread is blocked. It starts workers
// when all are busy, stops idle ones, and has those that are still busy killed when draining ends. README.md says who takes requests.
import type { MessagePort } from 'node:worker_threads';
import { fromshare, type socket as Socket } from '../../socket/index.js';
import { abort_after, sleep, unless_aborted } from '../../util/deadline.js';
import { DRAIN_LIMIT } from '../listener/refuse.js';
import { PAUSE_MS, pause } from '../listener/scarcity.js';
import { check_not_ended, is_readable, readable } from '../listener/socket_wait.js';
import { print_uncaught } from '../report.js';
import { Arrivals, end_waiting } from './arrivals.js';
import { Condition, Room } from './condition.js';
import { grow } from './growth.js';
import { type PackedError, pack_error, unpack_error } from './packed_error.js';
import type { ManagerConfig, News, Order } from './protocol.js';
import { discard, post, STOP_MESSAGE } from './queue.js';
import { ProcessPoolState } from './state/process_state.js';
import { SharedState } from './state/shared_state.js';
import { Workers } from './workers.js';

/** How often at most busy workers are killed while the pool drains, and the milliseconds in between. */
const CUT_TRIES = 20;
const CUT_MS = 50;
/** How often at most the manager looks whether a worker still takes a request, and the milliseconds in between. */
const TAKING_LOOKS = 200;
const LOOK_MS = 1;
/** Milliseconds between two looks for idle workers, and so how long a worker is idle at least before it is stopped. */
const IDLE_MS = 10_000;
/** Milliseconds that the server has to take the news of a failure, before the manager tells it on standard error. */
const TOLD_MS = 250;

class Manager {
  readonly #config: ManagerConfig;
  readonly #state: SharedState;
  readonly #port: MessagePort;
  readonly #workers: Workers;
  readonly #arrivals: Arrivals;
  readonly #queue_in: Socket<number>;
  readonly #queue_out: Socket<number>;
  readonly #listener: Socket<number>;
  /** Notified when workers or the queue changed. */
  readonly #changed: Condition;
  readonly #room: Room;
  /** Aborts when requests are to be taken no longer. */
  #stop = new AbortController();
  /** True while the server lets the pool take requests. */
  #is_accepting = false;
  /** Settles when requests are taken no longer. */
  #stopped: Promise<void> = Promise.resolve();
  /** Aborts when workers cannot start, or are to end. */
  readonly #closing = new AbortController();
  /** Ends the rest of the requests that came before serving ended, while workers take them. */
  #resting: AbortController | undefined;
  /** Aborts when the server has taken the news of a failure. */
  readonly #told = new AbortController();
  /** True from a failure on that has been told. */
  #refuses = false;

  constructor(config: ManagerConfig) {
    const { port } = config;
    this.#config = config;
    this.#state = new (config.kind === 'process' ? ProcessPoolState : SharedState)(config.memory);
    this.#port = port;
    this.#queue_in = fromshare(config.queue_in);
    this.#queue_out = fromshare(config.queue_out);
    this.#listener = fromshare(config.listener);
    const { signal } = this.#closing;
    this.#changed = new Condition(this.#state);
    this.#room = new Room(this.#state, this.#changed, signal);
    this.#workers = new Workers(
      config,
      this.#state,
      this.#queue_out,
      this.#listener,
      this.#changed,
      (news: News) => this.#send(news),
      () => this.#on_listener_ended(),
    );
    this.#arrivals = new Arrivals(config.arrivals, this.#listener);
    this.#watch_queue();
    port.on('message', (order: Order) => {
      this.#obey(order).then(
        () => this.#send({ type: 'done', order: order.order }),
        (error: unknown) => this.#fail(error),
      );
    });
    setInterval(() => this.#shrink(), IDLE_MS).unref();
    this.#workers.start_one();
    signal.addEventListener('abort', () => this.#changed.notify_all());
    grow(this.#workers, signal, {
      begins: () => this.#changed.until(() => this.#room.is_short || signal.aborted),
      goes_on: () => this.#room.is_short,
    }).catch((error: unknown) => this.#fail(error));
  }

  /** Sends a message to the server. Serving ends here at once, even if the server's thread is blocked. */
  #send(news: News): void {
    if (news.type === 'failed') {
      if (this.#closing.signal.aborted) return;
      this.#closing.abort();
    }
    if (news.type === 'failed') {
      this.#resting?.abort();
      void this.#tell(news.error);
    }
    // While the rest is taken, the server does not serve any more.
    const ends = news.type === 'failed' || (news.type === 'shutdown' && this.#resting === undefined);
    if (ends) void this.#stop_taking();
    this.#port.postMessage(news);
  }

  /**
   * Tells a failure on standard error if the server's thread is blocked, and does not take the news: it may be blocked in a call of
   * a client. From then on requests are refused.
   */
  async #tell(error: PackedError): Promise<void> {
    await sleep(TOLD_MS, this.#told.signal);
    if (!this.#told.signal.aborted)
      print_uncaught(`the workers of ${this.#config.server_name}`, unpack_error(error));
    this.#refuses = true;
    if (this.#is_accepting) await this.#start_taking();
  }

  /** Ends the connections that come until `stop` aborts: nobody would ever answer them. */
  async #refuse(stop: AbortSignal): Promise<void> {
    this.#state.count_discarded(discard(this.#queue_out, this.#config.max_packet_size));
    if (this.#config.max_packet_size > 0) return;
    for (;;) {
      await readable(this.#listener, stop);
      if (stop.aborted || !end_waiting(this.#listener)) return;
      await pause(stop);
    }
  }

  /** Has workers wait for the queue, once there is memory for that. */
  #watch_queue(): void {
    if (!this.#arrivals.add(this.#queue_out)) setTimeout(() => this.#watch_queue(), PAUSE_MS);
  }

  /** A worker says that the listener was shut down. If the server drains, it did that itself, and no request is left. */
  #on_listener_ended(): void {
    if (!this.#arrivals.is_open) return;
    try {
      check_not_ended(this.#listener, 'serve_forever');
    } catch (error) {
      if (this.#resting === undefined) this.#fail(error);
      else this.#resting.abort();
    }
  }

  #fail(error: unknown): void {
    this.#send({ type: 'failed', error: pack_error(error) });
  }

  async #obey(order: Order): Promise<void> {
    switch (order.type) {
      case 'accept':
        this.#is_accepting = true;
        return this.#start_taking();
      case 'stop':
        this.#is_accepting = false;
        return this.#stop_taking();
      case 'room':
        return this.#room.wait(this.#closing.signal);
      case 'rest':
        return this.#rest(order.limit_ms);
      case 'unlisten':
        this.#arrivals.close();
        // By a socket of datagrams handlers answer.
        if (this.#config.max_packet_size === 0) this.#listener.close();
        return;
      case 'drain':
        return this.#drain(order.limit_ms);
      case 'signals':
        return this.#state.set_handled_signals(order.bits);
      case 'events':
        return this.#state.set_events(order.bits);
      case 'collect':
        if (this.#state instanceof ProcessPoolState) this.#state.collect_totals();
        return;
      case 'told':
        this.#told.abort();
        return;
      case 'close':
        this.#is_accepting = false;
        return this.#close();
    }
  }

  /** Begins to take requests. The order is answered before that has ended. */
  async #start_taking(): Promise<void> {
    const stopped = this.#stop_taking();
    const { signal } = this.#stop;
    await stopped;
    this.#stopped = this.#stopped.then(() => this.#take(signal)).catch((error: unknown) => this.#fail(error));
  }

  /** Lets workers take no further requests. Done when none takes one any more. */
  async #stop_taking(): Promise<void> {
    this.#stop.abort();
    this.#stop = new AbortController();
    this.#arrivals.close();
    // It takes a worker some microseconds. A child process may say anything.
    for (let looks = 0; looks < TAKING_LOOKS && this.#state.is_taking; looks++) await sleep(LOOK_MS);
  }

  /** Lets workers take requests until `stop` aborts. */
  async #take(stop: AbortSignal): Promise<void> {
    if (this.#refuses) return this.#refuse(stop);
    while (!stop.aborted && !this.#arrivals.open()) await pause(stop);
    await grow(this.#workers, stop, {
      begins: () => readable(this.#listener, stop),
      goes_on: () => {
        this.#state.note_busy();
        return is_readable(this.#listener);
      },
    });
  }

  /** Has workers take the requests that came before serving ended. */
  async #rest(limit_ms: number): Promise<void> {
    const end = new AbortController();
    abort_after(end, limit_ms);
    await unless_aborted(this.#stopped, end.signal);
    if (this.#listener.fileno() < 0) return;
    this.#resting = end;
    const before = this.#state.dispatched;
    const has_more = () =>
      is_readable(this.#listener) && ((this.#state.dispatched - before) | 0) < DRAIN_LIMIT;
    const taken = this.#take(end.signal).catch((error: unknown) => this.#fail(error));
    while (!end.signal.aborted && has_more()) await sleep(LOOK_MS);
    end.abort();
    await taken;
    this.#resting = undefined;
    await this.#stop_taking();
  }

  /** Waits until no request is in flight. After `limit_ms` it discards those on the queue, and kills busy workers. */
  async #drain(limit_ms: number): Promise<void> {
    const is_drained = () => this.#state.in_flight <= 0;
    const wait = (ms: number) => this.#changed.until(is_drained, () => 1, ms);
    if (await wait(limit_ms)) return;
    // Several tries: a worker that has just taken a request from the queue is not marked busy yet.
    for (let tries = 0; tries < CUT_TRIES; tries++) {
      this.#state.count_discarded(discard(this.#queue_out, this.#config.max_packet_size));
      // In the end also those that say that they have no request.
      this.#workers.end_busy('was cut off: the server drained', tries === CUT_TRIES - 1);
      if (await wait(CUT_MS)) return;
    }
  }

  /** Stops the workers that were not needed since the last call, but for one. */
  #shrink(): void {
    const needed = Math.max(1, this.#state.take_peak());
    const idle = this.#workers.ready - needed;
    for (let i = 0; i < idle; i++) this.#workers.stop_idle(() => post(this.#queue_in, [STOP_MESSAGE], []));
  }

  /** Ends all workers, each after its request, and then the manager's thread. */
  async #close(): Promise<void> {
    this.#closing.abort();
    await this.#stop_taking();
    this.#workers.close();
    // The server has closed its own end of the queue: now the queue ends, and the workers with it.
    this.#queue_in.close();
    await this.#changed.until(() => this.#workers.size === 0);
    this.#workers.release();
    this.#queue_out.close();
    this.#listener.close();
    setImmediate(() => process.exit());
  }
}

/** Runs the manager, on its thread. */
export function manage(config: ManagerConfig): void {
  new Manager(config);
}
