// @ts-check
// The first file system of a guest, as the kernel unpacks it: an archive of the form newc of cpio(5), and which modules go into it.

/** @typedef {{ name: string, mode: number, data?: Buffer | string }} Entry mode: with the type of the file, as in inode(7) */

export const FOLDER = 0o040755;
export const PROGRAM = 0o100755;
export const FILE = 0o100644;

/**
 * Makes an archive.
 *
 * @param {Entry[]} entries a folder before what is in it
 * @returns {Buffer}
 */
export function archive(entries) {
  return Buffer.concat([...entries, { name: 'TRAILER!!!', mode: 0 }].map(record));
}

/** @param {Entry} entry @param {number} index */
function record({ name, mode, data = '' }, index) {
  const content = Buffer.from(data);
  const [inode, owner, group, links, time, device, check] = [index + 1, 0, 0, 1, 0, 0, 0];
  const numbers = [
    ...[inode, mode, owner, group, links, time, content.length],
    ...[device, device, device, device, name.length + 1, check],
  ];
  const head = `070701${numbers.map((value) => value.toString(16).padStart(8, '0')).join('')}${name}\0`;
  return Buffer.concat([filled(Buffer.from(head)), filled(content)]);
}

/** Followed by zeros up to a multiple of four. @param {Buffer} bytes */
const filled = (bytes) => Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);

/**
 * The files of modules and of those on which they depend, in the order in which they are loaded.
 *
 * @param {string[]} names what is in the kernel itself is left out
 * @param {string} dependencies the text of modules.dep: modules.dep(5)
 * @param {string} builtin the text of modules.builtin
 * @returns {string[]} paths in the folder of the modules
 * @throws {Error} if the kernel has no such module
 */
export function load_order(names, dependencies, builtin) {
  /** @type {Map<string, { path: string, needs: string[] }>} */
  const modules = new Map();
  for (const line of dependencies.split('\n')) {
    const [path = '', rest = ''] = line.split(':');
    modules.set(name_of(path), { path, needs: rest.split(' ').filter((each) => each !== '') });
  }
  const inside = new Set(builtin.split('\n').map(name_of));
  const order = names.flatMap((name) => {
    const module = modules.get(name);
    if (module) return [...module.needs.toReversed(), module.path];
    if (inside.has(name)) return [];
    throw new Error(`the kernel has no module ${name}`);
  });
  return [...new Set(order)];
}

/** kernel/fs/9p/9p.ko.xz is 9p; a hyphen is an underscore. @param {string} path */
const name_of = (path) => (path.split('/').at(-1) ?? '').replace(/\.ko(\.\w+)?$/, '').replaceAll('-', '_');
