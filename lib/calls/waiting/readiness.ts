// Readiness on the event loop: who waits for which descriptor, and waking them. The native half is native/readiness.h.
//
// Waiting is a byte in shared memory, not a call, and a wake-up comes once for all descriptors that are ready. Readiness is
// told by edges: whoever wants to go on tries first, waits only when the kernel said EAGAIN, and tries again when woken.

import { raise } from '../../errors/raise.js';
import {
  addon,
  DRAINED,
  READINESS_MEMORY,
  READY_DESCRIPTOR,
  READY_DESCRIPTOR_SIZE,
} from '../../native/addon.js';

export { READ, WRITE } from '../../native/addon.js';

/** Something that waits for a descriptor; told which of the directions it wants may go on. */
export interface Waiting {
  on_ready(directions: number): void;
}

const WORD_SIZE = Int32Array.BYTES_PER_ELEMENT;
const { waiting: WAITING, referenced: REFERENCED } = READINESS_MEMORY;
const READY = READINESS_MEMORY.ready / WORD_SIZE;
const READY_WORDS = READY_DESCRIPTOR_SIZE / WORD_SIZE;

/** READINESS_MEMORY, as the arrays of its parts. */
interface Memory {
  readonly words: Int32Array;
  /** By descriptor number: the directions that are wanted, and what is known. */
  readonly descriptors: Uint8Array;
}

/** Those who watch the same descriptor. */
class Several implements Waiting {
  readonly all: Set<Waiting>;

  constructor(...all: Waiting[]) {
    this.all = new Set(all);
  }

  on_ready(directions: number): void {
    for (const one of this.all) one.on_ready(directions);
  }
}

let memory: Memory | undefined;
// By descriptor number, who watches it: nearly always one.
const watching: (Waiting | undefined)[] = [];
// And the generation they mean: a number closed behind their back is given out again.
const generations: number[] = [];
let waiting_count = 0;
let telling = false;
let turn = 0;
let next: Promise<void> | undefined;

/** Counts the turns of the event loop, as far as somebody was told something or waited for the next one. */
export function this_turn(): number {
  return turn;
}

/** A promise of the event loop's next turn, after whatever else is ready. */
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
  const shared = addon.readiness_start(tell);
  if (typeof shared === 'number') return raise(shared, { syscall: 'epoll_create1' });
  const { descriptors } = READINESS_MEMORY;
  memory = {
    words: new Int32Array(shared, 0, descriptors / WORD_SIZE),
    descriptors: new Uint8Array(shared, descriptors),
  };
  return memory;
}

/** Called by the native side: `count` descriptors are ready. */
function tell(count: number): void {
  const { words, descriptors } = memory as Memory;
  telling = true;
  turn++;
  for (let i = 0; i < count; i++) {
    const begin = READY + i * READY_WORDS;
    const fd = words[begin + READY_DESCRIPTOR.fd] as number;
    const directions = words[begin + READY_DESCRIPTOR.directions] as number;
    descriptors[fd] = (descriptors[fd] as number) & ~directions;
    watching[fd]?.on_ready(directions);
  }
  telling = false;
}

/**
 * Begins to watch an open descriptor; it must not block.
 *
 * @param exclusive whether all who receive from it without waiting wait here for more: then a receive that finds nothing
 *   can be answered without the system call
 * @throws OSError, EPERM for a file that is always ready
 */
export function watch(fd: number, generation: number, waiting: Waiting, exclusive = false): void {
  if (memory === undefined) start();
  const others = watching[fd];
  if (others !== undefined && generations[fd] === generation) {
    if (others instanceof Several) others.all.add(waiting);
    else if (others !== waiting) watching[fd] = new Several(others, waiting);
    return;
  }
  const result = addon.readiness_add(fd, generation, exclusive);
  if (result < 0) raise(result, { syscall: 'epoll_ctl', args: { fd } });
  watching[fd] = waiting;
  generations[fd] = generation;
}

/** Ends it: before the descriptor is closed. */
export function unwatch(fd: number, waiting: Waiting): void {
  const watcher = watching[fd];
  if (watcher instanceof Several) {
    if (!watcher.all.delete(waiting) || watcher.all.size > 0) return;
  } else if (watcher !== waiting) {
    return;
  }
  watching[fd] = undefined;
  addon.readiness_remove(fd);
}

/** Asks to be told once of these directions. */
export function want(fd: number, directions: number): void {
  const { descriptors } = memory as Memory;
  descriptors[fd] = (descriptors[fd] as number) | directions;
}

/** Has the next receive ask the kernel, whatever is known: for who does not wait to be told. */
export function forget_drained(fd: number): void {
  if (memory !== undefined) memory.descriptors[fd] = (memory.descriptors[fd] as number) & ~DRAINED;
}

/** Keeps the process alive, until let_go() is called as often. */
export function hold(): void {
  if (waiting_count++ > 0) return;
  const { words } = memory ?? start();
  words[WAITING] = 1;
  if (words[REFERENCED] === 0) addon.readiness_reference(true);
}

/** What hold() began has ended. */
export function let_go(): void {
  if (--waiting_count > 0) return;
  const { words } = memory as Memory;
  words[WAITING] = 0;
  // After a wake-up the native side looks itself, once those who were woken have had their turn.
  if (words[REFERENCED] !== 0 && !telling) release_soon();
}

let releasing = false;
/** Not at once: whoever was woken often waits again, in a moment. */
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
 * Waits until a descriptor is ready, whatever it is at the beginning.
 *
 * @param directions READ, WRITE or both
 * @param signal ends waiting: the promise rejects with its reason
 * @returns a promise of the directions
 */
export function ready(
  fd: number,
  generation: number,
  directions: number,
  signal?: AbortSignal,
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
      on_ready(told) {
        if ((told & directions) === 0) {
          want(fd, directions);
          return;
        }
        end();
        resolve(told & directions);
      },
    };
    // Registering tells at once what is ready already; a descriptor that others watch has to be asked for that anew.
    watch(fd, generation, waiting);
    if (watching[fd] instanceof Several) addon.readiness_again(fd);
    want(fd, directions);
    hold();
    signal?.addEventListener('abort', abort);
  });
}
