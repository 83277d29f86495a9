// The arguments of selectors: descriptors, masks and time-outs, checked before they are passed to the kernel.
import { has_fileno, integer, shown } from '../util/validate.js';

/** A file object, to wait for: a descriptor's number, or an object with `fileno()`. */
export type FileObject = number | { fileno(): number };

const UINT_MAX = 2 ** 32 - 1;
const INT_MIN = -(2 ** 31);
// The largest C int: the kernel takes time-outs in milliseconds as an int.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * Returns the number of a descriptor.
 *
 * @throws TypeError for a value without a descriptor, RangeError for a negative number, as a closed object has
 */
export function fd_of(fileobj: unknown, name: string): number {
  if (typeof fileobj === 'number' || typeof fileobj === 'bigint') return integer(fileobj, name, 0);
  if (!has_fileno(fileobj)) {
    throw new TypeError(`${name} must be a descriptor's number or have fileno(), not ${shown(fileobj)}`);
  }
  const fd = fileobj.fileno();
  if (fd === -1) throw new RangeError(`${name} is closed: its fileno() is -1`);
  return integer(fd, `${name}.fileno()`, 0);
}

/** Returns a mask of POLL… constants, checked: 16 bits. @throws TypeError, RangeError */
export function poll_mask(value: unknown): number {
  return integer(value, 'eventmask', 0, 0xffff);
}

/** Returns a mask of EPOLL… constants: 32 bits. With EPOLLET, `|` gives a negative number. @throws TypeError, RangeError */
export function epoll_mask(value: unknown): number {
  return integer(value, 'eventmask', INT_MIN, UINT_MAX) >>> 0;
}

/**
 * Returns a time-out in milliseconds, as the addon takes it: -1 for none, for null and below 0.
 *
 * @param value the time-out, in units
 * @param unit_ms the unit, in milliseconds
 * @throws TypeError; RangeError for NaN, and beyond 24 days
 */
export function timeout_ms(value: unknown, unit_ms: 1 | 1000): number {
  if (value === null || value === undefined) return -1;
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number')
    throw new TypeError(`timeout must be a number or null, not ${shown(value)}`);
  if (!(number * unit_ms <= MAX_TIMEOUT_MS)) {
    throw new RangeError(`timeout must be at most ${MAX_TIMEOUT_MS / unit_ms}, not ${shown(value)}`);
  }
  return number < 0 ? -1 : number * unit_ms;
}
