// raise, raise_gai and raise_herror: the only functions that make errors from the numbers that native calls return.
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
  if (n === TIMED_OUT) {
    const error = make(TimeoutError, call.timed_out ?? TIMED_OUT_TEXT, here);
    error.code = 'ETIMEDOUT';
    error.strerror = TIMED_OUT_TEXT;
    throw set_fields(error, call);
  }
  if (n === STOPPING) unwind();
  if (n === DETACHED) {
    const { syscall, bytes_sent, partial } = call;
    const text = `${syscall}: its memory was detached, or resized below it, while the call waited`;
    throw Object.assign(new TypeError(text), bytes_sent === undefined ? { partial } : { bytes_sent });
  }
  throw build(OSError.class_of(-n), -n, text_of(-n), call, here);
}

// The texts of error numbers that were needed: calls that would block fail often.
const texts = new Map<number, string>();

function text_of(number: number): string {
  let text = texts.get(number);
  if (text === undefined) {
    text = addon.strerror(number);
    texts.set(number, text);
  }
  return text;
}

/** raise_gai(number, call). Throws the gaierror for what getaddrinfo(3) or getnameinfo(3) returned. @throws gaierror */
export function raise_gai(number: number, call: Call): never {
  const error: gaierror = build(gaierror, number, addon.gai_strerror(number), call, raise_gai);
  const { host, service } = lookup_of(call);
  if (typeof host === 'string') error.host = host;
  if (typeof service === 'string') error.service = service;
  throw error;
}

/** raise_herror(number, call). Throws the herror for an h_errno. @throws herror */
export function raise_herror(number: number, call: Call): never {
  throw build(herror, number, addon.hstrerror(number), call, raise_herror);
}

/** build(Class, number, strerror, call, here) -> the error, with its message and fields. */
function build(Class: typeof OSError, number: number, strerror: string, call: Call, here: Frame): OSError {
  const { syscall, args, address } = call;
  const code = Class.code_of(number);
  const advice = hint(code, call);
  const shown = args === undefined ? [] : [show_arguments(args)];
  if (address !== undefined) shown.push(show_value(address));
  const place = `[${code ?? `Errno ${number}`}] ${syscall}(${shown.join(', ')})`;
  const error = make(Class, `${place}: ${strerror}${advice ? `; ${advice}` : ''}`, here);
  error.errno = number;
  error.code = code;
  error.strerror = strerror;
  if (advice !== undefined) error.hint = advice;
  return set_fields(error, call);
}

/** make(Class, message, here) -> the error. Its stack begins at the caller of `here`, and is taken once: that costs most. */
function make(Class: typeof OSError, message: string, here: Frame): OSError {
  const { stackTraceLimit } = Error;
  let error: OSError;
  Error.stackTraceLimit = 0;
  try {
    error = new Class(message);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
  Error.captureStackTrace(error, here);
  return error;
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
