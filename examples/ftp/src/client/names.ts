// Names and paths: which may be sent in a command, and which names of a server may become names of local files.
import { isAbsolute, join, relative, resolve, sep } from 'node:path';

/** A wrong name from the program that calls: it must not reach the server. */
export class NameError extends TypeError {
  override readonly name = 'NameError';
}

/** Returns a path as it may stand in a command. @throws NameError for characters that would end the command */
export function command_path(path: string, argument = 'path'): string {
  if (typeof path !== 'string') throw new NameError(`${argument} must be a string, not ${typeof path}`);
  if (path === '') throw new NameError(`${argument} must not be empty`);
  if (/[\r\n\0]/.test(path))
    throw new NameError(
      `${argument} must not have CR, LF or NUL, which end a command of FTP: ${JSON.stringify(path)}`,
    );
  return path;
}

/** Whether a name of a listing is one name of one folder: what a server must send, and the only names that this client uses. */
export function is_plain_name(name: string): boolean {
  if (name === '' || name === '.' || name === '..') return false;
  // No other control character is refused: they are legal names, which the screen shows escaped.
  return !/[/\0\r\n]/.test(name) && !name.includes('\ufffd') && Buffer.byteLength(name) <= 255;
}

/** Returns the path of `name` in the folder `folder` of a server. */
export function remote_join(folder: string, name: string): string {
  if (folder === '' || folder === '.') return name;
  return folder.endsWith('/') ? folder + name : `${folder}/${name}`;
}

/** Returns the last name of a path of a server. */
export function remote_base(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('/') + 1);
}

/** Returns the folder of a path of a server: '' for a path without one. */
export function remote_folder(path: string): string {
  const trimmed = path.replace(/\/+$/, '');
  const slash = trimmed.lastIndexOf('/');
  return slash < 0 ? '' : slash === 0 ? '/' : trimmed.slice(0, slash);
}

/** Returns the local path of names below a folder. @throws NameError if they lead out of it */
export function local_path(root: string, names: readonly string[]): string {
  for (const name of names)
    if (!is_plain_name(name))
      throw new NameError(`the server's name is not that of a file: ${JSON.stringify(name)}`);
  const path = join(root, ...names);
  const way = relative(resolve(root), resolve(path));
  if (isAbsolute(way) || way === '..' || way.startsWith(`..${sep}`))
    throw new NameError(`the server's name leads out of the folder: ${JSON.stringify(names.join('/'))}`);
  return path;
}

// Control characters and the marks that reverse the order of text.
const HOSTILE = /[\p{Cc}\p{Cf}\u2028\u2029]/gu;

/** Returns a text of a server as it may be shown on a terminal: what could move the cursor or reverse the line is escaped. */
export function printable(text: string): string {
  return text.replace(HOSTILE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}
