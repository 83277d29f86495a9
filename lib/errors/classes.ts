// The classes of every module's errors: Python's tree under OSError with Node's fields. All of them are public.
//
// The names of the numbers are in errno.ts. raise.ts builds the errors of failed calls and fills in their fields.
import { constants } from 'node:os';
import { errno_code, gai_code, host_code } from './errno.js';
import { show_value } from './names.js';

/**
 * OSError(message, { cause }) or OSError(errno, strerror, filename) -> a system error. If the errno has a subclass, the
 * error is of that subclass, as in Python: `new OSError(2, 'No such file') instanceof FileNotFoundError`.
 */
export class OSError extends Error {
  /** The error number: positive, but negative for a `gaierror`. Undefined if the system gave none. */
  declare errno?: number | undefined;
  /** The name of the error number, as `util.getSystemErrorName` spells it: 'ECONNREFUSED'. */
  declare code?: string | undefined;
  /** The call that failed. */
  declare syscall?: string | undefined;
  /** The system's text for the error number, without the rest of the message. */
  declare strerror?: string | undefined;
  /** The usual cause of the error, and the remedy: the end of the message. Undefined if the library knows none. */
  declare hint?: string | undefined;
  /** The address that the call got. */
  declare address?: unknown;
  /** The file that the constructor got. */
  declare filename?: unknown;
  /** The number of bytes that `sendall`, `sendmsg` or `sendfile` had sent before the error. */
  declare bytes_sent?: number | undefined;
  /** The bytes that `recv_exactly` had received before the error. */
  declare partial?: Buffer | undefined;

  constructor(message?: string, options?: { cause?: unknown });
  constructor(errno: number, strerror: string, filename?: unknown);
  constructor(first?: number | string, second?: string | { cause?: unknown }, filename?: unknown) {
    const system = typeof first === 'number';
    const code = system ? new.target.code_of(first) : undefined;
    super(
      system ? `[${code ?? `Errno ${first}`}] ${second}${filename_text(filename)}` : first,
      typeof second === 'object' ? second : undefined,
    );
    if (!system) return;
    const Subclass = new.target === OSError ? OSError.class_of(first) : OSError;
    if (Subclass !== OSError) {
      const error = new Subclass(first, String(second), filename);
      Error.captureStackTrace(error, OSError);
      // biome-ignore lint/correctness/noConstructorReturn: the class follows from the number, as in Python
      return error;
    }
    this.errno = first;
    if (code !== undefined) this.code = code;
    this.strerror = String(second);
    if (filename_text(filename) !== '') this.filename = filename;
  }

  /** class_of(errno) -> the class that the number has in Python. @internal */
  static class_of(errno: number): typeof OSError {
    return subclasses.get(errno) ?? OSError;
  }

  /** code_of(errno) -> the name of an error number of this class. @internal */
  static code_of(errno: number): string | undefined {
    return errno_code(errno);
  }
}

/** A call on a non-blocking socket would block: EAGAIN, EALREADY, EINPROGRESS. */
export class BlockingIOError extends OSError {
  /** The number of characters that a buffered file had written before it would have blocked. */
  declare characters_written?: number | undefined;
}

/** There is no such child process: ECHILD. */
export class ChildProcessError extends OSError {}

/** A connection failed. The base class of the next four. */
export class ConnectionError extends OSError {}

/** The other side has closed, or this one was shut down: EPIPE, ESHUTDOWN. */
export class BrokenPipeError extends ConnectionError {}

/** The connection was ended on the way: ECONNABORTED. */
export class ConnectionAbortedError extends ConnectionError {}

/** No socket listens at the address: ECONNREFUSED. */
export class ConnectionRefusedError extends ConnectionError {}

/** The other side has ended the connection by force: ECONNRESET. */
export class ConnectionResetError extends ConnectionError {}

/** The file exists already: EEXIST. */
export class FileExistsError extends OSError {}

/** The file does not exist: ENOENT. */
export class FileNotFoundError extends OSError {}

/** A signal interrupted the call after `siginterrupt(true)`: EINTR. */
export class InterruptedError extends OSError {}

/** The file is a directory: EISDIR. */
export class IsADirectoryError extends OSError {}

/** A part of the path is not a directory: ENOTDIR. */
export class NotADirectoryError extends OSError {}

/** The call is not permitted: EACCES, EPERM. */
export class PermissionError extends OSError {}

/** There is no such process: ESRCH. */
export class ProcessLookupError extends OSError {}

/** The time-out of the socket passed (`code` is 'ETIMEDOUT', without `errno`), or the kernel's did: ETIMEDOUT. */
export class TimeoutError extends OSError {}

/** A name or address could not be resolved. `errno` is one of EAI_*. See getaddrinfo(3). */
export class gaierror extends OSError {
  /** The host of the lookup; undefined if there was none (null). */
  declare host?: string | undefined;
  /** The service or the port of the lookup, as text; undefined if there was none (null). */
  declare service?: string | undefined;

  static override code_of(errno: number): string | undefined {
    return gai_code(errno);
  }
}

/** A host could not be looked up by the old calls. `errno` is an h_errno. See gethostbyname(3). */
export class herror extends OSError {
  static override code_of(errno: number): string | undefined {
    return host_code(errno);
  }
}

/** The stream ended before all the requested bytes had come. */
export class IncompleteReadError extends Error {
  /** Always 'EOF'. */
  readonly code = 'EOF';

  /**
   * @param partial the bytes that came
   * @param expected the number of requested bytes; undefined if not known
   */
  constructor(
    /** The bytes that came. */
    readonly partial: Buffer,
    /** The number of requested bytes; undefined if not known. */
    readonly expected?: number,
  ) {
    super(`${partial.length} bytes read on a total of ${expected ?? 'undefined'} expected bytes`);
  }
}

const { errno } = constants;
const subclasses = new Map<number, typeof OSError>([
  [errno.EAGAIN, BlockingIOError],
  [errno.EALREADY, BlockingIOError],
  [errno.EINPROGRESS, BlockingIOError],
  [errno.ECHILD, ChildProcessError],
  [errno.EPIPE, BrokenPipeError],
  [108, BrokenPipeError], // ESHUTDOWN
  [errno.ECONNABORTED, ConnectionAbortedError],
  [errno.ECONNREFUSED, ConnectionRefusedError],
  [errno.ECONNRESET, ConnectionResetError],
  [errno.EEXIST, FileExistsError],
  [errno.ENOENT, FileNotFoundError],
  [errno.EINTR, InterruptedError],
  [errno.EISDIR, IsADirectoryError],
  [errno.ENOTDIR, NotADirectoryError],
  [errno.EACCES, PermissionError],
  [errno.EPERM, PermissionError],
  [errno.ESRCH, ProcessLookupError],
  [errno.ETIMEDOUT, TimeoutError],
]);

/** filename_text(filename) -> the end of a message that names the file. */
function filename_text(filename: unknown): string {
  return filename === undefined || filename === null ? '' : `: ${show_value(filename)}`;
}
