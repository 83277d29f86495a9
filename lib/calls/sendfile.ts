// sendfile, for blocking and promise sockets alike: its arguments, and the errors of the file that it reads. The two loops
// over the parts of a file, which differ in how they wait, are lib/socket/sendfile.ts and lib/promises/sendfile.ts.
import { constants } from 'node:os';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { addon } from '../native/addon.js';
import { descriptor, integer, integer_or, shown } from '../util/validate.js';
import type { SocketBase } from './socket_base.js';

const { EBADF, EINVAL, ENOSYS, ESPIPE } = constants.errno;

/** A descriptor, a FileHandle, or anything with `fileno()`; `seek(offset)` is called with the end of the sent part. */
export type SendfileSource =
  | number
  | { readonly fd: number }
  | { fileno(): number; seek?(offset: number): unknown };

// The errors of sendfile(2) for a file that it cannot send.
const NOT_SENT: readonly number[] = [-EINVAL, -ENOSYS, -ESPIPE];

/**
 * Checks the arguments of sendfile. Returns the descriptor of the file, where in it to begin, and how many bytes are to be sent
 * at most. @throws TypeError, RangeError
 */
export function check_sendfile(
  sock: SocketBase,
  file: SendfileSource,
  offset: unknown,
  count: unknown,
  timeout: number | null,
): { fd: number; begin: number; wanted: number } {
  const fd = file_descriptor(file);
  const begin = integer(offset, 'offset', 0, Number.MAX_SAFE_INTEGER);
  const wanted = integer_or(Number.POSITIVE_INFINITY, count, 'count', 1, Number.MAX_SAFE_INTEGER);
  if ((sock.type & c.SOCK_STREAM) === 0)
    throw new RangeError('sendfile: only sockets of type SOCK_STREAM are supported');
  if (timeout === 0) throw new RangeError('sendfile: non-blocking sockets are not supported');
  return { fd, begin, wanted };
}

/** True if the kernel cannot send from this file: then it is read and sent. */
export function is_not_sent(result: number): boolean {
  return NOT_SENT.includes(result);
}

/** Throws if the file is closed, or not open for reading: that is no error of the socket. @throws OSError that names the file */
export function check_file(sock: SocketBase, fd: number, result: number, bytes_sent: number): void {
  if (result === -EBADF && addon.getsockname(sock._fd, sock._generation) !== -EBADF)
    raise(result, { syscall: 'sendfile', args: { file_fd: fd }, bytes_sent });
}

/** Throws the error of reading a file: an error of `fs` becomes an OSError that names the file. */
export function raise_of_file(fd: number, error: unknown, bytes_sent: number): never {
  const errno = error instanceof OSError ? undefined : (error as NodeJS.ErrnoException).errno;
  if (errno === undefined) throw error;
  raise(-Math.abs(errno), { syscall: 'sendfile', args: { file_fd: fd }, bytes_sent, cause: error });
}

/** Tells the file where sending ended. */
export function move_position(file: SendfileSource, position: number): void {
  if (typeof file === 'object' && 'seek' in file) file.seek?.(position);
}

function file_descriptor(file: SendfileSource): number {
  const is_handle = typeof file === 'object' && file !== null && 'fd' in file && !('fileno' in file);
  const has_fileno = typeof (file as { fileno?: unknown } | null)?.fileno === 'function';
  if (!is_handle && typeof file !== 'number' && !has_fileno) {
    throw new TypeError(`file must be a descriptor, a FileHandle or have fileno(), not ${shown(file)}`);
  }
  const fd = is_handle ? integer(file.fd, 'file.fd') : descriptor(file, 'file');
  if (fd < 0) throw new RangeError(`file is closed: its descriptor is ${fd}`);
  return fd;
}
