// select(): Python's select.select, on select(2), for descriptors of any number.
import { POLLIN, POLLOUT, POLLPRI } from '../constants.js';
import { elements, timeout as seconds, to_timeout_ms } from '../util/validate.js';
import { type FileObject, fd_of } from './arguments.js';
import { Interests } from './interests.js';

/** Descriptors that a process can have at most. */
const LIST_MAX = 2 ** 20;

/** One element of a list, with its descriptor. */
type Row<T> = readonly [fileobj: T, fd: number];

function rows_of<T>(list: Iterable<T>, name: string): Row<T>[] {
  const taken = elements(list, name, LIST_MAX + 1);
  if (taken.length > LIST_MAX)
    throw new RangeError(`${name} has too many descriptors: more than ${LIST_MAX}`);
  return taken.map((fileobj, index) => [fileobj, fd_of(fileobj, `${name}[${index}]`)]);
}

/**
 * select(rlist, wlist, xlist, timeout = null) -> the elements of each list that are ready. See select(2).
 *
 * @param rlist descriptors, or objects with `fileno()`, to wait for until they can be read
 * @param wlist … to wait for until they can be written
 * @param xlist … to wait for until they have an exceptional condition: out-of-band data
 * @param timeout in seconds, 0 does not wait; null: no limit
 * @returns three arrays with the ready elements, in the order of the lists; empty arrays once the time has passed
 * @throws OSError EBADF if a descriptor is closed; InterruptedError by a signal after siginterrupt(true); RangeError for a descriptor of
 *   1,024 or more
 * @example
 * peer.sendall('hello');
 * const [readable] = select([sock], [], [], 5);
 * console.log(readable[0] === sock); // true
 */
export function select<
  R extends FileObject = never,
  W extends FileObject = never,
  X extends FileObject = never,
>(
  rlist: Iterable<R>,
  wlist: Iterable<W>,
  xlist: Iterable<X>,
  timeout?: number | null,
): [readable: R[], writable: W[], exceptional: X[]] {
  const readers = rows_of(rlist, 'rlist');
  const writers = rows_of(wlist, 'wlist');
  const others = rows_of(xlist, 'xlist');
  const timeout_ms = to_timeout_ms(seconds(timeout));
  const interests = new Interests('select');
  for (const [, fd] of readers) interests.add(fd, POLLIN);
  for (const [, fd] of writers) interests.add(fd, POLLOUT);
  for (const [, fd] of others) interests.add(fd, POLLPRI);
  const ready = new Map<number, number>();
  interests._wait(timeout_ms, 0, (fd, events) => ready.set(fd, events));
  const pick = <T>(rows: Row<T>[], event: number): T[] =>
    rows.filter(([, fd]) => ((ready.get(fd) ?? 0) & event) !== 0).map(([fileobj]) => fileobj);
  return [pick(readers, POLLIN), pick(writers, POLLOUT), pick(others, POLLPRI)];
}
