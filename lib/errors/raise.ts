// The errors of every module: Python's classes with Node's fields, and `raise`, the one place that makes them.
//
// Native calls return -errno; lib turns it into an error here. Building one is the only cost: what a call was given is
// a function until then. The words that help stand in internal/hints.ts, the names of the numbers in internal/errno.ts.
import { constants } from 'node:os';
import { inspect } from 'node:util';
import { addon, STOPPING, TIMED_OUT } from '../native/addon.js';
import { errno_code, gai_code, host_code } from './errno.js';
import { hint } from './hints.js';

/** What `raise` tells of the call that failed. */
export interface Call {
  /** The system call, or the method that makes it: 'socket', 'recv'. */
  readonly syscall: string;
  /** Its arguments for the message: 'AF_INET, SOCK_RAW, IPPROTO_ICMP', 'fd 5'. */
  readonly what?: () => string;
  /** The address it was given. */
  readonly address?: unknown;
  /** Bytes that went out before the error. */
  readonly bytes_sent?: number;
  /** Bytes that came in before the error. */
  readonly partial?: Buffer;
  readonly cause?: unknown;
}

/**
 * OSError(message, { cause }) or OSError(errno, strerror, filename) -> a system error; with an errno that has a
 * subclass, one of that subclass, as in Python: `new OSError(2, 'No such file') instanceof FileNotFoundError`.
 */
export class OSError extends Error {
  /** The error number, positive; that of `gaierror` is negative. Absent where the system gave none. */
  declare errno?: number;
  /** Its name, as `util.getSystemErrorName` spells it: 'ECONNREFUSED'. */
  declare code?: string;
  /** The call that failed. */
  declare syscall?: string;
  /** The system's text of the error alone. */
  declare strerror?: string;
  /** The address that the call was given. */
  declare address?: unknown;
  /** The file that the call was given. */
  declare filename?: unknown;
  /** What `sendall`, `sendmsg` and `sendfile` had sent before the error. */
  declare bytes_sent?: number;
  /** What `recv_exactly` had received before the error. */
  declare partial?: Buffer;

  constructor(message?: string, options?: ErrorOptions);
  constructor(errno: number, strerror: string, filename?: unknown);
  constructor(first?: number | string, second?: string | ErrorOptions, filename?: unknown) {
    const system = typeof first === 'number';
    const code = system ? new.target.code_of(first) : undefined;
    super(
      system ? `[${code ?? `Errno ${first}`}] ${second}${about(filename)}` : first,
      typeof second === 'object' ? second : undefined,
    );
    if (!system) return;
    const Subclass = new.target === OSError ? subclasses.get(first) : undefined;
    if (Subclass !== undefined) {
      const error = new Subclass(first, String(second), filename);
      Error.captureStackTrace(error, OSError);
      // biome-ignore lint/correctness/noConstructorReturn: the class follows from the number, as in Python
      return error;
    }
    this.errno = first;
    if (code !== undefined) this.code = code;
    this.strerror = String(second);
    if (about(filename) !== '') this.filename = filename;
  }

  /** The name of a number of this class. @internal */
  static code_of(errno: number): string | undefined {
    return errno_code(errno);
  }
}

/** A call on a non-blocking socket would block: EAGAIN, EALREADY, EINPROGRESS. */
export class BlockingIOError extends OSError {
  /** What a buffered file had written before it would have blocked. */
  declare characters_written?: number;
}

/** There is no such child process: ECHILD. */
export class ChildProcessError extends OSError {}

/** A connection failed: the class above the four below. */
export class ConnectionError extends OSError {}

/** The other side has closed, or this one was shut down: EPIPE, ESHUTDOWN. */
export class BrokenPipeError extends ConnectionError {}

/** The connection was ended on the way: ECONNABORTED. */
export class ConnectionAbortedError extends ConnectionError {}

/** Nobody listens there: ECONNREFUSED. */
export class ConnectionRefusedError extends ConnectionError {}

/** The other side has ended the connection by force: ECONNRESET. */
export class ConnectionResetError extends ConnectionError {}

/** The file exists: EEXIST. */
export class FileExistsError extends OSError {}

/** The file does not exist: ENOENT. */
export class FileNotFoundError extends OSError {}

/** A signal interrupted the call, and `siginterrupt(true)` said that it ends then: EINTR. */
export class InterruptedError extends OSError {}

/** It is a directory: EISDIR. */
export class IsADirectoryError extends OSError {}

/** It is not a directory: ENOTDIR. */
export class NotADirectoryError extends OSError {}

/** It is not permitted: EACCES, EPERM. */
export class PermissionError extends OSError {}

/** There is no such process: ESRCH. */
export class ProcessLookupError extends OSError {}

/** The time-out of the socket passed (`code` is 'ETIMEDOUT', without `errno`), or the kernel's did: ETIMEDOUT. */
export class TimeoutError extends OSError {}

/** A name or address could not be resolved. `errno` is one of EAI_*. See getaddrinfo(3). */
export class gaierror extends OSError {
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

/** The stream ended before all the bytes that were asked for had come. */
export class IncompleteReadError extends Error {
  /** Always 'EOF'. */
  readonly code = 'EOF';

  /**
   * @param partial what came
   * @param expected how many bytes were asked for; undefined where that was not known
   */
  constructor(
    readonly partial: Buffer,
    readonly expected?: number,
  ) {
    super(`${partial.length} bytes read on a total of ${expected ?? 'undefined'} expected bytes`);
  }
}

/** Python's older name of OSError. */
/** Python's older name of TimeoutError. */
export { OSError as error, TimeoutError as timeout };

const classes = {
  OSError,
  BlockingIOError,
  BrokenPipeError,
  ChildProcessError,
  ConnectionAbortedError,
  ConnectionError,
  ConnectionRefusedError,
  ConnectionResetError,
  FileExistsError,
  FileNotFoundError,
  IncompleteReadError,
  InterruptedError,
  IsADirectoryError,
  NotADirectoryError,
  PermissionError,
  ProcessLookupError,
  TimeoutError,
  gaierror,
  herror,
};
// On the prototype, so that the stack begins with it: that is what is left of the class after structuredClone.
for (const [name, { prototype }] of Object.entries(classes)) {
  Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
}

const { errno } = constants;
const subclasses = new Map<number, typeof OSError>([
  [errno.EAGAIN, BlockingIOError],
  [errno.EALREADY, BlockingIOError],
  [errno.EINPROGRESS, BlockingIOError],
  [errno.EWOULDBLOCK, BlockingIOError],
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

/** A value as a message shows it: short, on one line. */
function show(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(show).join(', ')}]`;
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, compact: true, maxStringLength: 128 });
}

/** The file of an error, in its message. */
function about(filename: unknown): string {
  return filename === undefined || filename === null ? '' : `: ${show(filename)}`;
}

/** The error of a class for a number that the system gave. */
function make(Class: typeof OSError, number: number, strerror: string, call: Call): OSError {
  const code = Class.code_of(number);
  const text = call.what?.() ?? '';
  const address = call.address === undefined ? '' : show(call.address);
  const advice = hint(code, { syscall: call.syscall, text, address: call.address });
  const shown = [text, address].filter((part) => part !== '').join(', ');
  const error = new Class(
    `[${code ?? `Errno ${number}`}] ${call.syscall}(${shown}): ${strerror}${advice ? `; ${advice}` : ''}`,
    call.cause === undefined ? undefined : { cause: call.cause },
  );
  error.errno = number;
  error.code = code;
  error.strerror = strerror;
  return tell(error, call);
}

/** Adds what is known of the call. */
function tell(error: OSError, { syscall, address, bytes_sent, partial }: Call): OSError {
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (bytes_sent !== undefined) error.bytes_sent = bytes_sent;
  if (partial !== undefined) error.partial = partial;
  return error;
}

/**
 * raise(n, call). Throws the error for the negative result of a native call.
 *
 * @param n -errno; TIMED_OUT: the deadline passed; STOPPING: the environment is being terminated, and this never returns
 * @param call what was tried
 * @throws OSError, or its subclass by errno; TimeoutError
 */
export function raise(n: number, call: Call): never {
  if (n === TIMED_OUT) {
    const error = new TimeoutError('timed out');
    error.code = 'ETIMEDOUT';
    throw tell(error, call);
  }
  if (n === STOPPING) unwind();
  throw make(subclasses.get(-n) ?? OSError, -n, addon.strerror(-n), call);
}

/** raise_gai(number, call). Throws the gaierror for what getaddrinfo(3) or getnameinfo(3) returned. @throws gaierror */
export function raise_gai(number: number, call: Call): never {
  throw make(gaierror, number, addon.gai_strerror(number), call);
}

/** raise_herror(number, call). Throws the herror for an h_errno. @throws herror */
export function raise_herror(number: number, call: Call): never {
  throw make(herror, number, addon.hstrerror(number), call);
}

/** Lets V8 end the thread: it looks whether it shall when a function is called, so that no catch or finally runs. */
function unwind(): never {
  for (;;) Reflect.apply(() => {}, undefined, []);
}
