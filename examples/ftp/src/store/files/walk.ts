// The way from a user's home to a file: one directory at a time, each by a descriptor of the one before and without following a link. So it
// does not matter who renames or replaces what meanwhile: what is open is in the home. A symbolic link is read and followed here, name by
// name, and where it leaves the home the answer is EACCES.
import type { Stats } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { code_of, FileError } from '../errors.js';
import { decode_name, is_reserved, split_path } from '../names.js';
import { close, fstat, open_home, open_path, read_link } from './at.js';

/** As many links in one path as Linux follows (path_resolution(7)). */
const MOST_LINKS = 40;

/** What has a name: a descriptor (O_PATH) of it, and what it is. */
export interface Node {
  readonly fd: number;
  readonly stats: Stats;
}

/** Where a path leads. */
export interface Place {
  /** descriptor (O_PATH) of the directory that holds it; that of the home itself if the path is the home */
  folder: number;
  /** its name there; '' for a directory that the way has ended in, as the home */
  name: string;
  /** undefined if there is none, or if a link in the last place was not to be followed */
  node: Node | undefined;
}

/** How the last name of a path is taken. */
export interface WalkOptions {
  /** a link there is followed, and the node opened. Default true */
  follow?: boolean | undefined;
  /** it may be missing. Default false */
  missing?: boolean | undefined;
  /** the same, and it is about to get there: the server's own names are EACCES and not ENOENT */
  create?: boolean | undefined;
}

/** One walk; close() closes what it has open. */
class Walk {
  #folder = -1;
  #links = 0;
  /** names of the directories from the home to #folder; none of them is a link */
  #done: string[] = [];

  constructor(
    readonly home: string,
    readonly path: string,
    readonly options: WalkOptions,
    private rest: string[],
  ) {}

  async run(): Promise<Place> {
    await this.#begin();
    for (;;) {
      const name = this.rest[0];
      if (name === undefined) return this.#here();
      const place = name === '..' ? await this.#up() : await this.#step(name);
      if (place !== undefined) return place;
    }
  }

  close(): void {
    if (this.#folder === -1) return;
    const fd = this.#folder;
    this.#folder = -1;
    close(fd);
  }

  async #begin(): Promise<void> {
    this.close();
    this.#folder = await open_home(this.home);
    this.#done = [];
  }

  /** The path ends in the directory that the walk is in. */
  #here(): Place {
    const fd = this.#folder;
    return { folder: fd, name: '', node: { fd, stats: fstat(fd) } };
  }

  /** '..' comes only from links; the names before it are no links, so that the directory above is the one of the name before. */
  async #up(): Promise<undefined> {
    if (this.#done.length === 0) throw new FileError('EACCES', this.path);
    this.rest = [...this.#done.slice(0, -1), ...this.rest.slice(1)];
    await this.#begin();
  }

  /** Goes on by one name. @returns where the path leads if that was the last */
  async #step(name: string): Promise<Place | undefined> {
    const last = this.rest.length === 1;
    const { follow = true, create = false, missing = create } = this.options;
    if (is_reserved(name)) throw new FileError(last && create ? 'EACCES' : 'ENOENT', this.path);
    if (last && !follow) return { folder: this.#folder, name, node: undefined };
    const node = await open_node(this.#folder, name, last && missing);
    if (node?.stats.isSymbolicLink()) {
      close(node.fd);
      return this.#follow(name);
    }
    if (last || node === undefined) return { folder: this.#folder, name, node };
    this.#enter(name, node);
    return undefined;
  }

  #enter(name: string, { fd, stats }: Node): void {
    if (!stats.isDirectory()) {
      close(fd);
      throw new FileError('ENOTDIR', this.path);
    }
    this.close();
    this.#folder = fd;
    this.#done.push(name);
    this.rest = this.rest.slice(1);
  }

  async #follow(name: string): Promise<undefined> {
    if (++this.#links > MOST_LINKS) throw new FileError('ELOOP', this.path);
    let target: string;
    try {
      target = decode_name(await read_link(this.#folder, name));
    } catch (error) {
      // No link any more: the next step looks again.
      if (code_of(error) === 'EINVAL') return;
      throw error;
    }
    const absolute = target.startsWith('/');
    const inside = absolute ? await this.#inside(target) : target;
    const before = absolute ? [] : this.#done;
    const names = inside.split('/').filter((part) => part !== '' && part !== '.');
    this.rest = [...before, ...names, ...this.rest.slice(1)];
    await this.#begin();
  }

  /** Returns what of an absolute target is behind the home's own path. */
  async #inside(target: string): Promise<string> {
    for (const home of new Set([this.home, await realpath(this.home)])) {
      const prefix = home.endsWith('/') ? home : `${home}/`;
      if (`${target}/`.startsWith(prefix)) return target.slice(prefix.length);
    }
    throw new FileError('EACCES', this.path);
  }
}

/** Opens a name as it is. @returns undefined if it is missing and may be */
async function open_node(folder: number, name: string, missing: boolean): Promise<Node | undefined> {
  try {
    const fd = await open_path(folder, name);
    return { fd, stats: fstat(fd) };
  } catch (error) {
    if (!missing || code_of(error) !== 'ENOENT') throw error;
    return undefined;
  }
}

/**
 * Walks from a home to where a path leads, calls `use` with the place, and closes the place's descriptors after it.
 *
 * @param home path of the machine
 * @param path as the client sees it
 * @throws FileError EACCES if the way leaves the home, ELOOP, EINVAL; errors of the kernel (ENOENT, ENOTDIR, ENAMETOOLONG …)
 */
export async function with_place<T>(
  home: string,
  path: string,
  options: WalkOptions,
  use: (place: Place) => Promise<T>,
): Promise<T> {
  const walk = new Walk(home, path, options, split_path(path));
  try {
    const place = await walk.run();
    try {
      return await use(place);
    } finally {
      if (place.node !== undefined && place.node.fd !== place.folder) close(place.node.fd);
    }
  } finally {
    walk.close();
  }
}
