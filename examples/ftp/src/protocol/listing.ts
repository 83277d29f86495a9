// Listings as the data connection carries them: lines of `ls -l` for LIST, and lines gathered into chunks. Pure, but for the clock.
import type { Entry } from '../store/types.js';
import { encode_text, printable } from './replies.js';
import { list_time } from './times.js';

const LETTERS: Readonly<Record<Entry['type'], string>> = { file: '-', dir: 'd', link: 'l', other: 's' };

/** Returns 'rwxr-xr-x', with the letters of setuid, setgid and the sticky bit. */
function mode_letters(mode: number): string {
  const three = (bits: number, special: number, letter: string) => {
    const run = (bits & 1) !== 0;
    const last = special === 0 ? (run ? 'x' : '-') : run ? letter : letter.toUpperCase();
    return `${bits & 4 ? 'r' : '-'}${bits & 2 ? 'w' : '-'}${last}`;
  };
  return (
    three((mode >> 6) & 7, mode & 0o4000, 's') +
    three((mode >> 3) & 7, mode & 0o2000, 's') +
    three(mode & 7, mode & 0o1000, 't')
  );
}

/** Returns a line of `ls -l`, without its end. */
export function list_line(entry: Entry, now_ms: number): string {
  const owner = entry.owner.padEnd(8);
  const group = entry.group.padEnd(8);
  const head = `${LETTERS[entry.type]}${mode_letters(entry.mode)} ${String(entry.links).padStart(3)}`;
  const size = String(entry.size).padStart(12);
  return `${head} ${owner} ${group} ${size} ${list_time(entry.modified_ms, now_ms)} ${printable(entry.name)}`;
}

const CHUNK_CHARS = 16 * 1024;

/** Gathers lines, each with CR LF behind it, into chunks. */
export async function* gather_lines(lines: AsyncIterable<string>): AsyncGenerator<Buffer> {
  let text = '';
  for await (const line of lines) {
    text += `${line}\r\n`;
    if (text.length < CHUNK_CHARS) continue;
    yield encode_text(text);
    text = '';
  }
  if (text !== '') yield encode_text(text);
}
