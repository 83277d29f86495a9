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

/** Adds what is in a directory, and closes it. */
async function scan_directory(fd: number, usage: Usage): Promise<void> {
  try {
    const own = await fstat(fd);
    for (const bytes of await list_names(fd)) await scan_name(fd, own.dev, decode_name(bytes), usage);
  } finally {
    await close(fd);
  }
}

async function scan_name(folder: number, device: number, name: string, usage: Usage): Promise<void> {
  const purpose = purpose_of(name);
  if (purpose === 'running' || purpose === 'undo') return;
  try {
    const stats = await stat_of(folder, name);
    usage.files += 1;
    if (stats.isFile()) usage.bytes += stats.size;
    if (!stats.isDirectory()) return;
    const fd = await open_path(folder, name);
    const opened = await fstat(fd);
    // Another file system that is mounted here has limits of its own, and a link may have taken the directory's place.
    if (opened.isDirectory() && opened.dev === device) await scan_directory(fd, usage);
    else await close(fd);
  } catch (error) {
    const code = code_of(error);
    // Gone meanwhile, or not for us to see.
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'ENOTDIR') throw error;
  }
}
