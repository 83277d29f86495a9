// The workers of a pool, as its manager sees them: threads or processes that are starting, ready, busy or gone.
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { socket as Socket } from '../../socket/index.js';
import { unless_aborted } from '../abort.js';
import { print_error, print_uncaught } from '../report.js';
import { pack_error, unpack_error } from './packed_error.js';
import { type ManagerConfig, MEMORY_FD, type News, type Report, type WorkerConfig } from './protocol.js';
import { holds_any } from './queue.js';
import type { SharedState, WorkerSlot } from './shared_state.js';
import { start_worker_process, start_worker_thread } from './start.js';

/** So many are started at a time. */
const STARTING_LIMIT = 4;
/** How long none is started after one could not be, where there are others. */
const HOLD_OFF_MS = 1000;
/** Nothing happens for so long: no worker is about to begin a request that it took. */
const QUIET_MS = 100;

/** What the workers tell their manager. */
export interface WorkerEvents {
  tell(news: News): void;
  /** A worker became ready, finished a request, or ended. */
  changed(): void;
  /** No worker can be started. */
  failed(message: string): void;
}

interface WorkerRecord {
  readonly slot: WorkerSlot;
  readonly pid: number | undefined;
  ready: boolean;
  /** Its thread's folder in /proc. */
  task: string | undefined;
  /** Which of its requests was seen last, and when first. */
  serial: number;
  seen_ms: number;
  /** Why it is being ended, for the error of its request. */
  reason: string | undefined;
  /** What it failed with, by itself. */
  error: unknown;
  end(): void;
}

/** Whether a thread sleeps; that of a folder in /proc that cannot be read does. */
function is_asleep(task: string | undefined): boolean {
  try {
    const stat = readFileSync(`${task}/stat`, 'latin1');
    // Behind the name, which may hold anything: the state.
    return stat[stat.lastIndexOf(')') + 2] !== 'R';
  } catch {
    return true;
  }
}

export class Workers {
  readonly #config: ManagerConfig;
  readonly #queue: Socket<number>;
  readonly #listener: Socket<number>;
  readonly #events: WorkerEvents;
  readonly #workers = new Set<WorkerRecord>();
  readonly #state: SharedState;
  #vacancy: (() => void)[] = [];
  /** Those that ended while they waited for a request, and how: they may have taken one. */
  readonly #doubtful: [WorkerRecord, string][] = [];
  #stopping = 0;
  #hold_off_until = 0;
  /** The handler could be imported: what fails later is no mistake of the program's. */
  #was_loaded = false;
  #closing = false;

  constructor(
    config: ManagerConfig,
    state: SharedState,
    queue: Socket<number>,
    listener: Socket<number>,
    events: WorkerEvents,
  ) {
    this.#config = config;
    this.#queue = queue;
    this.#listener = listener;
    this.#events = events;
    this.#state = state;
    const { handler_timeout_ms } = config;
    if (handler_timeout_ms > 0) {
      const interval = Math.max(5, Math.min(handler_timeout_ms / 10, 1000));
      setInterval(() => this.#end_late(handler_timeout_ms), interval).unref();
    }
  }

  /** How many there are, starting ones too. */
  get size(): number {
    return this.#workers.size;
  }

  /** How many are ready, busy or not. */
  get ready(): number {
    return this.#state.ready;
  }

  /** How many requests were finished in all, in 32 bits. */
  get finished(): number {
    return this.#state.finished;
  }

  /** How many have a request and wait for something, as the kernel sees it now; the others compute, or have none. */
  count_waiting(): number {
    return [...this.#workers].filter((worker) => worker.slot.is_busy && is_asleep(worker.task)).length;
  }

  /** Whether there are as many as there may be. */
  get is_full(): boolean {
    return this.size >= this.#config.max_workers;
  }

  /** Waits until it is not full. */
  async vacancy(stop: AbortSignal): Promise<void> {
    if (!this.is_full) return;
    const vacancy = new Promise<void>((resolve) => this.#vacancy.push(resolve));
    await unless_aborted(vacancy, stop);
  }

  /** Starts one more, unless there are enough. */
  start_one(): void {
    const { memory } = this.#config;
    const starting = [...this.#workers].filter((worker) => !worker.ready).length;
    // The first starts alone: it is soonest there, and tells whether the handler can be imported.
    const limit = this.ready > 0 ? STARTING_LIMIT : 1;
    if (starting >= limit || this.is_full) return;
    if (performance.now() < this.#hold_off_until) return;
    const slot = this.#free_slot();
    try {
      if ('fd' in memory) this.#start_process(slot, memory.fd);
      else this.#start_thread(slot);
    } catch (error) {
      this.#start_failed(error instanceof Error ? error.message : String(error));
    }
  }

  /** One could not be started: for want of descriptors or memory, or it was killed, where others could. */
  #start_failed(message: string): void {
    this.#hold_off_until = performance.now() + HOLD_OFF_MS;
    if (!this.#closing && !this.#was_loaded) this.#events.failed(message);
  }

  #free_slot(): number {
    const taken = new Set([...this.#workers].map(({ slot }) => slot.index));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  #worker_config(slot: number): WorkerConfig {
    const { max_workers, queue_in, queue_out, listener, port, ...common } = this.#config;
    return { ...common, slot };
  }

  #start_thread(slot: number): void {
    const { max_packet_size } = this.#config;
    const thread = start_worker_thread({
      ...this.#worker_config(slot),
      queue: this.#queue.share(),
      ...(max_packet_size > 0 ? { listener: this.#listener.share() } : {}),
    });
    const worker = this.#add(slot, undefined, () => void thread.terminate());
    thread.on('message', (report: Report) => this.#hear(worker, report));
    thread.on('error', (error) => {
      worker.error = error;
    });
    thread.on('exit', (code) => this.#ended(worker, `exit code ${code}`));
  }

  #start_process(slot: number, memory_fd: number): void {
    // Who only gets connections must not keep the server's socket open.
    const listener = this.#config.max_packet_size > 0 ? this.#listener.fileno() : undefined;
    const config = { ...this.#worker_config(slot), memory: { fd: MEMORY_FD } };
    const child = start_worker_process(config, this.#queue.fileno(), memory_fd, listener);
    const worker = this.#add(slot, child.pid, () => child.kill('SIGKILL'));
    child.on('error', (error) => {
      worker.error = error;
      if (child.pid === undefined) this.#ended(worker, error.message);
    });
    this.#listen(worker, child);
    // `close` comes when all it had reported was read.
    child.on('close', (code, signal) => this.#ended(worker, signal ?? `exit code ${code}`));
    this.#tell_children();
  }

  /** Reports of a process are lines of JSON. */
  #listen(worker: WorkerRecord, child: ChildProcess): void {
    let rest = '';
    const stream = child.stdio[4];
    if (stream === undefined || stream === null || !('setEncoding' in stream)) return;
    stream.setEncoding('utf8');
    stream.on('error', () => {});
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#hear(worker, JSON.parse(line) as Report);
    });
  }

  #tell_children(): void {
    const pids = [...this.#workers].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    this.#events.tell({ type: 'children', pids });
  }

  #add(index: number, pid: number | undefined, end: () => void): WorkerRecord {
    const worker: WorkerRecord = {
      slot: this.#state.slot(index),
      pid,
      ready: false,
      task: undefined,
      serial: 0,
      seen_ms: 0,
      reason: undefined,
      error: undefined,
      end,
    };
    worker.slot.reset();
    this.#workers.add(worker);
    return worker;
  }

  #is_any_busy(): boolean {
    return [...this.#workers].some(({ slot }) => slot.is_busy);
  }

  #hear(worker: WorkerRecord, report: Report): void {
    switch (report.type) {
      case 'loaded':
        worker.ready = true;
        worker.task = report.task;
        this.#was_loaded = true;
        this.#state.add_ready(1);
        break;
      case 'load_error':
        this.#start_failed(report.message);
        break;
      case 'finished':
        break;
      case 'error':
      case 'shutdown':
        this.#events.tell(report);
        return;
    }
    this.#events.changed();
  }

  /** A worker has ended: a request that it had is lost. */
  #ended(worker: WorkerRecord, how: string): void {
    if (!this.#workers.delete(worker)) return;
    const { name, module } = this.#config.handler;
    if (!worker.ready) {
      const why = worker.error === undefined ? how : pack_error(worker.error).stack;
      this.#start_failed(`${name}: its worker ended (${why}) before ${module} was imported`);
    } else {
      const was_busy = worker.slot.is_busy;
      // One that was to stop is not counted any more.
      if (!was_busy && this.#stopping > 0) this.#stopping--;
      else this.#state.add_ready(-1);
      worker.slot.reset();
      if (was_busy) {
        this.#state.count_finished();
        this.#report_loss(worker, how, worker.slot.client_address);
      } else {
        // Of a process Node has said so.
        if (worker.error !== undefined)
          print_uncaught(`a worker thread, in what ${name} left behind`, worker.error);
        if (this.#doubtful.push([worker, how]) === 1) void this.#report_lost();
      }
      if (this.#workers.size === 0 && (!this.#closing || holds_any(this.#queue))) this.start_one();
    }
    if (worker.pid !== undefined) this.#tell_children();
    for (const tell of this.#vacancy.splice(0)) tell();
    this.#events.changed();
  }

  /** Finds out what was lost: what is counted still when nobody is busy, no request waits, and all is quiet. */
  async #report_lost(): Promise<void> {
    for (let is_quiet = false; !is_quiet; ) {
      const before = this.#state.activity;
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      if (this.#closing) return;
      is_quiet = this.#state.activity === before && !this.#is_any_busy() && !holds_any(this.#queue);
    }
    const lost = this.#state.reset_in_flight();
    for (const [worker, how] of this.#doubtful.splice(0).slice(0, Math.max(0, lost))) {
      this.#report_loss(worker, how, null);
    }
    this.#events.changed();
  }

  #report_loss(worker: WorkerRecord, how: string, client_address: unknown): void {
    const { handler, kind, print_errors } = this.#config;
    const cause = worker.error === undefined ? '' : `: ${pack_error(worker.error).stack}`;
    const what = worker.reason ?? `ended its ${kind} (${how})${cause}`;
    const error = pack_error(new Error(`${handler.name} ${what}`));
    const told = { ...error, stack: `Error: ${error.message}` };
    if (print_errors) print_error(client_address, unpack_error(told));
    else this.#events.tell({ type: 'error', client_address, error: told });
  }

  /** Ends those whose request was seen for too long: by the manager's clock, for nothing else tells time to all processes. */
  #end_late(limit_ms: number): void {
    const now_ms = performance.now();
    for (const worker of this.#workers) {
      if (!worker.slot.is_busy) continue;
      const serial = worker.slot.serial;
      if (serial !== worker.serial) {
        worker.serial = serial;
        worker.seen_ms = now_ms;
      } else if (now_ms - worker.seen_ms >= limit_ms) {
        this.#end(worker, `took longer than handler_timeout, ${limit_ms / 1000} s`);
      }
    }
  }

  #end(worker: WorkerRecord, reason: string): void {
    if (worker.reason !== undefined) return;
    worker.reason = reason;
    worker.end();
  }

  /** Ends those that handle a request, now. */
  end_busy(reason: string): void {
    for (const worker of this.#workers) if (worker.slot.is_busy) this.#end(worker, reason);
  }

  /** One of those that idle is to end. @param send puts that on the queue, or gives false */
  stop_idle(send: () => boolean): void {
    if (!send()) return;
    this.#stopping++;
    this.#state.add_ready(-1);
  }

  /** They end by the queue's end; only for what is on it another one may be started. */
  close(): void {
    this.#closing = true;
    if (this.#state.in_flight > 0) return;
    // Nothing is left for those that only start. Threads must, or Node leaves the files open that they import.
    for (const { ready, pid, end } of this.#workers) if (!ready && pid !== undefined) end();
  }
}
