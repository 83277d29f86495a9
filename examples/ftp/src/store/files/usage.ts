// What a home holds: a walk over all of it, by descriptors and past symbolic links, for the quota's count.
import { code_of } from '../errors.js';
import { decode_name, purpose_of } from '../names.js';
import { close, fstat, list_names, open_home, open_path, stat_of } from './at.js';

/** Bytes, and files and directories: each takes an inode. */
export interface Usage {
  bytes: number;
  files: number;
}

/**
 * Counts what is below a home. Uploads that run are not counted, as those who run them have reserved their bytes; broken ones are.
 *
 * @param home path of the machine
 */
export async function scan(home: string): Promise<Usage> {
  const usage = { bytes: 0, files: 0 };
  await scan_directory(await open_home(home), usage);
  return usage;
}

const running = new Map<string, Promise<Usage>>();

/** scan(), but if a scan of this home runs, its result: clients may ask as often as they like. */
export function scan_once(home: string): Promise<Usage> {
  let scanning = running.get(home);
  if (scanning === undefined) {
    scanning = scan(home).finally(() => running.delete(home));
    running.set(home, scanning);
  }
  return scanning;
}

/** How many names are looked at at once. */
const LOOKS = 64;

/** Adds what is in a directory, and closes it. */
async function scan_directory(fd: number, usage: Usage): Promise<void> {
  try {
    const own = fstat(fd);
    const names = (await list_names(fd)).map(decode_name).filter(is_counted);
    for (let at = 0; at < names.length; at += LOOKS) {
      const some = names.slice(at, at + LOOKS);
      const directories = await Promise.all(some.map((name) => unless_gone(() => look(fd, name, usage))));
      // One after the other: as many descriptors as the home is deep.
      for (const name of directories) {
        if (name !== undefined) await unless_gone(() => scan_below(fd, own.dev, name, usage));
      }
    }
  } finally {
    close(fd);
  }
}

function is_counted(name: string): boolean {
  const purpose = purpose_of(name);
  return purpose !== 'running' && purpose !== 'undo';
}

/** Adds a name, and returns it if it is a directory. */
async function look(folder: number, name: string, usage: Usage): Promise<string | undefined> {
  const stats = await stat_of(folder, name);
  usage.files += 1;
  if (stats.isFile()) usage.bytes += stats.size;
  return stats.isDirectory() ? name : undefined;
}

async function scan_below(folder: number, device: number, name: string, usage: Usage): Promise<void> {
  const fd = await open_path(folder, name);
  const stats = fstat(fd);
  // Another file system that is mounted here has limits of its own, and a link may have taken the directory's place.
  if (stats.isDirectory() && stats.dev === device) await scan_directory(fd, usage);
  else close(fd);
}

/** Takes no notice of what has gone meanwhile, or is not for the server to see. */
async function unless_gone<T>(call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    const code = code_of(error);
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error;
    return undefined;
  }
}
