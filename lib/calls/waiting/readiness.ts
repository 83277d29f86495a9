// Readiness on the event loop: the waiters of each descriptor, and waking them. The native half is native/readiness.h.
//
// Waiting is a number in shared memory, not a call, and a wake-up comes once for all descriptors that are ready. Readiness is
// reported by edges: a waiter tries first, waits only if the kernel said EAGAIN, and tries again when woken. A waiter with an allowance
// gets the data of its next receive with the wake-up.

import { raise } from '../../errors/raise.js';
import {
  ALLOWANCE_SHIFT,
  addon,
  DRAINED,
  NOT_RECEIVED,
  READ,
  READINESS_MEMORY,
  READY_DESCRIPTOR,
  READY_DESCRIPTOR_SIZE,
} from '../../native/addon.js';
import { ready_slab } from './received.js';

export { READ, WRITE } from '../../native/addon.js';

/** A waiter for a descriptor. `on_ready` gets those of the wanted directions that may go on. */
export interface Waiting {
  on_ready(directions: number): void;
  /**
   * The wake-up has received for a waiter with an allowance: the count of bytes or -errno, and where they are (see received_at). The bytes
   * are taken at once, and told in on_ready, which follows: until all descriptors of the wake-up have given theirs, nothing may
   * run that is not of the library.
   */
  on_received?(count: number, place: number): void;
}

const WORD_SIZE = Int32Array.BYTES_PER_ELEMENT;
const { waiting: WAITING, referenced: REFERENCED, ready_count: READY_COUNT } = READINESS_MEMORY;
const READY = READINESS_MEMORY.ready / WORD_SIZE;
const READY_WORDS = READY_DESCRIPTOR_SIZE / WORD_SIZE;
const {
  fd: READY_FD,
  directions: READY_DIRECTIONS,
  received: READY_RECEIVED,
  place: READY_PLACE,
} = READY_DESCRIPTOR;
/** All bits of a descriptor's number but its allowance. */
const NO_ALLOWANCE = 2 ** ALLOWANCE_SHIFT - 1;

/** READINESS_MEMORY, as the arrays of its parts. */
interface Memory {
  readonly words: Int32Array;
  /** By descriptor number: the directions that are wanted, what is known, and the allowance. */
  readonly descriptors: Int32Array;
}

/** The waiters of one descriptor, if there are several. */
class WaiterList implements Waiting {
  readonly all: Set<Waiting>;

  constructor(...all: Waiting[]) {
    this.all = new Set(all);
  }

  on_ready(directions: number): void {
    for (const one of this.all) one.on_ready(directions);
  }
}

let memory: Memory | undefined;
// The waiter by descriptor number: nearly always one.
const watching: (Waiting | undefined)[] = [];
// The generation that each waiter means: the kernel gives a closed number out again.
const generations: number[] = [];
let waiting_count = 0;
let waking = false;
let turn = 0;
let next: Promise<void> | undefined;

/** Returns the number of turns of the event loop in which a waiter was woken, or next_turn() ended. */
export function this_turn(): number {
  return turn;
}

/** Returns a promise of the event loop's next turn, after everything else that is ready. */
export function next_turn(): Promise<void> {
  next ??= new Promise((resolve) => {
    setImmediate(() => {
      next = undefined;
      turn++;
      resolve();
    });
  });
  return next;
}

function start(): Memory {
  const shared = addon.readiness_start(wake);
  if (typeof shared === 'number') return raise(shared, { syscall: 'epoll_create1' });
  const { descriptors } = READINESS_MEMORY;
  memory = {
    words: new Int32Array(shared, 0, descriptors),
    descriptors: new Int32Array(shared, descriptors * WORD_SIZE),
  };
  ready_slab();
  if (waiting_count > 0) keep_alive(memory);
  return memory;
}

function keep_alive({ words }: Memory): void {
  words[WAITING] = 1;
  if (words[REFERENCED] === 0) addon.readiness_reference(true);
}

/** Wakes the waiters of the descriptors that are ready. Called by the native side. */
function wake(): void {
  const { words, descriptors } = memory as Memory;
  const end = READY + (words[READY_COUNT] as number) * READY_WORDS;
  waking = true;
  turn++;
  let any_received = false;
  for (let at = READY; at < end; at += READY_WORDS) {
    const fd = words[at + READY_FD] as number;
    const directions = words[at + READY_DIRECTIONS] as number;
    const received = words[at + READY_RECEIVED] as number;
    descriptors[fd] = (descriptors[fd] as number) & ~directions;
    if (received === NOT_RECEIVED || (directions & READ) === 0) continue;
    any_received = true;
    descriptors[fd] = (descriptors[fd] as number) & NO_ALLOWANCE;
    watching[fd]?.on_received?.(received, words[at + READY_PLACE] as number);
  }
  if (any_received) ready_slab();
  for (let at = READY; at < end; at += READY_WORDS) {
    watching[words[at + READY_FD] as number]?.on_ready(words[at + READY_DIRECTIONS] as number);
  }
  waking = false;
}

/**
 * Begins to watch an open descriptor; it must not block.
 *
 * @param exclusive true if each receive without waiting that finds nothing waits here: then the next one can be answered
 *   without the system call
 * @throws OSError, EPERM for a file that is always ready
 */
export function watch(fd: number, generation: number, waiting: Waiting, exclusive = false): void {
  if (memory === undefined) start();
  const others = watching[fd];
  if (others !== undefined && generations[fd] === generation) {
    if (others instanceof WaiterList) others.all.add(waiting);
    else if (others !== waiting) {
      watching[fd] = new WaiterList(others, waiting);
      no_allowance(fd);
    }
    return;
  }
  const result = addon.readiness_add(fd, generation, exclusive);
  if (result < 0) raise(result, { syscall: 'epoll_ctl', args: { fd } });
  watching[fd] = waiting;
  generations[fd] = generation;
}

/** Ends watch(), before the descriptor is closed. */
export function unwatch(fd: number, waiting: Waiting): void {
  const watcher = watching[fd];
  if (watcher instanceof WaiterList) {
    if (!watcher.all.delete(waiting) || watcher.all.size > 0) return;
  } else if (watcher !== waiting) {
    return;
  }
  watching[fd] = undefined;
  addon.readiness_remove(fd);
}

/** Asks for one wake-up when one of these directions may go on. */
export function want(fd: number, directions: number): void {
  const { descriptors } = memory as Memory;
  descriptors[fd] = (descriptors[fd] as number) | directions;
}

/**
 * Asks for one wake-up when something can be received, and lets it receive.
 *
 * @param waiting gets what was received, if it is the only waiter of the descriptor
 * @param allowance how many bytes a receive without flags may give; 0: the wake-up does not receive
 */
export function want_data(fd: number, waiting: Waiting, allowance: number): void {
  const { descriptors } = memory as Memory;
  const given = watching[fd] === waiting ? allowance : 0;
  descriptors[fd] = ((descriptors[fd] as number) & NO_ALLOWANCE) | READ | (given << ALLOWANCE_SHIFT);
}

/** Takes back the allowance: from now on a wake-up receives nothing. */
export function no_allowance(fd: number): void {
  const { descriptors } = memory as Memory;
  descriptors[fd] = (descriptors[fd] as number) & NO_ALLOWANCE;
}

/** Returns true if a receive without flags would find nothing, without asking the kernel: see native/readiness.h. */
export function is_drained(fd: number): boolean {
  return memory !== undefined && ((memory.descriptors[fd] as number) & DRAINED) !== 0;
}

/** Forgets that the descriptor has nothing to receive, so that the next receive makes the system call. */
export function forget_drained(fd: number): void {
  if (memory !== undefined) memory.descriptors[fd] = (memory.descriptors[fd] as number) & ~DRAINED;
}

/** Keeps the process alive, until let_go() is called as often. */
export function hold(): void {
  if (waiting_count++ > 0) return;
  if (memory !== undefined) {
    keep_alive(memory);
    return;
  }
  try {
    start();
  } catch {
    // Descriptors or memory are scarce. watch() tries again, and throws the error.
  }
}

/** Ends hold(). */
export function let_go(): void {
  if (--waiting_count > 0 || memory === undefined) return;
  const { words } = memory;
  words[WAITING] = 0;
  // After a wake-up the native side checks the number itself, once the woken waiters have had their turn.
  if (words[REFERENCED] !== 0 && !waking) release_soon();
}

let releasing = false;
/** Not at once: a woken waiter often waits again in a moment. */
function release_soon(): void {
  if (releasing) return;
  releasing = true;
  setImmediate(() => {
    releasing = false;
    const { words } = memory as Memory;
    if (words[WAITING] === 0 && words[REFERENCED] !== 0) addon.readiness_reference(false);
  });
}

/**
 * Waits until a descriptor is ready; returns at once if it is ready already.
 *
 * @param directions READ, WRITE or both
 * @param signal ends waiting: the promise rejects with its reason
 * @param goes_on returns false to wait on: the descriptor is ready for something else. It must not throw
 * @returns a promise of the directions
 */
export function ready(
  fd: number,
  generation: number,
  directions: number,
  signal?: AbortSignal,
  goes_on: () => boolean = () => true,
): Promise<number> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const end = () => {
      unwatch(fd, waiting);
      signal?.removeEventListener('abort', abort);
      let_go();
    };
    const abort = () => {
      end();
      reject(signal?.reason);
    };
    const waiting: Waiting = {
      on_ready(ready_directions) {
        if ((ready_directions & directions) === 0 || !goes_on()) {
          want(fd, directions);
          return;
        }
        end();
        resolve(ready_directions & directions);
      },
    };
    // Registering reports at once the directions that are ready; if others watch the descriptor, the report is asked for again.
    watch(fd, generation, waiting);
    if (watching[fd] instanceof WaiterList) addon.readiness_again(fd, generation);
    want(fd, directions);
    hold();
    signal?.addEventListener('abort', abort);
  });
}
