// Parts that transfers have left: unfinished files which nobody has resumed. A part that is being written has a new time of change, and one that is
// being verified a new time of access, so its age tells that it is left over.

import { lstat, unlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { TransferError } from './errors.js';
import type { Remote } from './remote.js';
import {
  each,
  FILES_AT_ONCE,
  is_part,
  Tally,
  type TransferOptions,
  type TransferResult,
} from './transfer.js';
import { local_tree, remote_tree, type Tree } from './tree.js';

export interface CleanOptions extends Pick<TransferOptions, 'dry_run' | 'signal' | 'on_file'> {
  /** parts that were last touched before this stay: seconds since 1970, of this machine's clock */
  readonly before: number;
}

/**
 * Removes left-over parts in a folder of a target, and in the folders in it.
 *
 * @returns the parts: removed, or would be
 * @throws TransferError when there is no such folder, the connection is lost, or the signal is aborted
 */
export function clean(remote: Remote, folder: string, options: CleanOptions): Promise<TransferResult> {
  return remote.until(options.signal, async () =>
    remove_parts(await remote_tree(remote, folder), folder, options, {
      path_of: (path) => posix.join(folder, path),
      touched: async (path) => (await remote.lstat(path)) ?? undefined,
      remove: (path) => remote.remove(path),
    }),
  );
}

/**
 * The same in a folder of this machine, where `get` leaves its parts.
 *
 * @throws TransferError when there is no such folder
 */
export async function clean_here(folder: string, options: CleanOptions): Promise<TransferResult> {
  return remove_parts(await local_tree(folder), folder, options, {
    path_of: (path) => join(folder, path),
    touched: async (path) => {
      const found = await lstat(path).catch(() => undefined);
      return found && { mtime: found.mtimeMs / 1000, atime: found.atimeMs / 1000 };
    },
    remove: unlink,
  });
}

interface Touched {
  readonly mtime: number;
  readonly atime: number;
}

interface Place {
  path_of(path: string): string;
  touched(path: string): Promise<Touched | undefined>;
  remove(path: string): Promise<void>;
}

async function remove_parts(
  tree: Tree,
  folder: string,
  options: CleanOptions,
  place: Place,
): Promise<TransferResult> {
  if (!tree.is_folder) throw new TransferError('transfer', folder, 'is no folder');
  const tally = new Tally(options);
  const is_old = ({ mtime, atime }: Touched) => Math.max(mtime, atime) < options.before;
  // To list a link is to access it; it was made at once, and nobody goes on with it.
  const links = tree.links.map(({ path, mtime }) => ({ path, size: 0, mtime, atime: mtime, is_link: true }));
  const files = tree.files.map((file) => ({ ...file, is_link: false }));
  const parts = [...files, ...links].filter((file) => is_part(file.path) && is_old(file));
  await each(parts, FILES_AT_ONCE, async ({ path: name, size, is_link }) => {
    const path = place.path_of(name);
    tally.check();
    try {
      if (!options.dry_run) {
        // Somebody may go on with it since the folder was listed.
        const now = await place.touched(path);
        if (now === undefined || !(is_link || is_old(now))) return;
        await place.remove(path);
      }
      tally.add({ path, state: options.dry_run ? 'would remove' : 'removed', size, sent: 0 });
    } catch (error) {
      tally.fail(error, path, size, 0);
    }
  });
  return tally.result([]);
}
