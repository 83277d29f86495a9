// What uploads leave behind: the temporary files of processes that were killed, broken uploads that nobody has gone on with, and notes on
// files that were growing in place. Whoever lists a directory clears it of those that are old.
import type { Stats } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { code_of } from '../errors.js';
import { decode_name, is_reserved, purpose_of, undo_name } from '../names.js';
import {
  close,
  create,
  fstat,
  fsync,
  ftruncate,
  list_names,
  open_home,
  open_own,
  open_path,
  read,
  reopen,
  stat_of,
  sync_directory,
  unlink,
  write,
} from './at.js';
import type { Settings } from './settings.js';
import type { Node } from './walk.js';

/** How long a file was before an upload goes on behind its end, and which process does it. */
interface Note {
  size: number;
  pid: number;
  /** of the process: the start of the machine, and the ticks after it; its number may soon be another's */
  started: string;
}

/** Writes the note, and with `sync` has it on the disk before anything is behind the file's end; EEXIST if there is one. */
export async function write_note(folder: number, stats: Stats, sync: boolean): Promise<void> {
  const note: Note = { size: stats.size, pid: process.pid, started: (await start_of(process.pid)) ?? '' };
  const fd = await create(folder, undo_name(stats.ino), 0o600);
  try {
    await write(fd, Buffer.from(JSON.stringify(note)), 0);
    if (sync) await fsync(fd);
    if (sync) await sync_directory(folder);
  } catch (error) {
    await ignore_missing(unlink(folder, undo_name(stats.ino)));
    throw error;
  } finally {
    close(fd);
  }
}

/** Removes the note: the file stays as it is. With `sync` also if the power fails now: a note that came back would cut the file. */
export async function remove_note(folder: number, inode: number, sync: boolean): Promise<void> {
  await unlink(folder, undo_name(inode));
  if (sync) await sync_directory(folder);
}

/**
 * Gives a file the length that it had if a process that is dead was growing it.
 *
 * @param node O_PATH descriptor, and what it is
 * @returns whether an upload that lives is growing the file
 */
export async function recover(folder: number, node: Node): Promise<boolean> {
  const note = await read_note(folder, node.stats.ino);
  if (note === undefined) return false;
  if (note.pid !== 0 && (await start_of(note.pid)) === note.started) return true;
  const fd = await reopen(node.fd, 'write');
  try {
    if (node.stats.size > note.size) {
      await ftruncate(fd, note.size);
      await fsync(fd);
    }
  } finally {
    close(fd);
  }
  await ignore_missing(remove_note(folder, node.stats.ino, false));
  return false;
}

/** Returns the note on a file; one that was cut short as it was written changes nothing, as no byte had been appended. */
async function read_note(folder: number, inode: number): Promise<Note | undefined> {
  let fd: number;
  try {
    fd = await open_own(folder, undo_name(inode));
  } catch (error) {
    if (code_of(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const buffer = Buffer.alloc(512);
    return parse_note(buffer.toString('utf8', 0, await read(fd, buffer, 0)));
  } finally {
    close(fd);
  }
}

function parse_note(text: string): Note {
  const none = { size: Number.MAX_SAFE_INTEGER, pid: 0, started: '' };
  try {
    const note: unknown = JSON.parse(text);
    if (typeof note !== 'object' || note === null || !('size' in note) || !('pid' in note)) return none;
    const { size, pid } = note;
    if (typeof size !== 'number' || typeof pid !== 'number') return none;
    return { size, pid, started: 'started' in note ? String(note.started) : '' };
  } catch {
    return none;
  }
}

/** Returns when a process began; undefined if there is none. */
async function start_of(pid: number): Promise<string | undefined> {
  try {
    const boot = (await readFile('/proc/sys/kernel/random/boot_id', 'latin1')).trim();
    const text = await readFile(`/proc/${pid}/stat`, 'latin1');
    // The second field, the name in brackets, may have blanks: counted from its end, the start is the 20th.
    return `${boot} ${text.slice(text.lastIndexOf(')') + 2).split(' ')[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * Removes from a directory what is older than `leftovers_s`.
 *
 * @param fd of the directory
 * @param names what is in it; read here by default
 * @param broken also broken uploads that are not old
 */
export async function clear_folder(
  fd: number,
  settings: Settings,
  { names, broken = false }: { names?: readonly string[] | undefined; broken?: boolean | undefined } = {},
): Promise<void> {
  const all = names ?? (await list_names(fd)).map(decode_name);
  for (const name of all.filter(is_reserved)) {
    const stats = await ignore_missing(stat_of(fd, name));
    if (stats === undefined || !stats.isFile()) continue;
    const old = Date.now() - stats.mtimeMs > settings.leftovers_s * 1000;
    const purpose = purpose_of(name);
    if (purpose === 'undo') await undo(fd, name, all);
    else if (old || (broken && purpose === 'broken')) {
      await ignore_missing(unlink(fd, name));
      if (purpose === 'broken') settings.quota?.settle(NOTHING, { bytes: -stats.size, files: -1 });
    }
  }
}

const NOTHING = { bytes: 0, files: 0 };

/** Looks for the file of a note, which has the note's inode in its name. A file that has gone needs no note. */
async function undo(folder: number, note: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    if (is_reserved(name)) continue;
    const stats = await ignore_missing(stat_of(folder, name));
    if (stats === undefined || !stats.isFile() || undo_name(stats.ino) !== note) continue;
    const fd = await ignore_missing(open_path(folder, name));
    if (fd === undefined) continue;
    try {
      await recover(folder, { fd, stats });
    } finally {
      close(fd);
    }
    return;
  }
  await ignore_missing(unlink(folder, note));
}

async function ignore_missing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (code_of(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** clear_folder() in a home and in all directories below it: for homes that nobody lists, as those of drop boxes. */
export async function clear_home(settings: Settings, signal?: AbortSignal): Promise<void> {
  await clear_below(await open_home(settings.home), settings, signal);
}

/** Clears an open directory and those in it, and closes it. */
async function clear_below(fd: number, settings: Settings, signal: AbortSignal | undefined): Promise<void> {
  try {
    signal?.throwIfAborted();
    const names = (await list_names(fd)).map(decode_name);
    await clear_folder(fd, settings, { names });
    const { dev } = fstat(fd);
    for (const name of names) {
      // Gone meanwhile, or not for the server to see: then there is nothing of it there.
      const below = await open_below(fd, name, dev).catch(() => undefined);
      if (below !== undefined) await clear_below(below, settings, signal);
    }
  } finally {
    close(fd);
  }
}

/** Opens a directory of the same file system; no link, and nothing else. */
async function open_below(folder: number, name: string, device: number): Promise<number | undefined> {
  if (!(await stat_of(folder, name)).isDirectory()) return undefined;
  const fd = await open_path(folder, name);
  const stats = fstat(fd);
  if (stats.isDirectory() && stats.dev === device) return fd;
  close(fd);
  return undefined;
}
