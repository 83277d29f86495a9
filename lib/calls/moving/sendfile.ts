// sendfile, for blocking and promise sockets alike: its arguments, and the errors of the file that it reads. The two loops
// over the parts of a file, which differ in how they wait, are lib/socket/sendfile.ts and lib/promises/sendfile.ts.
import { constants } from 'node:os';
import * as c from '../../constants.js';
import { UnsupportedOperation } from '../../errors/builtins.js';
import { raise } from '../../errors/raise.js';
import { addon } from '../../native/addon.js';
import {
  type Bytes,
  type BytesLike,
  bytes,
  descriptor,
  integer,
  integer_or,
  shown,
} from '../../util/validate.js';
import type { SocketBase } from '../socket_base.js';

const { EBADF, EINVAL, ENOSYS, ESPIPE } = constants.errno;

/** What `read(size)` of a file gives: at most `size` bytes, none at the end of the file. */
type Read = BytesLike | null;

/** The methods of a file that sendfile calls if the file has them. */
interface SendfileMethods<R> {
  /** Gives the bytes if the kernel cannot send them from the file's descriptor, or if the file has none. */
  read?(size: number): R;
  /** Called with the offset before the first read(), and with the end of the sent part afterwards. */
  seek?(offset: number): unknown;
}

/** A descriptor, a FileHandle, or an object with `fileno()`, `read(size)` or both. */
export type SendfileSource<R = Read> =
  | number
  | { readonly fd: number }
  | (SendfileMethods<R> & ({ fileno(): number } | { read(size: number): R }));

/** The source of a sendfile of promises: read() may return a promise. */
export type AsyncSendfileSource = SendfileSource<Read | Promise<Read>>;

/** The checked arguments of sendfile. */
export interface SendfileArguments {
  /** The descriptor that sendfile(2) takes; -1 if the file has only read(). */
  readonly fd: number;
  /** The file, if its read() gives what the kernel cannot send; undefined if its descriptor is read. */
  readonly reader: { read(size: number): unknown } | undefined;
  /** Where in the file to begin. */
  readonly begin: number;
  /** The most bytes to send. */
  readonly wanted: number;
}

// The errors of sendfile(2) for a file that it cannot send.
const NOT_SENT: readonly number[] = [-EINVAL, -ENOSYS, -ESPIPE];

/** The value as an object with these properties, which may be missing. */
type Optional = Partial<Record<'fd' | 'fileno' | 'read' | 'seek' | 'seekable' | 'mode', unknown>>;
const fields = (file: unknown): Optional => (typeof file === 'object' && file !== null ? file : {});

/** Checks the arguments of sendfile. @throws TypeError, RangeError */
export function check_sendfile(
  sock: SocketBase,
  file: AsyncSendfileSource,
  offset: unknown,
  count: unknown,
  timeout: number | null,
): SendfileArguments {
  const fd = file_descriptor(file);
  const begin = integer(offset, 'offset', 0, Number.MAX_SAFE_INTEGER);
  const wanted = integer_or(Number.POSITIVE_INFINITY, count, 'count', 1, Number.MAX_SAFE_INTEGER);
  const { mode, seek } = fields(file);
  if (typeof mode === 'string' && !mode.includes('b'))
    throw new RangeError('file should be opened in binary mode');
  if (fd < 0 && begin > 0 && typeof seek !== 'function')
    throw new TypeError(`offset is ${begin}, and file has no seek()`);
  if ((sock.type & c.SOCK_STREAM) === 0)
    throw new RangeError('sendfile: only sockets of type SOCK_STREAM are supported');
  if (timeout === 0) throw new RangeError('sendfile: non-blocking sockets are not supported');
  return { fd, reader: has_read(file) ? file : undefined, begin, wanted };
}

function has_read(file: unknown): file is { read(size: number): unknown } {
  const { fd, fileno, read } = fields(file);
  // read() of a FileHandle and of a stream of Node.js are other methods.
  return typeof read === 'function' && (fd === undefined || fileno !== undefined);
}

/** Returns the descriptor of a file, -1 for one that has only read(). @throws TypeError, RangeError */
function file_descriptor(file: unknown): number {
  const { fd: handle_fd, fileno } = fields(file);
  const is_handle = handle_fd !== undefined && fileno === undefined;
  if (!is_handle && typeof file !== 'number' && typeof fileno !== 'function') {
    if (has_read(file)) return -1;
    throw new TypeError(
      `file must be a descriptor, a FileHandle or have fileno() or read(), not ${shown(file)}`,
    );
  }
  let fd: number;
  try {
    fd = is_handle ? integer(handle_fd, 'file.fd') : descriptor(file, 'file');
  } catch (error) {
    if (error instanceof UnsupportedOperation && has_read(file)) return -1;
    throw error;
  }
  if (fd < 0) throw new RangeError(`file is closed: its descriptor is ${fd}`);
  return fd;
}

/** Moves a file to where read() is to begin. Returns what its seek() returns. */
export function seek_begin({ reader, begin }: SendfileArguments): unknown {
  const { seek } = fields(reader);
  return begin > 0 && typeof seek === 'function' ? seek.call(reader, begin) : undefined;
}

/** Returns the bytes that a file's read() gave. @throws TypeError */
export function read_bytes(value: unknown): Bytes {
  return bytes(value, 'the result of file.read()');
}

/** True if the kernel cannot send from this file: then it is read and sent. */
export function is_not_sent(result: number): boolean {
  return NOT_SENT.includes(result);
}

/** Throws if the file is closed, or not open for reading: that is no error of the socket. @throws OSError that names the file */
export function check_file(sock: SocketBase, fd: number, result: number, bytes_sent: number): void {
  if (result === -EBADF && addon.getsockname(sock._fd, sock._generation) !== -EBADF)
    raise_of_file(fd, result, bytes_sent);
}

/** Throws for the negative result of reading a file. @throws OSError that names the file */
export function raise_of_file(fd: number, result: number, bytes_sent: number): never {
  raise(result, { syscall: 'sendfile', args: { file_fd: fd }, bytes_sent });
}

/** Moves a file to where sending ended, if it has positions. */
export function move_position(file: AsyncSendfileSource, position: number): void {
  const { seek, seekable } = fields(file);
  if (typeof seek !== 'function' || (typeof seekable === 'function' && seekable.call(file) === false)) return;
  seek.call(file, position);
}
