// How a command ends badly: one clear line and an exit code.
import { gaierror, OSError, PermissionError } from '../../socket/index.js';

/** The command did its work. */
export const DONE = 0;
/** It ran, and got no answer, or failed. */
export const FAILED = 1;
/** It could not begin: wrong arguments, an unknown host, a missing privilege, an interface, address or file that cannot be had. */
export const UNUSABLE = 2;
/** What a shell says of a program that SIGINT ended. */
export const INTERRUPTED = 130;

/** The arguments are wrong. */
export class UsageError extends Error {}

/** What was tried cannot be done; `message` is for the user. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exit_code: number = FAILED,
  ) {
    super(message);
  }
}

/** The calls that set sockets and files up: where they fail, nothing has begun. */
const SETUP_CALLS: readonly unknown[] = ['access', 'bind', 'open', 'setsockopt', 'socket', 'stat'];

/** The exit code for an error. */
export function exit_code_of(error: unknown): number {
  if (error instanceof Failure) return error.exit_code;
  // A RangeError is the library's, about a value that the arguments gave.
  const unusable =
    error instanceof RangeError ||
    error instanceof UsageError ||
    error instanceof gaierror ||
    error instanceof PermissionError ||
    (error instanceof Error && 'syscall' in error && SETUP_CALLS.includes(error.syscall));
  return unusable ? UNUSABLE : FAILED;
}

/** The line for an error; undefined for one that nobody foresaw, whose stack should be seen. */
export function line_of(error: unknown): string | undefined {
  if (error instanceof gaierror) return line_of_lookup(error);
  if (error instanceof OSError && error.errno !== undefined) return `${error.strerror}${context(error)}`;
  const meant = [RangeError, UsageError, Failure, OSError].some((each) => error instanceof each);
  if (meant && error instanceof Error) return error.message;
  // Of node:fs.
  if (error instanceof Error && 'syscall' in error && 'code' in error) return error.message;
  return undefined;
}

/** "host: Name or service not known", with what was asked for, which stands in the message only. */
function line_of_lookup({ message, code, strerror }: gaierror): string {
  const [, host, service] = /\((?:"([^"]*)"|null)(?:, "([^"]*)")?/.exec(message) ?? [];
  const asked = code === 'EAI_SERVICE' ? service : host;
  return asked === undefined ? message : `${asked}: ${strerror}`;
}

/** What was tried, and the advice that the library gives, without what the user need not know (descriptor numbers). */
function context(error: OSError): string {
  const [, advice] = error.message.split(/; (.*)/s);
  const call = error.syscall === undefined ? '' : ` (${error.syscall}${shown_address(error)})`;
  return `${call}${advice ? `; ${advice}` : ''}`;
}

function shown_address({ address }: OSError): string {
  if (Array.isArray(address)) {
    const [host, port] = address;
    return `${host === '' ? '' : ` ${host}`}${typeof port === 'number' && port > 0 ? ` port ${port}` : ''}`;
  }
  return typeof address === 'string' ? ` ${address}` : '';
}
