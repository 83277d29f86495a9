// raise, failure, raise_gai and raise_herror: the only functions that make errors from the numbers that native calls return.
//
// A native call returns -errno. The caller passes the number on with a record of the call, which holds numbers and names:
// names.ts makes the text of the message, hints.ts the hint. Callers make the record after the failure, so that success
// costs nothing; only name lookups, which run on threads, make it before.
import { addon, DETACHED, STOPPING, TIMED_OUT } from '../native/addon.js';
import { type FailedCall, hint } from './hints.js';
import { gaierror, herror, OSError, TimeoutError } from './index.js';
import { show_arguments, show_value } from './names.js';
import type { Frame } from './stack.js';

const TIMED_OUT_TEXT = 'timed out';

/** The record of a failed call: its name, arguments and address, and its progress before the error. */
export interface Call extends FailedCall {
  /** Bytes sent before the error. */
  readonly bytes_sent?: number | undefined;
  /** Bytes received before the error. */
  readonly partial?: Buffer | undefined;
  /** The message of a time-out, without which it is 'timed out'. */
  readonly timed_out?: string | undefined;
}

/**
 * raise(n, call, here = raise). Throws the error for the negative result of a native call.
 *
 * @param n -errno; TIMED_OUT: the deadline passed; STOPPING: the environment is being terminated, and this never returns;
 *   DETACHED: a listener took the call's memory away
 * @param here the function at whose caller the stack of the error begins
 * @throws OSError, or its subclass by errno; TimeoutError; TypeError
 */
export function raise(n: number, call: Call, here: Frame = raise): never {
  const error = failure(n, call);
  Error.captureStackTrace(error, here);
  throw error;
}

/**
 * failure(n, call) -> the error that raise() throws, without a stack: the caller takes it by Error.captureStackTrace.
 *
 * The stack costs most of an error, by the number of functions from the program down to the one that takes it, and V8 counts those that it
 * leaves out, too. So errors that a program expects in a loop get it in the method that the program has called.
 */
export function failure(n: number, call: Call): Error {
  if (n === TIMED_OUT) {
    const error = make(TimeoutError, call.timed_out ?? TIMED_OUT_TEXT);
    error.code = 'ETIMEDOUT';
    error.strerror = TIMED_OUT_TEXT;
    return set_fields(error, call);
  }
  if (n === STOPPING) unwind();
  if (n === DETACHED) {
    const { syscall, bytes_sent, partial } = call;
    const text = `${syscall}: its memory was detached, or resized below it, while the call waited`;
    return Object.assign(new TypeError(text), bytes_sent === undefined ? { partial } : { bytes_sent });
  }
  return build(-n, meaning_of(-n), call);
}

/** What an error number says without the call. */
interface Meaning {
  readonly Class: typeof OSError;
  readonly code: string | undefined;
  readonly strerror: string;
}

// The errnos that were needed: calls that would block fail often.
const meanings = new Map<number, Meaning>();

function meaning_of(errno: number): Meaning {
  const known = meanings.get(errno);
  if (known !== undefined) return known;
  const Class = OSError.class_of(errno);
  const meaning = { Class, code: Class.code_of(errno), strerror: addon.strerror(errno) };
  meanings.set(errno, meaning);
  return meaning;
}

/** raise_gai(number, call). Throws the gaierror for what getaddrinfo(3) or getnameinfo(3) returned. @throws gaierror */
export function raise_gai(number: number, call: Call): never {
  const meaning = { Class: gaierror, code: gaierror.code_of(number), strerror: addon.gai_strerror(number) };
  const error: gaierror = build(number, meaning, call);
  const { host, service } = lookup_of(call);
  if (typeof host === 'string') error.host = host;
  if (typeof service === 'string') error.service = service;
  Error.captureStackTrace(error, raise_gai);
  throw error;
}

/** raise_herror(number, call). Throws the herror for an h_errno. @throws herror */
export function raise_herror(number: number, call: Call): never {
  const meaning = { Class: herror, code: herror.code_of(number), strerror: addon.hstrerror(number) };
  const error = build(number, meaning, call);
  Error.captureStackTrace(error, raise_herror);
  throw error;
}

/** build(number, meaning, call) -> the error, with its message and fields, and without a stack. */
function build(number: number, { Class, code, strerror }: Meaning, call: Call): OSError {
  const { syscall, args, address } = call;
  const advice = hint(code, call);
  let shown = args === undefined ? '' : show_arguments(args);
  if (address !== undefined) shown += `${shown === '' ? '' : ', '}${show_value(address)}`;
  const end = advice === undefined ? '' : `; ${advice}`;
  const error = make(Class, `[${code ?? `Errno ${number}`}] ${syscall}(${shown}): ${strerror}${end}`);
  error.errno = number;
  error.code = code;
  error.strerror = strerror;
  if (advice !== undefined) error.hint = advice;
  return set_fields(error, call);
}

// Without a number as limit V8 takes no stack at all, in less time than one of no functions.
const limits: { stackTraceLimit?: number | undefined } = Error;

/** make(Class, message) -> the error, without a stack. */
function make(Class: typeof OSError, message: string): OSError {
  const { stackTraceLimit } = limits;
  try {
    limits.stackTraceLimit = undefined;
  } catch {
    return new Class(message); // a program has frozen Error
  }
  try {
    return new Class(message);
  } finally {
    limits.stackTraceLimit = stackTraceLimit;
  }
}

/** Sets the fields that the record of the call has. */
function set_fields(error: OSError, { syscall, address, bytes_sent, partial }: Call): OSError {
  error.syscall = syscall;
  if (address !== undefined) error.address = address;
  if (bytes_sent !== undefined) error.bytes_sent = bytes_sent;
  if (partial !== undefined) error.partial = partial;
  return error;
}

/** lookup_of(call) -> the host and the service of a lookup: arguments of getaddrinfo(), the address of getnameinfo(). */
function lookup_of({ args, address }: Call): { host?: unknown; service?: unknown } {
  if (!Array.isArray(address)) return args ?? {};
  const [host, port] = address;
  return { host, service: String(port) };
}

/** Lets V8 end the thread: V8 tests for termination at each call of a function, and runs no catch or finally then. */
function unwind(): never {
  for (;;) Reflect.apply(() => {}, undefined, []);
}
