// A home as a tree in memory: what DiskFileSystem has to do, written down without a kernel, a descriptor or a race. `Refusal` has the code.

export class Refusal extends Error {
  constructor(readonly code: string) {
    super(code);
  }
}

export type Node = { type: 'file'; content: string } | { type: 'link'; target: string } | Directory;

export interface Directory {
  type: 'dir';
  entries: Map<string, Node>;
  /** broken uploads, by the name that they were to get */
  broken: Map<string, string>;
}

export function make_directory(): Directory {
  return { type: 'dir', entries: new Map(), broken: new Map() };
}

/** Where a path leads: the directory, the name there, and what has it. Without a name, the directory itself. */
interface Place {
  folder: Directory;
  name: string | undefined;
  node: Node | undefined;
}

export interface ModelUpload {
  options: { offset?: number; append?: boolean };
  content: string;
  end: 'commit' | 'keep' | 'drop';
}

export class Model {
  readonly root = make_directory();

  /** @param home the path of the home, which absolute links may begin with */
  constructor(private readonly home: string) {}

  get(path: string): string {
    const { node } = this.#find(path);
    if (node === undefined) throw new Refusal('ENOENT');
    if (node.type !== 'file') throw new Refusal('EISDIR');
    return node.content;
  }

  /** 'dir', or the bytes of the file or of the broken upload. */
  stat(path: string): string | number {
    const { folder, name, node } = this.#find(path, { create: true });
    if (node === undefined) {
      const broken = folder.broken.get(name ?? '');
      if (broken === undefined) throw new Refusal('ENOENT');
      return broken.length;
    }
    return node.type === 'file' ? node.content.length : node.type;
  }

  list(path: string): string[] {
    const { node } = this.#find(path);
    if (node === undefined) throw new Refusal('ENOENT');
    if (node.type !== 'dir') throw new Refusal('ENOTDIR');
    return [...node.entries].map(([name, { type }]) => `${name} ${type}`).sort();
  }

  upload(path: string, { options, content, end }: ModelUpload): void {
    const { folder, name = '', node } = this.#find(path, { create: true });
    if (node !== undefined && node.type !== 'file') throw new Refusal('EISDIR');
    const old = node?.content;
    const base = take_base(folder, name, old, options);
    const all = base + content;
    if (end === 'commit') {
      folder.entries.set(name, { type: 'file', content: all });
      folder.broken.delete(name);
    } else if (end === 'keep' && all.length > (old?.length ?? 0)) {
      folder.broken.set(name, all);
    }
  }

  make_directory(path: string): void {
    const { folder, name, node } = this.#find(path, { follow: false });
    if (name === undefined || node !== undefined) throw new Refusal('EEXIST');
    folder.entries.set(name, make_directory());
  }

  remove(path: string): void {
    const { folder, name, node } = this.#find(path, { follow: false });
    if (name === undefined) throw new Refusal('EACCES');
    if (node === undefined) throw new Refusal('ENOENT');
    if (node.type === 'dir') throw new Refusal('EISDIR');
    folder.entries.delete(name);
  }

  remove_directory(path: string): void {
    const { folder, name, node } = this.#find(path, { follow: false });
    if (name === undefined) throw new Refusal('EACCES');
    if (node === undefined) throw new Refusal('ENOENT');
    if (node.type !== 'dir') throw new Refusal('ENOTDIR');
    if (node.entries.size > 0) throw new Refusal('ENOTEMPTY');
    folder.entries.delete(name);
  }

  rename(from: string, to: string): void {
    const old = this.#find(from, { follow: false });
    if (old.name === undefined) throw new Refusal('EACCES');
    if (old.node === undefined) throw new Refusal('ENOENT');
    const target = this.#find(to, { follow: false });
    if (target.name === undefined) throw new Refusal('EACCES');
    if (is_within(target.folder, old.node)) throw new Refusal('EINVAL');
    if (target.node !== undefined && is_within(old.folder, target.node)) throw new Refusal('ENOTEMPTY');
    if (target.node === old.node) return;
    if (target.node !== undefined) check_replaced(old.node, target.node);
    old.folder.entries.delete(old.name);
    target.folder.entries.set(target.name, old.node);
  }

  /** Not a client's: puts a link there if the name is free. */
  symlink(path: string, target: string): boolean {
    const place = this.#find(path, { follow: false });
    if (place.name === undefined || place.node !== undefined) return false;
    place.folder.entries.set(place.name, { type: 'link', target });
    return true;
  }

  #find(path: string, { follow = true, create = false } = {}): Place {
    const names: string[] = [];
    for (const name of path.split('/')) {
      if (name === '..') names.pop();
      else if (name !== '' && name !== '.') names.push(name);
    }
    return this.#walk([this.root], names, follow, create, { links: 0 });
  }

  /** `stack` has the directories from the root to where the walk is. */
  #walk(
    stack: Directory[],
    names: string[],
    follow: boolean,
    create: boolean,
    count: { links: number },
  ): Place {
    const here = stack.at(-1) ?? this.root;
    const [name, ...rest] = names;
    if (name === undefined) return { folder: here, name: undefined, node: here };
    if (name === '..') {
      if (stack.length === 1) throw new Refusal('EACCES');
      return this.#walk(stack.slice(0, -1), rest, follow, create, count);
    }
    const node = here.entries.get(name);
    const last = rest.length === 0;
    if (last && !follow) return { folder: here, name, node };
    if (node === undefined && !(last && create)) throw new Refusal('ENOENT');
    if (node?.type === 'link') {
      if (++count.links > 40) throw new Refusal('ELOOP');
      const [from, parts] = this.#target(stack, node.target);
      return this.#walk(from, [...parts, ...rest], follow, create, count);
    }
    if (last) return { folder: here, name, node };
    if (node?.type !== 'dir') throw new Refusal('ENOTDIR');
    return this.#walk([...stack, node], rest, follow, create, count);
  }

  #target(stack: Directory[], target: string): [Directory[], string[]] {
    const parts = (text: string) => text.split('/').filter((part) => part !== '' && part !== '.');
    if (!target.startsWith('/')) return [stack, parts(target)];
    if (target !== this.home && !target.startsWith(`${this.home}/`)) throw new Refusal('EACCES');
    return [[this.root], parts(target.slice(this.home.length))];
  }
}

/** What an upload goes on with; a broken upload that it goes on with is no broken one any more. */
function take_base(
  folder: Directory,
  name: string,
  old: string | undefined,
  { offset = 0, append = false }: ModelUpload['options'],
): string {
  if (append && old) return old;
  if (!append && offset === 0) return '';
  if (!append && old !== undefined && offset <= old.length) return old.slice(0, offset);
  const broken = folder.broken.get(name);
  if (broken !== undefined && !(append && old !== undefined) && (append || offset <= broken.length)) {
    folder.broken.delete(name);
    return append ? broken : broken.slice(0, offset);
  }
  if (append) return '';
  throw new Refusal('EINVAL');
}

/** rename(2) replaces a file with a file, and an empty directory with a directory. */
function check_replaced(old: Node, replaced: Node): void {
  if (old.type === 'dir' && replaced.type !== 'dir') throw new Refusal('ENOTDIR');
  if (old.type !== 'dir' && replaced.type === 'dir') throw new Refusal('EISDIR');
  if (replaced.type === 'dir' && replaced.entries.size + replaced.broken.size > 0)
    throw new Refusal('ENOTEMPTY');
}

function is_within(folder: Directory, node: Node): boolean {
  if (node.type !== 'dir') return false;
  return node === folder || [...node.entries.values()].some((one) => is_within(folder, one));
}
