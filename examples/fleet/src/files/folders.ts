// Folders of a tree where it goes to, here or on a target: made before their files, outer ones first; their modes and times are set when all is in them,
// inner ones first.

import { constants } from 'node:fs';
import { lstat, mkdir, open, realpath, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import { missing_as_undefined, TransferError, transfer_error } from './errors.js';
import type { Remote } from './remote.js';
import { each, FILES_AT_ONCE, type Tally } from './transfer.js';
import type { TreeFolder } from './tree.js';

/** Who makes files in a folder needs them. */
const ENTER_AND_WRITE = 0o300;
/** Bits of a mode beside the permissions, as set-group-ID, which decides whose the files in a folder are. */
const SPECIAL = 0o7000;

interface Found {
  /** 'other' is no folder, and no link */
  readonly kind: 'folder' | 'link' | 'other';
  readonly mode: number;
  /** seconds since 1970 */
  readonly mtime: number;
}

/** Where the folders are. */
interface Place {
  /** Follows a link only if it is asked to. */
  find(path: string, follow: boolean): Promise<Found | undefined>;
  make(path: string, mode: number): Promise<void>;
  /** Returns the path of a folder without links. */
  real(path: string): Promise<string>;
  /** Sets the permissions, or the time. */
  set(path: string, attributes: { mode?: number; mtime?: number }): Promise<void>;
}

export class Folders {
  #keep_root: boolean;
  #real: string | undefined;

  private constructor(
    private readonly place: Place,
    private readonly folders: readonly TreeFolder[],
    private readonly to: (path: string) => string,
    /** where all of it is: it may be a link, but always the same */
    private readonly base: string,
    keep_root: boolean,
  ) {
    this.#keep_root = keep_root;
  }

  /**
   * Makes the folders that are missing. One that is there has to let its owner write for now.
   *
   * @param to returns a folder's path from that in the tree; of a file without folders the tree has none
   * @param keep_root the root gets its mode and time also if it was there
   * @throws TransferError when one cannot be made, or something else has its name: a link could lead anywhere
   */
  static async make(
    place: Place,
    folders: readonly TreeFolder[],
    to: (path: string) => string,
    keep_root: boolean,
  ): Promise<Folders> {
    const base = folders.length > 0 ? to('') : posix.dirname(to(''));
    const made = new Folders(place, folders, to, base, keep_root);
    for (const level of levels_of(folders)) await each(level, FILES_AT_ONCE, (folder) => made.#make(folder));
    made.#real = await place.real(base).catch(unless_lost(base));
    return made;
  }

  async #make({ path, mode }: TreeFolder): Promise<void> {
    const name = this.to(path);
    try {
      const found = await this.place.find(name, path === '');
      if (found === undefined) {
        if (path === '') this.#keep_root = true;
        return await this.place.make(name, mode | 0o700);
      }
      check_folder(found, name);
      if ((found.mode & ENTER_AND_WRITE) === ENTER_AND_WRITE || (path === '' && !this.#keep_root)) return;
      // Who may not do that may write all the same: root needs no permission.
      await this.place.set(name, { mode: found.mode | ENTER_AND_WRITE }).catch(unless_lost(name));
    } catch (error) {
      throw transfer_error(error, name);
    }
  }

  /**
   * Looks whether the folders of files are still folders: who may write where they are could have put links in their places. (Between the look and
   * what follows it they still could: SFTP knows no other way to a file than its whole path.)
   *
   * @param paths of files in the tree
   * @throws TransferError when one is none
   */
  async check(paths: readonly string[]): Promise<void> {
    if ((await this.place.real(this.base).catch(unless_lost(this.base))) !== this.#real)
      throw new TransferError('transfer', this.base, 'was exchanged for another folder');
    await each(new Set(paths.flatMap(parents_of)), FILES_AT_ONCE, async (path) => {
      const name = this.to(path);
      try {
        check_folder(await this.place.find(name, false), name);
      } catch (error) {
        throw transfer_error(error, name);
      }
    });
  }

  /** Gives the folders their modes and times. A mode that cannot be given is a failure; times are only their owner's to give. */
  async finish(tally: Tally): Promise<void> {
    for (const level of levels_of(this.folders).reverse()) {
      await each(level, FILES_AT_ONCE, async (folder) => {
        if (folder.path === '' && !this.#keep_root) return;
        const name = this.to(folder.path);
        try {
          await this.#finish(name, folder);
        } catch (error) {
          tally.fail(error, name, 0, 0);
        }
      });
    }
  }

  async #finish(name: string, { path, mode, mtime }: TreeFolder): Promise<void> {
    const found = await this.place.find(name, false);
    if (path === '' && found?.kind === 'link') return;
    check_folder(found, name);
    const wanted = (found.mode & SPECIAL) | mode;
    if (found.mtime !== mtime) await this.place.set(name, { mtime }).catch(unless_lost(name));
    if (found.mode !== wanted) await this.place.set(name, { mode: wanted });
  }
}

/** Ignores an error of the file system, and only that. */
function unless_lost(path: string): (error: unknown) => undefined {
  return (error) => {
    const known = transfer_error(error, path);
    if (known.failure !== 'transfer') throw known;
    return undefined;
  };
}

function check_folder(found: Found | undefined, name: string): asserts found is Found {
  if (found === undefined) throw new TransferError('transfer', name, 'no such file or directory');
  if (found.kind === 'link') throw new TransferError('transfer', name, 'is a link, not a folder');
  if (found.kind !== 'folder') throw new TransferError('transfer', name, 'is no folder');
}

function levels_of(folders: readonly TreeFolder[]): TreeFolder[][] {
  const levels: TreeFolder[][] = [];
  for (const folder of folders) {
    const depth = folder.path === '' ? 0 : folder.path.split('/').length;
    const level = levels[depth] ?? [];
    levels[depth] = level;
    level.push(folder);
  }
  return levels;
}

/** Returns the folders between the root and a file, without the root. */
function parents_of(path: string): string[] {
  const names = path.split('/').slice(0, -1);
  return names.map((_, index) => names.slice(0, index + 1).join('/'));
}

interface Stats {
  readonly mode: number;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
}

function found_of(stats: Stats, mtime: number): Found {
  const kind = stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other';
  return { kind, mode: stats.mode & 0o7777, mtime };
}

/** Folders of a target. */
export function folders_there(remote: Remote): Place {
  return {
    find: async (path, follow) => {
      const stats = await (follow ? remote.stat(path) : remote.lstat(path));
      return stats && found_of(stats, stats.mtime);
    },
    make: (path, mode) => remote.make_folder(path, mode),
    real: (path) => remote.real_path(path),
    set: (path, { mode, mtime }) =>
      remote.set_attributes_of(path, {
        ...(mode === undefined ? {} : { mode }),
        ...(mtime === undefined ? {} : { atime: mtime, mtime }),
      }),
  };
}

/** Folders of this machine. */
export const FOLDERS_HERE: Place = {
  find: async (path, follow) => {
    const stats = await missing_as_undefined(follow ? stat(path) : lstat(path));
    return stats && found_of(stats, Math.floor(stats.mtimeMs / 1000));
  },
  make: async (path, mode) => void (await mkdir(path, mode)),
  real: (path) => realpath(path),
  set: async (path, { mode, mtime }) => {
    const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
    const folder = await open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      if (mode !== undefined) await folder.chmod(mode);
      if (mtime !== undefined) await folder.utimes(mtime, mtime);
    } finally {
      await folder.close();
    }
  },
};
