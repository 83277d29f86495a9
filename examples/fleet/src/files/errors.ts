// Errors of transfers, with the class that the summary and the log give them.

import { safe_text } from '../view/text.js';

/** A file could not be moved; the rest of a folder may have been. */
export class TransferError extends Error {
  override readonly name = 'TransferError';
  /**
   * @param failure the class
   * @param path the file, as it was named
   * @param reason one line, safe to print
   */
  constructor(
    readonly failure: 'transfer' | 'cut-off' | 'stopped',
    readonly path: string,
    readonly reason: string,
    options?: ErrorOptions,
  ) {
    super(path === '' ? reason : `${safe_text(path)}: ${reason}`, options);
  }
}

/** @throws TransferError when there can be no file of this name, here or on a target */
export function check_target(target: string): void {
  if (target === '' || target.includes('\0'))
    throw new TransferError('transfer', target, 'is no name of a file');
}

/** Status codes of SFTP: draft-ietf-secsh-filexfer-02, 7. */
const NO_SUCH_FILE = 2;
const REASONS: Readonly<Record<number, string>> = {
  [NO_SUCH_FILE]: 'no such file or directory',
  3: 'permission denied',
  4: 'the server could not do it',
  5: 'the server refuses the request; the name may be too long',
  8: 'the server does not support it',
};

export function code_of(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** Returns undefined in place of the error that a file, here or on the target, is not there. */
export async function missing_as_undefined<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    const code = code_of(error instanceof TransferError ? error.cause : error);
    if (code === 'ENOENT' || code === NO_SUCH_FILE) return undefined;
    throw error;
  }
}

/** Returns the error of a file on the target or here. */
export function transfer_error(error: unknown, path: string): TransferError {
  if (error instanceof TransferError) return error;
  const code = code_of(error);
  const known = typeof code === 'number' ? REASONS[code] : undefined;
  const message = error instanceof Error ? error.message : String(error);
  return new TransferError('transfer', path, known ?? safe_text(message), { cause: error });
}
