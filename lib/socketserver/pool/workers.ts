// The workers of a pool as its manager sees them: threads or processes that start, are ready, are busy, or have ended. Each has
// a record here and a slot in the shared state. A worker whose request takes longer than handler_timeout is killed here, and the loss
// of a request is reported here. When to start a worker is decided in growth.ts and manager.ts.

import type { ChildProcess } from 'node:child_process';
import type { socket as Socket } from '../../socket/index.js';
import { sleep, unless_aborted } from '../../util/deadline.js';
import { PoolLimits } from '../limits/pool_limits.js';
import { is_start_scarcity } from '../listener/scarcity.js';
import { print_error, print_uncaught } from '../report.js';
import { BIT } from '../watch/channels.js';
import type { WorkerEvent } from '../watch/worker_events.js';
import type { Condition } from './condition.js';
import { pack_error } from './packed_error.js';
import {
  LIMITS_FD,
  type ManagerConfig,
  MEMORY_FD,
  type News,
  REPORT_LIMIT,
  type Report,
  revive_buffers,
  to_report,
  type WorkerConfig,
} from './protocol.js';
import { holds_any } from './queue.js';
import { sharing, start_worker_process, start_worker_thread } from './start.js';
import { ProcessPoolState } from './state/process_state.js';
import type { SharedState } from './state/shared_state.js';
import { is_asleep, type WorkerRecord } from './worker_record.js';

/** Workers that start at the same time, at most. */
const STARTING_LIMIT = 4;
/** Milliseconds without a further start after a start that failed. */
const HOLD_OFF_MS = 1000;
/** Milliseconds without any request sent or finished, after which no worker is about to begin a request that it took. */
const QUIET_MS = 100;

/** How often at most the manager looks whether a rogue has finished its last request, and the milliseconds in between. */
const ROGUE_LOOKS = 100;
const LOOK_MS = 10;

/** Returns an error that shows nothing of the manager, which is not where the mistake is. */
function without_frames(message: string): Error {
  const error = new Error(message);
  error.stack = `Error: ${message}`;
  return error;
}

export class Workers {
  readonly #on_listener_ended: () => void;
  readonly #workers = new Set<WorkerRecord>();
  readonly #limits: PoolLimits | undefined;
  /** Resolvers of vacancy(). */
  #vacancy: (() => void)[] = [];
  /** Workers that ended while they waited for a request, and how: they may have taken one. */
  readonly #doubtful: [WorkerRecord, string][] = [];
  /** The number of workers that were sent a stop message and have not ended. */
  #stopping = 0;
  #hold_off_until = 0;
  /** True once a worker could import the handler. A start that fails later is no mistake of the program. */
  #was_loaded = false;
  /** True if the last start failed for want of descriptors, memory or threads, which is told once. */
  #is_start_scarce = false;
  #closing = false;

  constructor(
    private readonly config: ManagerConfig,
    private readonly state: SharedState,
    private readonly queue: Socket<number>,
    private readonly listener: Socket<number>,
    private readonly changed: Condition,
    private readonly send: (news: News) => void,
    on_listener_ended: () => void,
  ) {
    this.#on_listener_ended = on_listener_ended;
    const { handler_timeout_ms, admission, kind, max_workers } = config;
    this.#limits = admission?.limits && new PoolLimits(admission.limits, kind, max_workers);
    if (handler_timeout_ms > 0) {
      const interval = Math.max(5, Math.min(handler_timeout_ms / 10, 1000));
      setInterval(() => this.#end_late(handler_timeout_ms), interval).unref();
    }
  }

  /** Returns how many workers there are, starting ones too. */
  get size(): number {
    return this.#workers.size;
  }

  /** Returns how many workers are ready, busy or not. */
  get ready(): number {
    return this.state.ready;
  }

  /** Returns how many requests were finished in all, in 32 bits. */
  get finished(): number {
    return this.state.finished;
  }

  /** Returns how many workers have a request and sleep now, as the kernel says; all others compute, or have no request. */
  count_waiting(): number {
    return [...this.#workers].filter((worker) => worker.slot.is_busy && is_asleep(worker.task)).length;
  }

  /** Returns whether there are as many workers as there may be. */
  get is_full(): boolean {
    return this.size >= this.config.max_workers;
  }

  /** Waits until there are fewer workers than there may be, or `stop` aborts. */
  async vacancy(stop: AbortSignal): Promise<void> {
    if (!this.is_full) return;
    const vacancy = new Promise<void>((resolve) => this.#vacancy.push(resolve));
    await unless_aborted(vacancy, stop);
  }

  /** Starts one worker more, unless there are as many as there may be or several start already. */
  start_one(): void {
    const starting = [...this.#workers].filter((worker) => !worker.ready).length;
    // The first worker starts alone: so it is ready soonest, and shows whether the handler can be imported.
    const limit = this.ready > 0 ? STARTING_LIMIT : 1;
    if (starting >= limit || this.is_full) return;
    if (performance.now() < this.#hold_off_until) return;
    try {
      if (this.state instanceof ProcessPoolState) this.#start_process(this.state);
      else this.#start_thread(this.#free_slot());
    } catch (error) {
      this.#start_failed(error);
    }
  }

  /** A worker could not start. If another could before, the worker was killed. */
  #start_failed(error: unknown): void {
    this.#hold_off_until = performance.now() + HOLD_OFF_MS;
    if (this.#closing) return;
    if (is_start_scarcity(error)) {
      if (!this.#is_start_scarce) print_uncaught('the start of a worker, which is tried again', error);
      this.#is_start_scarce = true;
    } else if (!this.#was_loaded) this.send({ type: 'failed', error: pack_error(error) });
  }

  #free_slot(): number {
    const taken = new Set([...this.#workers].map(({ slot }) => slot.index));
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  #worker_config(slot: number, limits_number: number | undefined): WorkerConfig {
    const { max_workers, queue_in, queue_out, listener, port, arrivals, ...common } = this.config;
    return {
      ...common,
      slot,
      limits:
        this.#limits === undefined || limits_number === undefined
          ? undefined
          : {
              memory: this.#limits.fd < 0 ? (this.#limits.memory as SharedArrayBuffer) : { fd: LIMITS_FD },
              worker: limits_number,
            },
      queue_number: this.queue.fileno(),
      listener_timeout: this.listener.gettimeout(),
    };
  }

  #start_thread(slot: number): void {
    const { max_packet_size, arrivals } = this.config;
    const { _fd: fd, _generation: generation } = this.listener;
    const limits_number = this.#limits?.add();
    const worker_thread = sharing((share) =>
      start_worker_thread({
        ...this.#worker_config(slot, limits_number),
        thread: {
          arrivals,
          queue: share(this.queue),
          listener: max_packet_size > 0 ? share(this.listener) : { fd, generation },
        },
      }),
    );
    const end = () => void worker_thread.terminate();
    const worker = this.#add({ slot: this.state.slot(slot), limits_number, end });
    worker_thread.on('message', (value: unknown) => this.#receive(worker, () => value));
    worker_thread.on('error', (error) => {
      worker.error = error;
    });
    worker_thread.on('exit', (code) => this.#on_end(worker, `exit code ${code}`));
  }

  #start_process(state: ProcessPoolState): void {
    const limits_number = this.#limits?.add();
    const config = { ...this.#worker_config(0, limits_number), memory: { fd: MEMORY_FD } };
    const own = state.add_child(() => this.#end(worker, 'has overwritten the memory of its worker', true));
    let child: ChildProcess;
    try {
      child = start_worker_process(config, {
        queue_fd: this.queue.fileno(),
        memory_fd: own.fd,
        arrivals_fd: this.config.arrivals.fd,
        server_fd: this.listener.fileno(),
        limits_fd: this.#limits?.fd ?? -1,
      });
    } catch (error) {
      state.remove_child(own);
      if (limits_number !== undefined) this.#limits?.remove(limits_number);
      throw error;
    } finally {
      own.close();
    }
    const end = () => void child.kill('SIGKILL');
    const worker = this.#add({ slot: own.slot, limits_number, pid: child.pid, child: own, end });
    child.on('error', (error) => {
      worker.error = error;
      if (child.pid === undefined) this.#on_end(worker, error.message);
    });
    this.#read_reports(worker, child);
    // `close` comes after all reports of the process were read.
    child.on('close', (code, signal) => this.#on_end(worker, signal ?? `exit code ${code}`));
    this.#send_children();
  }

  /** Reads the reports of a process, which are lines of JSON. */
  #read_reports(worker: WorkerRecord, child: ChildProcess): void {
    let rest = '';
    const stream = child.stdio[4];
    if (stream === undefined || stream === null || !('setEncoding' in stream)) return;
    stream.setEncoding('utf8');
    stream.on('error', () => {});
    // A process that cannot report any more is of no use; one that ends keeps its exit code.
    stream.on('end', () => worker.end());
    stream.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      if (rest.length > REPORT_LIMIT) lines.push(rest);
      for (const line of lines) this.#receive(worker, () => JSON.parse(line, revive_buffers));
      if (worker.is_rogue) stream.destroy();
    });
  }

  /** Receives a report of a worker, and kills the worker if it is none. @param read returns the report */
  #receive(worker: WorkerRecord, read: () => unknown): void {
    if (worker.is_rogue) return;
    try {
      const report = to_report(read());
      if ((report.type === 'loaded' || report.type === 'load_error') === worker.ready) throw new TypeError();
      this.#on_report(worker, report);
    } catch {
      this.#end(worker, 'has sent the server what is no report of a worker', true);
    }
  }

  #send_children(): void {
    const pids = [...this.#workers].flatMap(({ pid }) => (pid === undefined ? [] : [pid]));
    this.send({ type: 'children', pids });
  }

  #add(own: Pick<WorkerRecord, 'slot' | 'limits_number' | 'end'> & Partial<WorkerRecord>): WorkerRecord {
    const worker: WorkerRecord = {
      pid: undefined,
      child: undefined,
      ready: false,
      task: undefined,
      serial: 0,
      seen_ms: 0,
      reason: undefined,
      is_rogue: false,
      error: undefined,
      ...own,
    };
    worker.slot.reset();
    this.#workers.add(worker);
    return worker;
  }

  #is_any_busy(): boolean {
    return [...this.#workers].some(({ slot }) => slot.is_busy);
  }

  #on_report(worker: WorkerRecord, report: Report): void {
    switch (report.type) {
      case 'loaded':
        worker.ready = true;
        worker.task = report.task;
        this.#was_loaded = true;
        this.#is_start_scarce = false;
        this.state.add_ready(1);
        break;
      case 'load_error':
        this.#start_failed(without_frames(report.message));
        break;
      case 'finished':
        break;
      case 'ended':
        this.#on_listener_ended();
        return;
      case 'scarce':
      case 'error':
      case 'shutdown':
        this.send(report);
        return;
      case 'event':
        this.#send_event(report);
        return;
    }
    this.changed.notify_all();
  }

  /** Removes a worker that has ended, and reports the request that was lost with it. */
  #on_end(worker: WorkerRecord, how: string): void {
    if (!this.#workers.delete(worker)) return;
    if (worker.child !== undefined && this.state instanceof ProcessPoolState) {
      this.state.remove_child(worker.child);
    }
    if (worker.limits_number !== undefined) this.#limits?.remove(worker.limits_number);
    const { name, module } = this.config.handler;
    if (!worker.ready) {
      const why = worker.error === undefined ? (worker.reason ?? how) : pack_error(worker.error).stack;
      const failed = without_frames(`${name}: its worker ended (${why}) before ${module} was imported`);
      this.#start_failed(is_start_scarcity(worker.error) ? worker.error : failed);
    } else {
      const was_busy = worker.slot.is_busy;
      // A worker that was sent a stop message is not counted as ready any more.
      if (!was_busy && this.#stopping > 0) this.#stopping--;
      else this.state.add_ready(-1);
      worker.slot.reset();
      if (was_busy) {
        // The error first: who sees that a request has ended sees how.
        this.#report_loss(worker, how, worker.slot.client_address);
        this.state.count_finished();
      } else {
        // The error of a process was printed by its own Node.
        if (worker.error !== undefined)
          print_uncaught(`a worker thread, in what ${name} left behind`, worker.error);
        if (worker.is_rogue) this.#report_loss(worker, how, null);
        if (this.#doubtful.push([worker, how]) === 1) void this.#report_lost();
      }
      if (this.#workers.size === 0 && (!this.#closing || holds_any(this.queue))) this.start_one();
    }
    if (worker.pid !== undefined) this.#send_children();
    for (const resolve of this.#vacancy.splice(0)) resolve();
    this.changed.notify_all();
  }

  /**
   * Reports the requests lost with workers that were not busy: requests that still count as in flight when no worker is
   * busy, no request waits, and nothing has happened for QUIET_MS.
   */
  async #report_lost(): Promise<void> {
    for (let is_quiet = false; !is_quiet; ) {
      const before = this.state.activity;
      await sleep(QUIET_MS);
      if (this.#closing) return;
      is_quiet = this.state.activity === before && !this.#is_any_busy() && !holds_any(this.queue);
    }
    const lost = this.state.reset_in_flight();
    for (const [worker, how] of this.#doubtful.splice(0).slice(0, Math.max(0, lost))) {
      if (!worker.is_rogue) this.#report_loss(worker, how, null);
    }
    this.changed.notify_all();
  }

  #report_loss(worker: WorkerRecord, how: string, client_address: unknown): void {
    const { handler, kind, print_errors } = this.config;
    const cause = worker.error === undefined ? '' : `: ${pack_error(worker.error).stack}`;
    const what = worker.reason ?? `ended its ${kind} (${how})${cause}`;
    const error = without_frames(`${handler.name} ${what}`);
    this.state.totals.count_error();
    const lost = { type: 'event', client_address, id: '', error: pack_error(error) } as const;
    this.#send_event({ ...lost, event: 'error' });
    this.#send_event({ ...lost, event: 'request:end', seconds: 0 });
    if (print_errors) print_error(client_address, error);
    else this.send({ type: 'error', client_address, error: pack_error(error) });
  }

  /** Kills workers whose request takes too long, by the manager's clock: it is the only one that all processes share. */
  #end_late(limit_ms: number): void {
    const now_ms = performance.now();
    for (const worker of this.#workers) {
      if (!worker.slot.is_busy) continue;
      const serial = worker.slot.serial;
      if (serial !== worker.serial) {
        worker.serial = serial;
        worker.seen_ms = now_ms;
      } else if (now_ms - worker.seen_ms >= limit_ms) {
        if (worker.reason === undefined) this.state.totals.count_timeout('handler_timeout');
        this.#end(worker, `took longer than handler_timeout, ${limit_ms / 1000} s`);
      }
    }
  }

  /** Sends an event to the server's thread, if somebody listens there. */
  #send_event(event: WorkerEvent): void {
    if ((this.state.totals.events & BIT[event.event]) !== 0) this.send(event);
  }

  #end(worker: WorkerRecord, reason: string, is_rogue = false): void {
    if (worker.reason !== undefined) return;
    worker.reason = reason;
    worker.is_rogue = is_rogue;
    if (is_rogue) void this.#end_rogue(worker);
    else worker.end();
  }

  /** Kills a worker. If another request is with it by now, that one has a moment to finish. */
  async #end_rogue({ slot, end }: WorkerRecord): Promise<void> {
    slot.retire();
    for (let looks = 0; looks < ROGUE_LOOKS && (slot.is_busy || slot.is_taking); looks++)
      await sleep(LOOK_MS);
    end();
  }

  /** Kills the workers that handle a request now. @param others the other ones, too */
  end_busy(reason: string, others: boolean): void {
    for (const worker of this.#workers) if (others || worker.slot.is_busy) this.#end(worker, reason);
  }

  /** Ends one idle worker. @param send queues the stop message; returns false if the queue is full */
  stop_idle(send: () => boolean): void {
    if (!send()) return;
    this.#stopping++;
    this.state.add_ready(-1);
  }

  /** Frees what the workers shared. To be called when all have ended. */
  release(): void {
    this.#limits?.close();
  }

  /** Says that the pool closes: workers end at the end of the queue, and one is started only for requests left on it. */
  close(): void {
    this.#closing = true;
    if (this.state.in_flight > 0) return;
    // Processes that still start have nothing left to do. Threads finish starting: else Node leaves files open that they import.
    for (const { ready, pid, end } of this.#workers) if (!ready && pid !== undefined) end();
  }
}
