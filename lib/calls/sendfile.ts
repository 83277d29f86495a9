// sendfile, for blocking and promise sockets alike: its arguments, and the errors of the file that it reads.
import { constants } from 'node:os';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { addon } from '../native/addon.js';
import { descriptor, integer, integer_or, shown } from '../util/validate.js';
import type { SocketBase } from './socket_base.js';

const { EBADF } = constants.errno;
/** A descriptor, a FileHandle, or anything with `fileno()`; `seek(offset)` is called with the end of the sent part. */
export type SendfileSource =
  | number
  | { readonly fd: number }
  | { fileno(): number; seek?(offset: number): unknown };

// The errors of sendfile(2) for a file that it cannot send.
const NOT_SENT: readonly number[] = [
  -constants.errno.EINVAL,
  -constants.errno.ENOSYS,
  -constants.errno.ESPIPE,
];

/** The descriptor and how many bytes are to be sent at most. @throws TypeError, RangeError */
export function check_sendfile(
  sock: SocketBase,
  file: SendfileSource,
  offset: number,
  count: unknown,
  timeout: number | null,
): { fd: number; wanted: number } {
  const fd = file_descriptor(file);
  integer(offset, 'offset', 0, Number.MAX_SAFE_INTEGER);
  const wanted = integer_or(Number.POSITIVE_INFINITY, count, 'count', 1, Number.MAX_SAFE_INTEGER);
  if ((sock.type & c.SOCK_STREAM) === 0)
    throw new RangeError('sendfile: only sockets of type SOCK_STREAM are supported');
  if (timeout === 0) throw new RangeError('sendfile: non-blocking sockets are not supported');
  return { fd, wanted };
}

/** True if the kernel cannot send from this file: then it is read and sent. */
export function is_not_sent(result: number): boolean {
  return NOT_SENT.includes(result);
}

/** A closed file, or one that is not open for reading, is not the socket's fault. @throws OSError that names the file */
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
  const fd = given_descriptor(file);
  if (fd < 0) throw new RangeError(`file is closed: its descriptor is ${fd}`);
  return fd;
}

function given_descriptor(file: SendfileSource): number {
  if (typeof file === 'object' && file !== null && 'fd' in file && !('fileno' in file))
    return integer(file.fd, 'file.fd');
  if (typeof file !== 'number' && typeof (file as { fileno?: unknown } | null)?.fileno !== 'function') {
    throw new TypeError(`file must be a descriptor, a FileHandle or have fileno(), not ${shown(file)}`);
  }
  return descriptor(file, 'file');
}
