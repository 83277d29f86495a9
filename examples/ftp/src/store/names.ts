// Names of files as text and as bytes. The kernel's names are bytes, and most of them UTF-8. A byte that is not becomes a lone surrogate
// (0xFF: U+DCFF), as in Python's os.fsdecode: so every name has a text, and every text leads back to the same bytes. The protocol's lines
// go through the same two functions; then a client with Latin-1 names gets its own bytes back, as from vsftpd.
//
// Also: what a client may call a file at all, and the names that are the server's own.
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { FileError } from './errors.js';

/** U+DC80 to U+DCFF stand for the bytes 0x80 to 0xFF. */
const ESCAPES = 0xdc00;
const LONE = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;

/** Names that begin with this are the server's: unfinished uploads. Clients neither see nor touch them. */
export const RESERVED = '.ftpd-';
/** An upload that runs. */
const RUNNING = `${RESERVED}new-`;
/** An upload that broke, and may go on. */
const BROKEN = `${RESERVED}part-`;
/** How long a file was before an upload that goes on behind its end, in place. */
const UNDO = `${RESERVED}undo-`;

/** Returns the text of a name's bytes. */
export function decode_name(bytes: Uint8Array): string {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let text = '';
  for (let at = 0; at < buffer.length; ) {
    const length = sequence_length(buffer, at);
    text +=
      length === 0
        ? String.fromCharCode(ESCAPES + (buffer[at] ?? 0))
        : buffer.toString('utf8', at, at + length);
    at += length || 1;
  }
  return text;
}

/** Returns the length of the UTF-8 sequence that begins at `at`, bytes; 0 if none does. */
function sequence_length(buffer: Buffer, at: number): number {
  for (let length = 1; length <= 4 && at + length <= buffer.length; length++) {
    if (isUtf8(buffer.subarray(at, at + length))) return length;
  }
  return 0;
}

/** Returns the bytes of a name's text; undefined for a surrogate that stands for no byte. */
export function encode_name(text: string): Buffer | undefined {
  if (!LONE.test(text)) return Buffer.from(text, 'utf8');
  const parts: Buffer[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    if (code >= ESCAPES + 0x80 && code <= ESCAPES + 0xff) parts.push(Buffer.of(code - ESCAPES));
    else if (code >= 0xd800 && code <= 0xdfff) return undefined;
    else parts.push(Buffer.from(character, 'utf8'));
  }
  return Buffer.concat(parts);
}

/**
 * Splits a client's path into its names. '.' and empty names vanish; '..' takes away the name before it, and '/..' is '/', as in a chroot.
 *
 * @param path with '/' in front
 * @returns the names from the home on; none for the home
 * @throws FileError EINVAL for a relative path, and for a name that a line of the protocol cannot carry
 */
export function split_path(path: string): string[] {
  if (!path.startsWith('/')) throw new FileError('EINVAL', path, 'a path begins with "/"');
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '' || name === '.') continue;
    if (name === '..') names.pop();
    else names.push(check_name(name, path));
  }
  return names;
}

/** NUL ends a name for the kernel; CR and LF end a line of the protocol, so that no client could name such a file again. */
function check_name(name: string, path: string): string {
  if (/[\0\r\n]/.test(name)) throw new FileError('EINVAL', path, 'a name has no NUL, CR or LF');
  if (encode_name(name) === undefined) throw new FileError('EINVAL', path, 'a name is text or bytes');
  return name;
}

/** Whether a name is the server's own. */
export function is_reserved(name: string): boolean {
  return name.startsWith(RESERVED);
}

/** What a reserved name is for. */
export function purpose_of(name: string): 'running' | 'broken' | 'undo' | undefined {
  if (name.startsWith(RUNNING)) return 'running';
  if (name.startsWith(BROKEN)) return 'broken';
  return name.startsWith(UNDO) ? 'undo' : undefined;
}

/** Returns a name for an upload that runs, which no other has. */
export function running_name(): string {
  return `${RUNNING}${process.pid.toString(36)}-${crypto.randomUUID()}`;
}

/**
 * Returns the name of the broken upload of `user` to `name`. A hash, because a long name has no room for a prefix; and with the user in it,
 * because one user of a shared folder must not go on with what another began.
 */
export function broken_name(user: string, name: string): string {
  const bytes = encode_name(name) ?? Buffer.alloc(0);
  return `${BROKEN}${createHash('sha256').update(user).update('\0').update(bytes).digest('hex').slice(0, 32)}`;
}

/** Returns the name of the note on the length of the file with this inode. */
export function undo_name(inode: number): string {
  return `${UNDO}${inode.toString(36)}`;
}
