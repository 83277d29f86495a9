// DiskFileSystem: the files of a user are those below a directory of the machine, the home. How a path is walked is in walk.ts, what becomes
// of an upload in upload.ts and what is left of broken ones in leftovers.ts; here is one method for each thing that a client asks.
import type { Stats } from 'node:fs';
import { basename } from 'node:path/posix';
import type { Quota } from '../guard/types.js';
import { at_path, code_of, FileError } from './errors.js';
import {
  close,
  list_names,
  mkdir,
  read,
  rename,
  rmdir,
  set_mode,
  set_times,
  stat_of,
  unlink,
} from './files/at.js';
import {
  counted_size,
  entry,
  look,
  open_broken,
  open_file,
  or_missing,
  rename_new,
} from './files/entries.js';
import { hash_range } from './files/hash.js';
import { clear_folder, clear_home } from './files/leftovers.js';
import { owner_names } from './files/owners.js';
import type { Settings } from './files/settings.js';
import { begin_upload } from './files/upload.js';
import { scan_once } from './files/usage.js';
import { type Node, type Place, type WalkOptions, with_place } from './files/walk.js';
import { broken_name, decode_name, is_reserved } from './names.js';
import { demand, PERMISSIONS } from './permissions.js';
import type { Entry, FileSystem, HashName, OpenFile, Permission, Upload, UploadOptions } from './types.js';

/** How many files of a directory are looked at at once. */
const LOOKS = 256;
/** Permission bits that a client may set: no set-user-ID, which would be a way to run as the server. */
const MODE_BITS = 0o777;

/** What a DiskFileSystem may be told. */
export interface DiskOptions {
  /** what the user may do. Default everything */
  permissions?: ReadonlySet<Permission> | undefined;
  /** the user whose broken uploads go on. Default '' */
  user?: string | undefined;
  /** counts bytes and files, and says when it is enough. Default no limit */
  quota?: Quota | undefined;
  /** fsync before an upload has its name. Default true */
  sync?: boolean | undefined;
  /** seconds after which what is left of an upload is removed. Default a day */
  leftovers_s?: number | undefined;
  /** bytes from which a file is not copied for an APPE, but grows in place. Default 64 MiB */
  in_place_bytes?: number | undefined;
}

/** The files below a directory. Several may have the same home, in several threads and processes. */
export class DiskFileSystem implements FileSystem {
  readonly #settings: Settings;

  /**
   * @param home path of the machine; it exists when the first method is called
   * @param options see DiskOptions
   */
  constructor(home: string, options: DiskOptions = {}) {
    if (!home.startsWith('/'))
      throw new TypeError(`home must be an absolute path, not ${JSON.stringify(home)}`);
    this.#settings = {
      home,
      permissions: options.permissions ?? new Set(PERMISSIONS),
      user: options.user ?? '',
      quota: options.quota,
      sync: options.sync ?? true,
      leftovers_s: options.leftovers_s ?? 86_400,
      in_place_bytes: options.in_place_bytes ?? 64 * 1024 * 1024,
    };
  }

  /** A broken upload of this user to a name that has no file counts as the file: SIZE says where REST goes on. */
  async stat(path: string): Promise<Entry> {
    this.#demand(path, 'list');
    const names = await owner_names();
    return this.#at(path, { missing: true }, async (place) => {
      const stats = place.node?.stats ?? (await this.#broken(place));
      if (stats === undefined) throw new FileError('ENOENT', path);
      return entry(basename(path) || '/', stats, names);
    });
  }

  async *list(path: string): AsyncGenerator<Entry> {
    this.#demand(path, 'list');
    const names = await owner_names();
    // The directory is read whole, and the looks at its files go by its path again: no descriptor waits for a slow client.
    const found = await this.#directory(path, async (fd) => {
      const names = (await list_names(fd)).map(decode_name);
      await clear_folder(fd, this.#settings, { names });
      return names.filter((name) => !is_reserved(name));
    });
    for (let at = 0; at < found.length; at += LOOKS) {
      const some = found.slice(at, at + LOOKS);
      yield* await this.#directory(path, async (fd) => {
        const looks = await Promise.all(some.map((name) => look(fd, name, names)));
        return looks.filter((one) => one !== undefined);
      });
    }
  }

  async open(path: string): Promise<OpenFile> {
    this.#demand(path, 'read');
    return this.#at(path, {}, async (place) => {
      const { fd, size } = await open_file(place, path, this.#settings);
      let closed = false;
      return {
        fd,
        size,
        read: (buffer, position) => at_path(path, () => read(fd, buffer, position)),
        close: async () => {
          if (closed) return;
          closed = true;
          close(fd);
        },
      };
    });
  }

  async upload(path: string, options: UploadOptions = {}): Promise<Upload> {
    return at_path(path, () => begin_upload(this.#settings, path, options));
  }

  async remove(path: string): Promise<void> {
    this.#demand(path, 'delete');
    await this.#at(path, { follow: false }, async ({ folder, name }) => {
      const stats = await stat_of(folder, no_home(name, path));
      if (stats.isDirectory()) throw new FileError('EISDIR', path);
      await unlink(folder, name);
      await this.#freed(counted_size(stats), 1);
    });
  }

  async make_directory(path: string): Promise<void> {
    this.#demand(path, 'mkdir');
    const { quota } = this.#settings;
    await this.#at(path, { follow: false, create: true }, async ({ folder, name }) => {
      if (name === '') throw new FileError('EEXIST', path);
      if ((await quota?.take(0, 0, 1)) === undefined && quota !== undefined)
        throw new FileError('EDQUOT', path);
      let made = 0;
      try {
        await mkdir(folder, name);
        made = 1;
      } finally {
        quota?.settle({ bytes: 0, files: 1 }, { bytes: 0, files: made });
      }
    });
  }

  async remove_directory(path: string): Promise<void> {
    this.#demand(path, 'rmdir');
    await this.#at(path, { follow: false }, async ({ folder, name }) => {
      no_home(name, path);
      try {
        await rmdir(folder, name);
      } catch (error) {
        if (code_of(error) !== 'ENOTEMPTY') throw error;
        // Broken uploads, which the client does not see, go with a directory that has nothing else.
        await this.#directory(path, async (fd) => {
          const names = (await list_names(fd)).map(decode_name);
          if (!names.every(is_reserved)) throw error;
          await clear_folder(fd, this.#settings, { names, broken: true });
        });
        await rmdir(folder, name);
      }
      await this.#freed(0, 1);
    });
  }

  /** A file that has the new name is replaced if the user may overwrite. */
  async rename(from: string, to: string): Promise<void> {
    this.#demand(from, 'rename');
    await this.#at(from, { follow: false }, async (old) => {
      const stats = await stat_of(old.folder, no_home(old.name, from));
      await this.#at(to, { follow: false, create: true }, async ({ folder, name }) => {
        if (name === '') throw new FileError('EACCES', to);
        const replaced = await or_missing(stat_of(folder, name));
        if (replaced === undefined && stats.isDirectory()) return rename(old.folder, old.name, folder, name);
        if (this.#settings.permissions.has('overwrite')) {
          await rename(old.folder, old.name, folder, name);
          const same = replaced?.ino === stats.ino && replaced.dev === stats.dev;
          if (replaced !== undefined && !same) await this.#freed(counted_size(replaced), 1);
          return;
        }
        if (replaced !== undefined) throw new FileError('EEXIST', to);
        await rename_new(old.folder, old.name, folder, name);
      });
    });
  }

  async set_modified(path: string, modified_ms: number): Promise<void> {
    this.#demand(path, 'modify');
    // What a Date can hold; NaN is not below anything.
    if (!(Math.abs(modified_ms) <= 8.64e15))
      throw new FileError('EINVAL', path, 'the time is a number of ms');
    await this.#node(path, ({ fd, stats }) => set_times(fd, stats.atimeMs, modified_ms));
  }

  async set_mode(path: string, mode: number): Promise<void> {
    this.#demand(path, 'modify');
    if (!Number.isInteger(mode) || mode < 0 || mode > MODE_BITS) {
      throw new FileError('EINVAL', path, 'a mode has the bits 0 to 0o777');
    }
    await this.#node(path, ({ fd }) => set_mode(fd, mode));
  }

  /** Also of a broken upload, so that a client can compare before it goes on. */
  async hash(
    path: string,
    name: HashName,
    options: { start?: number | undefined; end?: number | undefined; signal?: AbortSignal | undefined } = {},
  ): Promise<string> {
    const { start = 0, end = Number.MAX_SAFE_INTEGER, signal } = options;
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
      throw new FileError('EINVAL', path, 'a range has a start and an end behind it');
    }
    const open = await this.#at(path, { missing: true }, async (place) => {
      if (place.node !== undefined) {
        this.#demand(path, 'read');
        return (await open_file(place, path, this.#settings)).fd;
      }
      // A user who brought the bytes may hear their hash.
      this.#demand(path, 'read', 'write');
      const stats = await this.#broken(place);
      if (stats === undefined) throw new FileError('ENOENT', path);
      return open_broken(place, this.#settings.user);
    });
    try {
      return await at_path(path, () => hash_range(open, name, start, end, signal));
    } finally {
      close(open);
    }
  }

  async usage(): Promise<{ bytes: number; files: number; max_bytes: number; max_files: number }> {
    const { quota, home } = this.#settings;
    if (quota !== undefined) return quota.usage();
    const { bytes, files } = await at_path('/', () => scan_once(home));
    return { bytes, files, max_bytes: Number.POSITIVE_INFINITY, max_files: Number.POSITIVE_INFINITY };
  }

  /**
   * Removes what uploads have left and nobody has gone on with, in all directories. Listing a directory does it for that one.
   *
   * @throws the signal's reason
   */
  clear(signal?: AbortSignal): Promise<void> {
    return at_path('/', () => clear_home(this.#settings, signal));
  }

  #demand(path: string, ...wanted: Permission[]): void {
    demand(this.#settings.permissions, path, ...wanted);
  }

  /** with_place() whose errors have the client's path. */
  #at<T>(path: string, options: WalkOptions, use: (place: Place) => Promise<T>): Promise<T> {
    return at_path(path, () => with_place(this.#settings.home, path, options, use));
  }

  #node<T>(path: string, use: (node: Node) => Promise<T>): Promise<T> {
    return this.#at(path, {}, ({ node }) => {
      if (node === undefined) throw new FileError('ENOENT', path);
      if (!node.stats.isFile() && !node.stats.isDirectory()) throw new FileError('EINVAL', path);
      return use(node);
    });
  }

  #directory<T>(path: string, use: (fd: number) => Promise<T>): Promise<T> {
    return this.#at(path, {}, ({ node }) => {
      if (!node?.stats.isDirectory()) throw new FileError('ENOTDIR', path);
      return use(node.fd);
    });
  }

  #broken({ folder, name }: Place): Promise<Stats | undefined> {
    return or_missing(stat_of(folder, broken_name(this.#settings.user, name)));
  }

  async #freed(bytes: number, files: number): Promise<void> {
    this.#settings.quota?.settle({ bytes: 0, files: 0 }, { bytes: -bytes, files: -files });
  }
}

/** The home itself is neither removed nor renamed. */
function no_home(name: string, path: string): string {
  if (name === '') throw new FileError('EACCES', path);
  return name;
}
