// What is to be moved: a file or a folder here, or on a target, as a list of files, folders and links with names relative to it. Names that a host
// sends are taken only if each is one component of a path; symbolic links are never followed.

import { constants } from 'node:fs';
import { lstat, readdir, readlink, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { safe_text } from '../view/text.js';
import { missing_as_undefined, TransferError, transfer_error } from './errors.js';
import type { Remote } from './remote.js';

export interface TreeFile {
  /** relative to the root, with /; '' is the root itself */
  readonly path: string;
  readonly size: number;
  /** permissions */
  readonly mode: number;
  /** seconds since 1970 */
  readonly mtime: number;
  /** when it was last read, as far as is known: the same unit */
  readonly atime: number;
}

export type TreeFolder = Omit<TreeFile, 'size'>;

export interface TreeLink extends TreeFolder {
  readonly target: string;
}

export interface Tree {
  /** the root is a folder */
  readonly is_folder: boolean;
  readonly files: readonly TreeFile[];
  /** with the root, outer ones first */
  readonly folders: readonly TreeFolder[];
  readonly links: readonly TreeLink[];
  /** what is neither: devices, sockets, pipes */
  readonly others: readonly string[];
}

const DEEPEST = 100;
const MOST = 5_000_000;
const PERMISSIONS = 0o777;

interface Item {
  readonly kind: 'file' | 'folder' | 'link' | 'other';
  readonly size: number;
  readonly mode: number;
  readonly mtime: number;
  readonly atime: number;
}

/** How a tree is read: the same walk here and there. */
interface Source {
  readonly root: string;
  item(path: string): Promise<Item>;
  list(path: string): Promise<readonly (readonly [name: string, item: Item | undefined])[]>;
  link(path: string): Promise<string>;
}

/**
 * Returns what a local file or folder has in it. The root may be a symbolic link.
 *
 * @throws TransferError
 */
export function local_tree(root: string): Promise<Tree> {
  const at = (path: string) => join(root, path);
  return walk({
    root,
    item: async (path) => {
      const found = await (path === '' ? stat(root) : lstat(at(path)));
      const kind = found.isFile()
        ? 'file'
        : found.isDirectory()
          ? 'folder'
          : found.isSymbolicLink()
            ? 'link'
            : 'other';
      return {
        kind,
        size: found.size,
        mode: found.mode & PERMISSIONS,
        mtime: Math.floor(found.mtimeMs / 1000),
        atime: Math.floor(found.atimeMs / 1000),
      };
    },
    list: async (path) => (await readdir(at(path))).sort().map((name) => [name, undefined]),
    link: (path) => readlink(at(path)),
  });
}

/**
 * Returns what a file or folder of a target has in it. The root may be a symbolic link.
 *
 * @throws TransferError, also for a name that leads elsewhere
 */
export function remote_tree(remote: Remote, root: string): Promise<Tree> {
  const at = (path: string) => (path === '' ? root : `${root}/${path}`);
  return walk({
    root,
    item: async (path) => {
      const found = await remote.stat(at(path));
      if (found === undefined) throw new TransferError('transfer', root, 'no such file or directory');
      return item_of(found);
    },
    list: async (path) => {
      const entries = await remote.list(at(path));
      return entries.map(({ name, attributes }) => [name, item_of(attributes)]);
    },
    link: (path) => remote.read_link(at(path)),
  });
}

const { S_IFMT, S_IFREG, S_IFDIR, S_IFLNK } = constants;
const KINDS: ReadonlyMap<number, Item['kind']> = new Map([
  [S_IFREG, 'file'],
  [S_IFDIR, 'folder'],
  [S_IFLNK, 'link'],
]);

/** What a server says of a file: it need not say any of it. */
type Attributes = Partial<Record<'mode' | 'size' | 'mtime' | 'atime', number>>;

function item_of({ mode = 0, size = 0, mtime = 0, atime = 0 }: Attributes): Item {
  return { kind: KINDS.get(mode & S_IFMT) ?? 'other', size, mode: mode & PERMISSIONS, mtime, atime };
}

async function walk(source: Source): Promise<Tree> {
  const tree = {
    files: [] as TreeFile[],
    folders: [] as TreeFolder[],
    links: [] as TreeLink[],
    others: [] as string[],
  };
  const take = async (path: string, { kind, size, ...item }: Item): Promise<boolean> => {
    if (kind === 'file') tree.files.push({ path, size, ...item });
    else if (kind === 'link') tree.links.push({ path, ...item, target: await source.link(path) });
    else if (kind === 'other') tree.others.push(path);
    else tree.folders.push({ path, ...item });
    return kind === 'folder';
  };
  try {
    const is_folder = await take('', await source.item(''));
    const waiting: { path: string; depth: number }[] = is_folder ? [{ path: '', depth: 0 }] : [];
    let count = 0;
    for (let folder = waiting.pop(); folder !== undefined; folder = waiting.pop()) {
      const { path: parent, depth } = folder;
      if (depth > DEEPEST) throw new TransferError('transfer', source.root, 'folders are nested too deeply');
      const listed = source.list(parent);
      const entries = parent === '' ? await listed : await missing_as_undefined(listed);
      for (const [name, known] of entries ?? []) {
        count += 1;
        if (count > MOST) throw new TransferError('transfer', source.root, 'there are too many files');
        check_name(name, source.root);
        const path = parent === '' ? name : `${parent}/${name}`;
        // What is removed or renamed after it was listed is left out.
        const item = known ?? (await missing_as_undefined(source.item(path)));
        if (item !== undefined && (await missing_as_undefined(take(path, item))))
          waiting.push({ path, depth: depth + 1 });
      }
    }
    return { is_folder, ...tree };
  } catch (error) {
    throw transfer_error(error, source.root);
  }
}

/** @throws TransferError when the name is more than one component of a path, or none */
function check_name(name: string, root: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name))
    throw new TransferError('transfer', root, `a listing has the name ${JSON.stringify(safe_text(name))}`);
}
