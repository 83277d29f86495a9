// Calls that fail for want of descriptors, memory or threads: which errors say so, and the pause before another try.
//
// Such a want passes. It ends no server, worker or wait: each of them tries again, at most every PAUSE_MS, and requests stay in the
// kernel meanwhile.
import { readFileSync } from 'node:fs';
import { errno_code } from '../../errors/errno.js';
import { sleep } from '../../util/deadline.js';

/** ENOSPC: the user watches as many descriptors by epoll as the system lets each user. */
const SCARCE = new Set<unknown>(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'ENOSPC', 'ETOOMANYREFS']);
/** The same of Node, which starts a process or a thread. */
const NO_START = new Set<unknown>(['EAGAIN', 'ERR_WORKER_INIT_FAILED']);

/** Milliseconds between two tries of a call that fails for want of descriptors or memory. */
export const PAUSE_MS = 50;

/** Returns whether this is the code of an error of missing descriptors or memory. */
export function is_scarce_code(code: unknown): code is string {
  return SCARCE.has(code);
}

/** Returns whether the errno is one of missing descriptors or memory. */
export function is_scarce(errno: number): boolean {
  return is_scarce_code(errno_code(errno));
}

/** Returns whether an error is one of missing descriptors or memory. */
export function is_scarcity(error: unknown): boolean {
  return error instanceof Error && 'code' in error && is_scarce_code(error.code);
}

/** Returns whether a thread or process could not be started for want of descriptors, memory or threads. */
export function is_start_scarcity(error: unknown): boolean {
  return is_scarcity(error) || (error instanceof Error && 'code' in error && NO_START.has(error.code));
}

/** The most descriptors that this process may have, as /proc says; undefined if it does not. */
let limit: string | undefined;

/** Notes the limit of descriptors. Called before one is missing, because the file has to be opened. */
export function note_limit(): void {
  try {
    limit ??= /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1];
  } catch {
    // /proc is not mounted, or no descriptor is left already.
  }
}

/**
 * Warns that requests wait for descriptors or memory, and says what helps.
 *
 * @param code the error's code
 * @param owner the process, as the warning calls it
 */
export function warn_of_scarcity(server: string, code: string | undefined, owner: string): void {
  const [what, remedy] = {
    EMFILE: [
      `${owner} has all the ${limit === undefined ? '' : `${limit} `}descriptors that it may have`,
      'raise its limit (ulimit -n, LimitNOFILE= of systemd), or look for descriptors that are never closed',
    ],
    ENFILE: ['the system has all the files open that it may have', 'raise sysctl fs.file-max'],
    ENOSPC: [
      'the user watches as many descriptors by epoll as the system lets each user',
      'raise sysctl fs.epoll.max_user_watches',
    ],
  }[code ?? ''] ?? ['the system has no memory for it', 'let the system have more, or run less on it'];
  process.emitWarning(`${server}: the next request waits, because ${what} (${code}): ${remedy}`, {
    type: 'ResourceWarning',
    code: 'BSD_SOCKETS_SCARCITY',
    detail: `It is taken as soon as that is possible: the server tries again every ${PAUSE_MS} ms. This is said once.`,
  });
}

/** Waits PAUSE_MS on the event loop, or until `stop` aborts. */
export function pause(stop?: AbortSignal): Promise<void> {
  return sleep(PAUSE_MS, stop);
}

const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));

/** Blocks the thread for PAUSE_MS. Not by poll(), which needs a descriptor itself at the first wait of a process. */
export function pause_blocking(): void {
  Atomics.wait(never, 0, 0, PAUSE_MS);
}

/** Makes a call again, after a pause, as long as it fails for want of descriptors or memory. Blocks the thread. */
export function persist<T>(call: () => T): T {
  for (;;) {
    try {
      return call();
    } catch (error) {
      if (!is_scarcity(error)) throw error;
    }
    pause_blocking();
  }
}
