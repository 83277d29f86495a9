// Errors that are sent from a worker to its server, with class, stack and fields, which structured cloning would lose.
import { inspect } from 'node:util';
import { ERROR_CLASSES } from '../../errors/class_list.js';

/** An error that is sent to the server. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause?: PackedError | undefined;
  /** The errors of an AggregateError. */
  readonly errors?: readonly PackedError[] | undefined;
}

/** Classes of errors by name, which a received error gets again. */
const CLASSES = new Map<string, { readonly prototype: object }>(
  [
    ...Object.values(ERROR_CLASSES),
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
    AggregateError,
  ].flatMap((Class) =>
    Class.prototype instanceof Error ? [[Class.name, Class as { readonly prototype: object }]] : [],
  ),
);

/** Text in place of an error that inspect() or String() fails on. */
const UNSHOWN = 'something that cannot be shown';
/** Causes of causes that are sent at most: an error may be its own cause. */
const DEPTH_LIMIT = 8;

/** Properties of an error that are no fields. */
const OWN = new Set(['name', 'message', 'stack', 'cause', 'errors']);

/** Returns whether a field can be sent as JSON. */
function is_plain(value: unknown): boolean {
  return (
    value === null ||
    ['string', 'number', 'boolean'].includes(typeof value) ||
    (Array.isArray(value) && value.every(is_plain))
  );
}

/** Returns a thrown value as console.log shows it. Throws nothing. */
export function show_error(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return UNSHOWN;
  }
}

/** Returns a thrown value in a form for postMessage or JSON. Throws nothing. */
export function pack_error(error: unknown, depth = 0): PackedError {
  try {
    if (error instanceof Error && depth < DEPTH_LIMIT) return pack(error, depth + 1);
    return pack_text(typeof error === 'object' ? inspect(error) : String(error));
  } catch {
    return pack_text(UNSHOWN);
  }
}

function pack_text(text: string): PackedError {
  return { name: '', message: text, stack: undefined, fields: {} };
}

function pack(error: Error, depth: number): PackedError {
  const { name, message, stack } = error;
  const fields = Object.entries(error).filter(([key, value]) => !OWN.has(key) && is_plain(value));
  return {
    name,
    message,
    stack,
    fields: Object.fromEntries(fields),
    ...('cause' in error ? { cause: pack_error(error.cause, depth) } : {}),
    ...('errors' in error && Array.isArray(error.errors)
      ? { errors: error.errors.map((each) => pack_error(each, depth)) }
      : {}),
  };
}

/** Returns a value as a packed error that unpack_error() takes. @throws TypeError if it is none */
export function check_packed(value: unknown, depth = 0): PackedError {
  const { name, message, stack, fields, cause, errors } = value as PackedError;
  if (typeof name !== 'string' || typeof message !== 'string') throw new TypeError('this is no packed error');
  const is_deep = depth >= DEPTH_LIMIT;
  return {
    name,
    message,
    stack: typeof stack === 'string' ? stack : undefined,
    fields: Object.fromEntries(
      Object.entries(fields).filter(([key, field]) => key !== '__proto__' && is_plain(field)),
    ),
    ...(cause === undefined || is_deep ? {} : { cause: check_packed(cause, depth + 1) }),
    ...(errors === undefined || is_deep
      ? {}
      : { errors: errors.map((each) => check_packed(each, depth + 1)) }),
  };
}

/** Returns the error that was packed; or the text of a thrown value that is no error. */
export function unpack_error(packed: PackedError): unknown {
  const { name, message, stack, fields, cause, errors } = packed;
  if (name === '') return message;
  const error = new Error(message);
  const Class = CLASSES.get(name);
  if (Class !== undefined) Object.setPrototypeOf(error, Class.prototype);
  const define = (key: string, value: unknown) =>
    Object.defineProperty(error, key, { value, configurable: true, writable: true });
  if (error.name !== name) define('name', name);
  define('stack', stack);
  if (cause !== undefined) define('cause', unpack_error(cause));
  if (errors !== undefined) define('errors', errors.map(unpack_error));
  return Object.assign(error, fields);
}
