// What a command is: a row of the table that dispatcher.ts looks up.
import type { Reply } from '../../protocol/replies.js';
import { printable } from '../../protocol/replies.js';
import type { Session } from '../session.js';

export interface Command {
  /** for HELP, without the name: '<path>' */
  readonly syntax: string;
  /** an argument: none is taken, one may be there, one has to be there */
  readonly argument: 'none' | 'optional' | 'required';
  /** whether it works before the log-in */
  readonly before_login?: boolean;
  /** the code for a file that cannot be had, where it is not 550 */
  readonly refusal?: number;
  /** whether its argument is a secret */
  readonly is_secret?: boolean;
  /** undefined: it has sent its replies itself */
  run(session: Session, argument: string): Promise<Reply | undefined> | Reply | undefined;
}

export type Commands = Readonly<Record<string, Command>>;

const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EPERM: 'Permission denied',
  EROFS: 'The file system is read-only',
  EEXIST: 'It exists already',
  ENOTDIR: 'Not a directory',
  EISDIR: 'It is a directory',
  ENOTEMPTY: 'The directory is not empty',
  ENOSPC: 'No space left',
  EDQUOT: 'The quota is used up',
  EFBIG: 'The file is too large',
  EINVAL: 'The name or value is not allowed',
  ENAMETOOLONG: 'The name is too long',
  ELOOP: 'Too many symbolic links',
  EXDEV: 'It is on another file system',
  ETXTBSY: 'It is in use',
};

const NO_ROOM = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** Returns the reply for an error of the files; undefined if the error is none of theirs. @param refusal the command's code */
export function file_refusal(error: unknown, refusal: number): Reply | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  const code = String(error.code);
  if (code === 'EBUSY') return { code: 450, lines: ['It is in use: try again later.'] };
  const text = TEXTS[code];
  if (text === undefined) return undefined;
  // Not the message of the error: it may have the path on the disk.
  return { code: NO_ROOM.has(code) ? 552 : refusal, lines: [`${text}.`] };
}

/** Returns a name for a reply's text. */
export function shown_name(name: string): string {
  return printable(name.length > 200 ? `${name.slice(0, 200)}...` : name);
}
