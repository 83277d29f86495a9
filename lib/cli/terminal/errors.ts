// The failures of commands: the exit codes, the errors that carry a message for the user, and the one line that is printed
// for each error. main.ts prints the line and exits with the code.
import { gaierror, OSError, PermissionError } from '../../socket/index.js';

/** The command did its work. */
export const DONE = 0;
/** The command ran, but got no answer or failed. */
export const FAILED = 1;
/** The command could not begin: wrong arguments, an unknown host, a missing privilege, an unusable interface, address or file. */
export const UNUSABLE = 2;
/** The exit code that a shell reports for a program ended by SIGINT. */
export const INTERRUPTED = 130;

/** Wrong arguments; `message` is for the user, and so are the lines below it. */
export class UsageError extends Error {
  constructor(
    message: string,
    readonly lines: readonly string[] = [],
  ) {
    super(message);
  }
}

/** A failure other than wrong arguments; `message` is for the user. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly exit_code: number = FAILED,
  ) {
    super(message);
  }
}

/** The calls that set up sockets and files. If one of them fails, the command could not begin. */
const SETUP_CALLS: readonly unknown[] = ['access', 'bind', 'open', 'setsockopt', 'socket', 'stat'];

/** Returns the exit code for an error. */
export function exit_code_of(error: unknown): number {
  if (error instanceof Failure) return error.exit_code;
  // The library throws a RangeError for a bad value, which comes from the arguments.
  const unusable =
    error instanceof RangeError ||
    error instanceof UsageError ||
    error instanceof gaierror ||
    error instanceof PermissionError ||
    (error instanceof Error && 'syscall' in error && SETUP_CALLS.includes(error.syscall));
  return unusable ? UNUSABLE : FAILED;
}

/** Returns the line for an error; undefined for an unexpected error, so that its stack is printed. */
export function line_of(error: unknown): string | undefined {
  if (error instanceof gaierror) return line_of_lookup(error);
  if (error instanceof OSError && error.errno !== undefined) return `${error.strerror}${context(error)}`;
  const meant = [RangeError, UsageError, Failure, OSError].some((each) => error instanceof each);
  if (meant && error instanceof Error) return error.message;
  // The error is one of node:fs.
  if (error instanceof Error && 'syscall' in error && 'code' in error) return error.message;
  return undefined;
}

/** Returns "host: Name or service not known". */
function line_of_lookup({ message, code, strerror, host, service }: gaierror): string {
  const unresolved = code === 'EAI_SERVICE' ? service : host;
  return unresolved === undefined ? message : `${unresolved}: ${strerror}`;
}

/** Returns the failed call with its address, and the hint of the error. Descriptor numbers are left out. */
function context(error: OSError): string {
  const call = error.syscall === undefined ? '' : ` (${error.syscall}${shown_address(error)})`;
  return `${call}${error.hint === undefined ? '' : `; ${error.hint}`}`;
}

function shown_address({ address }: OSError): string {
  if (Array.isArray(address)) {
    const [host, port] = address;
    return `${host === '' ? '' : ` ${host}`}${typeof port === 'number' && port > 0 ? ` port ${port}` : ''}`;
  }
  return typeof address === 'string' ? ` ${address}` : '';
}
