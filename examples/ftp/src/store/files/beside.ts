// Uploads into a file of the server's own name beside the target, which commit() renames.
import type { Stats } from 'node:fs';
import { code_of, FileError } from '../errors.js';
import { broken_name } from '../names.js';
import type { Upload } from '../types.js';
import { fchmod, fchown, ftruncate, rename, stat_of, sync_directory, unlink } from './at.js';
import { counted_size, or_missing, rename_new } from './entries.js';
import { type Target, Writing } from './writing.js';

export class Beside extends Writing implements Upload {
  /**
   * @param own name of the file that is written
   */
  constructor(
    target: Target,
    fd: number,
    private readonly own: string,
  ) {
    super(target, fd);
  }

  /** The bytes of the file that will be replaced need no reservation: the quota counts them, until they are not there any more. */
  protected hold(size: number): Promise<void> {
    const { old, reservation } = this.target;
    return reservation.hold(size - (old === undefined ? 0 : counted_size(old)), old === undefined ? 1 : 0);
  }

  protected override async prepare(): Promise<void> {
    const { old } = this.target;
    if (old !== undefined) await this.#take_after(old);
  }

  protected async finish(): Promise<void> {
    const { settings, folder, name, old, base, reservation } = this.target;
    const now = await or_missing(stat_of(folder, name));
    if (base.from === 'file' && !is_same(old, now)) {
      throw new FileError('EBUSY', this.path, 'the file has changed meanwhile');
    }
    const replaced = now === undefined ? { bytes: 0, files: 0 } : { bytes: counted_size(now), files: 1 };
    await reservation.hold(this.size - replaced.bytes, 1 - replaced.files);
    if (old === undefined && !settings.permissions.has('overwrite'))
      await rename_new(folder, this.own, folder, name);
    else await rename(folder, this.own, folder, name);
    reservation.end({ bytes: this.size - replaced.bytes, files: 1 - replaced.files });
    await this.#forget_broken();
    if (settings.sync) await sync_directory(folder);
  }

  protected async drop(keep: boolean): Promise<void> {
    const { settings, folder, name, old, reservation } = this.target;
    // Where the file reaches as far, nobody could go on with this: choose_base() would take the file.
    if (keep && this.size > 0 && this.size > (old?.size ?? 0)) {
      try {
        await reservation.hold(this.size, 1);
        // A write that failed may have left a part of its bytes.
        await ftruncate(this.fd, this.size);
        const broken = broken_name(settings.user, name);
        await this.#forget_broken();
        await rename(folder, this.own, folder, broken);
        reservation.end({ bytes: this.size, files: 1 });
        return;
      } catch (error) {
        if (code_of(error) !== 'EDQUOT') throw error;
      }
    }
    await or_missing(unlink(folder, this.own));
  }

  /** The new file has the mode and, if the server may, the owner of the old one, as if that had been written. */
  async #take_after(old: Stats): Promise<void> {
    await fchmod(this.fd, old.mode & 0o777);
    try {
      await fchown(this.fd, old.uid, old.gid);
    } catch (error) {
      if (code_of(error) !== 'EPERM') throw error;
    }
  }

  async #forget_broken(): Promise<void> {
    const { settings, folder, name } = this.target;
    const broken = broken_name(settings.user, name);
    const stats = await or_missing(stat_of(folder, broken));
    if (stats === undefined) return;
    await or_missing(unlink(folder, broken));
    settings.quota?.settle({ bytes: 0, files: 0 }, { bytes: -stats.size, files: -1 });
  }
}

function is_same(old: Stats | undefined, now: Stats | undefined): boolean {
  return old?.ino === now?.ino && old?.size === now?.size && old?.mtimeMs === now?.mtimeMs;
}
