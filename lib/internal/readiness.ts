// Readiness on the event loop: who waits for which descriptor, and waking them. The native half is native/readiness.h.
//
// Waiting is a byte in shared memory, not a call, and a wake-up comes once for all descriptors that are ready. Readiness is
// told by edges: whoever wants to go on tries first, waits only when the kernel said EAGAIN, and tries again when woken.
import { addon } from '../addon.js';
import { raise } from '../errors.js';

/** Directions, as in native/readiness.h. */
export const READ = 1;
export const WRITE = 2;

/** Something that waits for a descriptor; told which of the directions it wants may go on. */
export interface Waiting {
  on_ready(directions: number): void;
}

// struct ReadinessMemory: waiting, referenced, (fd, directions) of up to 512 descriptors, then a byte per descriptor.
const READY_LIMIT = 512;
const WAITING = 0;
const REFERENCED = 1;
const READY = 2;

interface Memory {
  readonly words: Int32Array;
  readonly wanted: Uint8Array;
}

let memory: Memory | undefined;
// By descriptor number, those who watch it: nearly always one.
const watching: (Set<Waiting> | undefined)[] = [];
// And the generation they mean: a number closed behind their back is given out again.
const generations: number[] = [];
let telling = false;

function start(): Memory {
  const shared = addon.readiness_start(tell);
  if (typeof shared === 'number') return raise(shared, { syscall: 'epoll_create1' });
  const header = (READY + 2 * READY_LIMIT) * Int32Array.BYTES_PER_ELEMENT;
  memory = {
    words: new Int32Array(shared, 0, READY + 2 * READY_LIMIT),
    wanted: new Uint8Array(shared, header),
  };
  return memory;
}

/** Called by the native side: `count` descriptors are ready. */
function tell(count: number): void {
  const { words, wanted } = memory as Memory;
  telling = true;
  for (let i = 0; i < count; i++) {
    const fd = words[READY + 2 * i] as number;
    const directions = words[READY + 2 * i + 1] as number;
    wanted[fd] = (wanted[fd] as number) & ~directions;
    const waiting = watching[fd];
    if (waiting !== undefined) for (const one of waiting) one.on_ready(directions);
  }
  telling = false;
}

/** Begins to watch an open descriptor; it must not block. @throws OSError, EPERM for a file that is always ready */
export function watch(fd: number, generation: number, waiting: Waiting): void {
  if (memory === undefined) start();
  const others = watching[fd];
  if (others !== undefined && generations[fd] === generation) {
    others.add(waiting);
    return;
  }
  const result = addon.readiness_add(fd, generation);
  if (result < 0) raise(result, { syscall: 'epoll_ctl', what: () => `fd ${fd}` });
  watching[fd] = new Set([waiting]);
  generations[fd] = generation;
}

/** Ends it: before the descriptor is closed. */
export function unwatch(fd: number, waiting: Waiting): void {
  const others = watching[fd];
  if (others === undefined || !others.delete(waiting) || others.size > 0) return;
  watching[fd] = undefined;
  addon.readiness_remove(fd);
}

/** Asks to be told once of these directions. */
export function want(fd: number, directions: number): void {
  const { wanted } = memory as Memory;
  wanted[fd] = (wanted[fd] as number) | directions;
}

/** Keeps the process alive, until let_go() is called as often. */
export function hold(): void {
  const { words } = memory ?? start();
  words[WAITING] = (words[WAITING] as number) + 1;
  if (words[REFERENCED] === 0) addon.readiness_reference(true);
}

/** What hold() began has ended. */
export function let_go(): void {
  const { words } = memory as Memory;
  words[WAITING] = (words[WAITING] as number) - 1;
  // After a wake-up the native side looks itself, once those who were woken have had their turn.
  if (words[WAITING] === 0 && words[REFERENCED] !== 0 && !telling) release_soon();
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
    if ((watching[fd]?.size ?? 0) > 1) addon.readiness_again(fd);
    want(fd, directions);
    hold();
    signal?.addEventListener('abort', abort);
  });
}
