// The time-out of new sockets, and whether signals end blocked calls: the settings that sockets share.
import { addon } from '../../native/addon.js';
import { timeout as seconds } from '../../util/validate.js';

let default_timeout: number | null = null;

/**
 * getdefaulttimeout() -> the time-out of new sockets. See Python's socket.getdefaulttimeout.
 *
 * @returns seconds, or null: new sockets block
 * @example
 * console.log(getdefaulttimeout()); // null
 */
export function getdefaulttimeout(): number | null {
  return default_timeout;
}

/**
 * setdefaulttimeout(timeout). Sets the time-out of the sockets that this thread makes from now on. See Python's socket.setdefaulttimeout.
 *
 * @param timeout seconds, a fraction too; null: they block; 0: they never wait
 * @throws TypeError, RangeError
 * @example
 * setdefaulttimeout(2.5);
 * console.log(socket().gettimeout()); // 2.5
 * setdefaulttimeout(null);
 */
export function setdefaulttimeout(timeout: number | null): void {
  default_timeout = seconds(timeout);
}

/** Makes sockets that do not take the default time-out: those of the library's own, and those with a time-out that is known. */
export function without_default_timeout<T>(make: () => T): T {
  const before = default_timeout;
  default_timeout = null;
  try {
    return make();
  } finally {
    default_timeout = before;
  }
}

/**
 * siginterrupt(flag). Decides whether a signal with a JavaScript listener ends a blocked call of the main thread. See siginterrupt(3), and
 * Python's PEP 475.
 *
 * @param flag true: the call throws InterruptedError once the listener has run; false, as at the start: it goes on
 * @example
 * siginterrupt(true);
 * siginterrupt(false);
 */
export function siginterrupt(flag: boolean): void {
  addon.siginterrupt(Boolean(flag));
}
