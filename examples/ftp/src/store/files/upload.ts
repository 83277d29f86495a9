// Uploads: the bytes go to a file of the server's own name beside the target, which gets the target's name when all of them are on the disk.
// So the old content is there until the new one is whole, however the upload ends.
//
// base.ts chooses what the upload goes on with. Only a large file that grows at its end is not copied: in_place.ts.
import { randomBytes } from 'node:crypto';
import { code_of, FileError } from '../errors.js';
import { broken_name, running_name } from '../names.js';
import { demand } from '../permissions.js';
import type { Upload, UploadOptions } from '../types.js';
import { close, create, fstat, ftruncate, open_directory, open_own, rename, reopen } from './at.js';
import { choose_base, copy_base } from './base.js';
import { Beside } from './beside.js';
import { or_missing } from './entries.js';
import { InPlace } from './in_place.js';
import { recover, remove_note, write_note } from './leftovers.js';
import { Reservation } from './reservation.js';
import type { Settings } from './settings.js';
import { type Node, type Place, with_place } from './walk.js';
import type { Target } from './writing.js';

/**
 * Begins an upload.
 *
 * @throws FileError, and errors of the kernel
 */
export function begin_upload(settings: Settings, path: string, options: UploadOptions): Promise<Upload> {
  const { offset = 0, append = false, unique = false } = options;
  if (!Number.isSafeInteger(offset) || offset < 0) {
    throw new FileError('EINVAL', path, 'an offset is a number of bytes');
  }
  if ((append && offset > 0) || (unique && (append || offset > 0))) {
    throw new FileError('EINVAL', path, 'an upload has one of offset, append and unique');
  }
  if (!unique) {
    return with_place(settings.home, path, { create: true }, (place) =>
      begin(settings, path, place, options),
    );
  }
  demand(settings.permissions, path, 'write');
  return with_place(settings.home, path, {}, ({ node }) => {
    if (!node?.stats.isDirectory()) throw new FileError('ENOTDIR', path);
    const name = `ftp.${randomBytes(8).toString('hex')}`;
    const place = { folder: node.fd, name, node: undefined };
    return begin(settings, path.endsWith('/') ? path + name : `${path}/${name}`, place, {});
  });
}

async function begin(
  settings: Settings,
  path: string,
  place: Place,
  options: UploadOptions,
): Promise<Upload> {
  const node = place.node?.stats.isFile() ? await writable(place.folder, place.node, path) : place.node;
  const base = await choose_base(settings, path, { ...place, node }, options);
  const reservation = new Reservation(settings.quota, path);
  const folder = await open_directory(place.folder);
  const target = { settings, path, folder, name: place.name, old: node?.stats, base, reservation };
  try {
    if (base.from === 'broken') return await go_on(target);
    if (base.from === 'file' && node !== undefined) return await go_behind(target, node);
    if (node === undefined) await reservation.hold(0, 1);
    const own = running_name();
    return new Beside(target, await create(folder, own), own);
  } catch (error) {
    reservation.end();
    close(folder);
    throw error;
  }
}

/** Makes sure that a file that is there could be written, as rename(2) asks only for the directory; and that no upload is growing it. */
async function writable(folder: number, { fd }: Node, path: string): Promise<Node> {
  close(await reopen(fd, 'write'));
  if (await recover(folder, { fd, stats: fstat(fd) })) {
    throw new FileError('EBUSY', path, 'another upload is growing this file');
  }
  return { fd, stats: fstat(fd) };
}

/** Goes on with a broken upload. Who renames it has it; for a second session it is missing. */
async function go_on(target: Target): Promise<Upload> {
  const { settings, folder, name, base, reservation } = target;
  const own = running_name();
  const broken = broken_name(settings.user, name);
  await rename(folder, broken, folder, own);
  let fd = -1;
  try {
    await reservation.claim(base.size);
    fd = await open_own(folder, own);
    await ftruncate(fd, base.start);
    return new Beside(target, fd, own);
  } catch (error) {
    if (fd !== -1) close(fd);
    await rename(folder, own, folder, broken);
    throw error;
  }
}

/** Goes on with the file that is there: with a copy, or in place. */
async function go_behind(target: Target, node: Node): Promise<Upload> {
  const { settings, folder, base } = target;
  const own = running_name();
  const grows = base.start === base.size;
  const most = grows ? settings.in_place_bytes : Number.POSITIVE_INFINITY;
  const copied = await copy_base(node, folder, own, base.start, most);
  return copied === undefined ? grow(target, node) : new Beside(target, copied, own);
}

async function grow(target: Target, node: Node): Promise<Upload> {
  try {
    await write_note(target.folder, node.stats, target.settings.sync);
  } catch (error) {
    if (code_of(error) !== 'EEXIST') throw error;
    throw new FileError('EBUSY', target.path, 'another upload is growing this file');
  }
  try {
    return new InPlace(target, await reopen(node.fd, 'write'), node.stats.ino);
  } catch (error) {
    await or_missing(remove_note(target.folder, node.stats.ino, false));
    throw error;
  }
}
