// Errors on their way from a worker to its server: with class, stack and fields, which structured cloning would lose.
import { inspect } from 'node:util';
import * as errors from '../errors.js';
import type { PackedError } from './protocol.js';

const CLASSES = new Map<string, { readonly prototype: object }>(
  [
    ...Object.values(errors).filter((value) => typeof value === 'function' && 'prototype' in value),
    TypeError,
    RangeError,
    SyntaxError,
    ReferenceError,
    EvalError,
    URIError,
  ].flatMap((Class) =>
    Class.prototype instanceof Error ? [[Class.name, Class as { readonly prototype: object }]] : [],
  ),
);

const UNSHOWN = 'something that cannot be shown';

/** Fields that can be sent as JSON, too. */
function is_plain(value: unknown): boolean {
  return (
    value === null ||
    ['string', 'number', 'boolean'].includes(typeof value) ||
    (Array.isArray(value) && value.every(is_plain))
  );
}

/** What was thrown, as console.log shows it. Throws nothing, whatever it is. */
export function show_error(error: unknown): string {
  try {
    return inspect(error);
  } catch {
    return UNSHOWN;
  }
}

/** The error, to be sent by postMessage or as JSON. Whatever was thrown, this throws nothing. */
export function pack_error(error: unknown): PackedError {
  try {
    if (error instanceof Error) return pack(error);
    return pack_text(typeof error === 'object' ? inspect(error) : String(error));
  } catch {
    return pack_text(UNSHOWN);
  }
}

function pack_text(text: string): PackedError {
  return { name: '', message: text, stack: undefined, fields: {} };
}

function pack(error: Error): PackedError {
  const { name, message, stack, cause } = error;
  const fields = Object.fromEntries(
    Object.entries(error).filter(
      ([key, value]) => !['stack', 'message', 'name', 'cause'].includes(key) && is_plain(value),
    ),
  );
  // A cause is told in the stack alone, as console.error would show it.
  const causes = cause instanceof Error ? `\n  [cause]: ${cause.stack}` : '';
  return { name, message, stack: stack === undefined ? undefined : `${stack}${causes}`, fields };
}

/** The error that was packed; of something thrown that is no error, its text. */
export function unpack_error({ name, message, stack, fields }: PackedError): unknown {
  if (name === '') return message;
  const error = new Error(message);
  const Class = CLASSES.get(name);
  if (Class !== undefined) Object.setPrototypeOf(error, Class.prototype);
  if (error.name !== name)
    Object.defineProperty(error, 'name', { value: name, configurable: true, writable: true });
  Object.defineProperty(error, 'stack', { value: stack, configurable: true, writable: true });
  return Object.assign(error, fields);
}
