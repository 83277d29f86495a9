// Sending a file: by sendfile(2), or by reading and sending where the kernel has no way from that file to that socket.
import { fstatSync, readSync } from 'node:fs';
import { constants } from 'node:os';
import type { SocketBase } from '../calls/socket_base.js';
import * as transfer from '../calls/transfer.js';
import * as c from '../constants.js';
import { OSError, raise } from '../errors/raise.js';
import { addon } from '../native/addon.js';
import { descriptor, integer, integer_or, shown } from '../util/validate.js';
import type { Socket } from './socket.js';

/** A descriptor, a FileHandle, or anything with `fileno()`; `seek(offset)` is told where sending ended. */
export type SendfileSource =
  | number
  | { readonly fd: number }
  | { fileno(): number; seek?(offset: number): unknown };

const { EBADF } = constants.errno;
// What sendfile(2) says of a file that it does not send.
const NOT_SENT: readonly number[] = [
  -constants.errno.EINVAL,
  -constants.errno.ENOSYS,
  -constants.errno.ESPIPE,
];
// What one call moves at most, so that a signal or a termination is never long in coming.
const BLOCK_SIZE = 2 ** 30;
const CHUNK_SIZE = 64 * 1024;

/** See Socket.sendfile. */
export function sendfile<F extends number>(
  sock: Socket<F>,
  file: SendfileSource,
  offset: number,
  count: number | null,
): number {
  const { fd, wanted } = check_sendfile(sock, file, offset, count, sock.gettimeout());
  let sent = 0;
  try {
    for (const result of parts(sock, fd, offset, wanted)) {
      check_file(sock, fd, result, sent);
      if (result < 0) sock._raise_with(result, 'sendfile', { bytes_sent: sent });
      sent += result;
    }
    return sent;
  } finally {
    if (sent > 0) move_position(file, offset + sent);
  }
}

/** Sends the file, one part a step: what each moved, or a negative number, which is the last. */
function* parts(sock: SocketBase, fd: number, offset: number, wanted: number): Generator<number, void> {
  let result = -1;
  for (let sent = 0; result !== 0 && sent < wanted; sent += result) {
    const block = Math.min(wanted - sent, BLOCK_SIZE);
    result = addon.sendfile(sock._fd, sock._generation, fd, offset + sent, block, sock._timeout_ms);
    if (sent === 0 && is_not_sent(result)) return yield* parts_by_hand(sock, fd, offset, wanted);
    yield result;
  }
}

/** The same for a file that sendfile(2) does not take: a pipe, a terminal, one of /proc. It is read and sent. */
function* parts_by_hand(
  sock: SocketBase,
  fd: number,
  offset: number,
  wanted: number,
): Generator<number, void> {
  const position = fstatSync(fd).isFile() ? offset : null;
  const buffer = Buffer.allocUnsafe(CHUNK_SIZE);
  for (let sent = 0; sent < wanted; ) {
    const at = position === null ? null : position + sent;
    const count = read_file(fd, buffer, Math.min(CHUNK_SIZE, wanted - sent), at, sent);
    if (count === 0) return;
    for (let rest = buffer.subarray(0, count); rest.length > 0; ) {
      const result = transfer.send(sock, rest, 0, sock._timeout_ms);
      yield result;
      sent += result;
      rest = rest.subarray(result);
    }
  }
}

function read_file(fd: number, buffer: Buffer, length: number, at: number | null, sent: number): number {
  try {
    return readSync(fd, buffer, 0, length, at);
  } catch (error) {
    return raise_of_file(fd, error, sent);
  }
}

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

/** Whether the kernel has no way from that file to a socket: it is read and sent instead. */
export function is_not_sent(result: number): boolean {
  return NOT_SENT.includes(result);
}

/** A closed file, or one that is not open for reading, is not the socket's fault. @throws OSError that names the file */
export function check_file(sock: SocketBase, fd: number, result: number, bytes_sent: number): void {
  if (result === -EBADF && addon.getsockname(sock._fd, sock._generation) !== -EBADF)
    raise(result, { syscall: 'sendfile', what: () => `file fd ${fd}`, bytes_sent });
}

/** Throws what was thrown where a file was read: an error of `fs` as an OSError that names the file. */
export function raise_of_file(fd: number, error: unknown, bytes_sent: number): never {
  const errno = error instanceof OSError ? undefined : (error as NodeJS.ErrnoException).errno;
  if (errno === undefined) throw error;
  raise(-Math.abs(errno), { syscall: 'sendfile', what: () => `file fd ${fd}`, bytes_sent, cause: error });
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
