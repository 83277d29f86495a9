// The error of a file or a user that cannot be had: a `code` as Node's own errors have, and the path that the client sees, never
// the one of the machine.

/** What each code says; another code says itself. */
const TEXTS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the quota is used up',
  EEXIST: 'there is one of this name',
  EINVAL: 'not possible',
  EISDIR: 'this is a directory',
  ELOOP: 'too many symbolic links',
  ENAMETOOLONG: 'the name is too long',
  ENOENT: 'no such file or directory',
  ENOSPC: 'the disk is full',
  ENOTDIR: 'not a directory',
  ENOTEMPTY: 'the directory is not empty',
};

/** A failed call of a FileSystem. */
export class FileError extends Error {
  override readonly name = 'FileError';

  /**
   * @param code as of Node's errors: 'ENOENT'
   * @param path as the client sees it
   * @param why in place of the text of the code
   */
  constructor(
    readonly code: string,
    readonly path: string,
    why = TEXTS[code] ?? 'failed',
    options?: ErrorOptions,
  ) {
    super(`${code}: ${why}: ${path}`, options);
  }
}

/** Returns the `code` of an error of Node or of ours; undefined for others. */
export function code_of(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * Runs `call`; an error of the kernel becomes a FileError with the client's path, so that no message tells where a home is.
 *
 * @throws FileError; other errors, which are mistakes of the program, as they are
 */
export async function at_path<T>(path: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (error instanceof FileError) throw error;
    const code = code_of(error);
    if (code === undefined || code.startsWith('ERR_')) throw error;
    throw new FileError(code, path, undefined, { cause: error });
  }
}
