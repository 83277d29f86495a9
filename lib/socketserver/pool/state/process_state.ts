// The state of a pool of child processes, as its manager has it: the pool's own memory, and that of each child, of which it takes over
// what makes sense. A child may write anything to its memory.
import { raise } from '../../../errors/raise.js';
import { addon } from '../../../native/addon.js';
import { Totals } from '../../watch/totals.js';
import { SharedState, size_of, type WorkerSlot } from './shared_state.js';

/** Milliseconds by which the clocks of a child and its manager may differ. */
const CLOCK_MS = 1000;

/** See look_again_ms. */
const LOOK_AGAIN_MS = 500;

/** The memory of one child process, as the manager has it. */
export class ChildState {
  /** The descriptor to give to the child. */
  readonly fd: number;
  readonly slot: WorkerSlot;
  readonly #own: SharedState;
  #finished = 0;
  #taken = 0;
  #totals: Int32Array;
  readonly #start_ms = performance.now();

  /** @param on_nonsense called if the child has overwritten its memory @throws OSError without a descriptor or memory */
  constructor(readonly on_nonsense: () => void) {
    const fd = addon.shared_memory(size_of(1));
    this.fd = fd < 0 ? raise(fd, { syscall: 'memfd_create' }) : fd;
    try {
      this.#own = new SharedState({ fd });
    } catch (error) {
      this.close();
      throw error;
    }
    this.slot = this.#own.slot(0);
    this.#totals = this.#own.totals.all;
  }

  /**
   * Returns what has grown of the child's totals since the last call. Calls on_nonsense() if that makes no sense: the child has failed
   * or refused more requests than it had, or worked longer than it lives.
   */
  take_totals(): Int32Array {
    const now = this.#own.totals.all;
    const grown = now.map((count, i) => count - (this.#totals[i] ?? 0));
    const failed = this.#own.totals.not_done;
    const is_sane =
      grown.every((count) => count >= 0) &&
      ((failed - this.slot.serial) | 0) <= 0 &&
      Totals.time_of(now) <= performance.now() - this.#start_ms + CLOCK_MS;
    if (!is_sane) {
      this.on_nonsense();
      return grown.fill(0);
    }
    this.#totals = now;
    return grown;
  }

  /** Closes the descriptor; the memory stays usable. */
  close(): void {
    addon.close_fd(this.fd);
  }

  /**
   * Returns how many requests the child has taken from the listener, and how many it has finished, since the last call. Calls
   * on_nonsense() if the numbers make no sense.
   */
  take_counts(): { taken: number; finished: number } {
    // At any time the child has begun as many requests as it has finished, or one more. All numbers may grow in between.
    const { finished, dispatched } = this.#own;
    const { serial } = this.slot;
    const counts = { taken: (dispatched - this.#taken) | 0, finished: (finished - this.#finished) | 0 };
    const is_sane =
      counts.finished >= 0 &&
      counts.taken >= 0 &&
      ((serial - dispatched) | 0) >= 0 &&
      ((serial - finished) | 0) >= 0 &&
      ((serial - this.#own.finished) | 0) <= 1;
    if (!is_sane) {
      this.on_nonsense();
      return { taken: 0, finished: 0 };
    }
    [this.#taken, this.#finished] = [dispatched, finished];
    return counts;
  }

  /** Has the child notify the manager when it has finished its next request. */
  notify(): void {
    // The memory of a child counts no requests from the queue as dispatched: never more than one is in flight there.
    this.#own.notify_below(1);
  }

  set_handled_signals(bits: number): void {
    this.#own.set_handled_signals(bits);
  }

  set_events(bits: number): void {
    this.#own.set_events(bits);
  }
}

/** The state of a pool of child processes, as its manager has it. */
export class ProcessPoolState extends SharedState {
  readonly #children = new Set<ChildState>();
  #handled = 0;

  // A child that has overwritten its memory may never notify.
  override readonly look_again_ms = LOOK_AGAIN_MS;

  /** Adds a child. @param on_nonsense called if the child has overwritten its memory @throws OSError */
  add_child(on_nonsense: () => void): ChildState {
    const child = new ChildState(on_nonsense);
    child.set_handled_signals(this.#handled);
    child.set_events(this.totals.events);
    this.#children.add(child);
    return child;
  }

  /** Removes a child that has ended. */
  remove_child(child: ChildState): void {
    this.#collect();
    this.totals.add_all(child.take_totals());
    this.#children.delete(child);
  }

  /** Takes over what the children have counted for statistics(), and says so. */
  collect_totals(): void {
    this.#collect();
    for (const child of this.#children) this.totals.add_all(child.take_totals());
    this.totals.note_collected();
  }

  /** Takes over what the children have counted. */
  #collect(): void {
    let busy = 0;
    for (const child of this.#children) {
      const { taken, finished } = child.take_counts();
      if (taken > 0) this.count_dispatched(taken);
      if (finished > 0) this.count_finished(finished);
      if (child.slot.is_busy) busy++;
    }
    this.set_busy(busy);
  }

  /** The same, but never more than are in flight: what a child says may be wrong. */
  override count_finished(count = 1): void {
    super.count_finished(Math.max(0, Math.min(count, super.in_flight)));
  }

  override get in_flight(): number {
    this.#collect();
    return super.in_flight;
  }

  override get finished(): number {
    this.#collect();
    return super.finished;
  }

  override note_busy(): void {
    this.#collect();
  }

  override take_peak(): number {
    this.#collect();
    return super.take_peak();
  }

  override get dispatched(): number {
    this.#collect();
    return super.dispatched;
  }

  override get is_taking(): boolean {
    return [...this.#children].some(({ slot }) => slot.is_taking);
  }

  override notify_below(count: number): void {
    if (this.in_flight < count) return;
    for (const child of this.#children) child.notify();
  }

  override set_events(bits: number): void {
    super.set_events(bits);
    for (const child of this.#children) child.set_events(bits);
  }

  override set_handled_signals(bits: number): void {
    this.#handled = bits;
    for (const child of this.#children) child.set_handled_signals(bits);
  }
}
