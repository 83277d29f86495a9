// What selectors are given: descriptors, masks and times, checked before the kernel sees them.
import { integer, shown } from '../util/validate.js';

/** What can be waited for: a descriptor's number, or an object that has one. */
export type FileObject = number | { fileno(): number };

const UINT_MAX = 2 ** 32 - 1;
const INT_MIN = -(2 ** 31);
// The kernel counts milliseconds in an int.
const MAX_TIMEOUT_MS = 2 ** 31 - 1;

function has_fileno(value: unknown): value is { fileno(): unknown } {
  return (
    typeof value === 'object' && value !== null && 'fileno' in value && typeof value.fileno === 'function'
  );
}

/**
 * The number of a descriptor.
 *
 * @throws TypeError for what has none, RangeError for a negative one: that of a closed object
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

/** A mask of POLL…: 16 bits. @throws TypeError, RangeError */
export function poll_mask(value: unknown): number {
  return integer(value, 'eventmask', 0, 0xffff);
}

/** A mask of EPOLL…: 32 bits, also as the negative number that `|` makes of EPOLLET. @throws TypeError, RangeError */
export function epoll_mask(value: unknown): number {
  return integer(value, 'eventmask', INT_MIN, UINT_MAX) >>> 0;
}

/**
 * A time-out, null for none, as the border's `timeout_ms`: one below 0 is -1.
 *
 * @param value in the unit
 * @param unit_ms how many milliseconds it is
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
