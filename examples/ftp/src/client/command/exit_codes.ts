// The exit codes of ftpc, which scripts rely on: README.md has the table for readers.
import { type FailureKind, FTPError } from '../errors.js';
import { NameError } from '../names.js';

export const EXIT = {
  ok: 0,
  other: 1,
  usage: 2,
  connect: 3,
  tls: 4,
  login: 5,
  not_found: 6,
  transfer: 7,
  verify: 8,
  protocol: 9,
  timeout: 10,
  refused: 11,
  local: 12,
  interrupted: 130,
} as const;

/** The command line is wrong. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** A local file or folder cannot be read or written, or its name is not allowed. */
export class LocalError extends Error {
  override readonly name = 'LocalError';
}

/** The user has ended it. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
  constructor() {
    super('interrupted');
  }
}

const OF_KIND: Readonly<Record<FailureKind, number>> = {
  connect: EXIT.connect,
  tls: EXIT.tls,
  login: EXIT.login,
  'not-found': EXIT.not_found,
  refused: EXIT.refused,
  transfer: EXIT.transfer,
  verify: EXIT.verify,
  protocol: EXIT.protocol,
  timeout: EXIT.timeout,
};

/** Returns the exit code of a failure. */
export function exit_code_of(error: unknown): number {
  if (error instanceof FTPError) return OF_KIND[error.kind];
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof Interrupted) return EXIT.interrupted;
  if (error instanceof LocalError || error instanceof NameError || is_of_files(error)) return EXIT.local;
  return EXIT.other;
}

/** Returns the kind of a failure, as --json has it. */
export function kind_of(error: unknown): string {
  if (error instanceof FTPError) return error.kind;
  const code = exit_code_of(error);
  return Object.entries(EXIT).find(([, value]) => value === code)?.[0] ?? 'other';
}

/** Whether it is an error of node:fs. */
function is_of_files(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'path' in error;
}
