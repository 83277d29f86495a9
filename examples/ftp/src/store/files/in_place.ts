// Uploads that grow a large file at its end, which it would take too long to copy: the bytes go behind the old end, and a note beside the file
// says where that is (leftovers.ts). An upload that breaks cuts the file there; if the process dies, whoever opens the file next does. Those
// who read meanwhile see the file grow, as with other servers.
import type { Upload } from '../types.js';
import { fsync, ftruncate } from './at.js';
import { remove_note } from './leftovers.js';
import { type Target, Writing } from './writing.js';

export class InPlace extends Writing implements Upload {
  /**
   * @param inode of the file, for the name of the note, which is there
   */
  constructor(
    target: Target,
    fd: number,
    private readonly inode: number,
  ) {
    super(target, fd);
  }

  protected hold(size: number): Promise<void> {
    return this.target.reservation.hold(size - this.start, 0);
  }

  protected async finish(): Promise<void> {
    const { settings, folder, reservation } = this.target;
    await remove_note(folder, this.inode, settings.sync);
    reservation.end({ bytes: this.size - this.start, files: 0 });
  }

  /** There is nothing to keep: the old content is what the client has to find. */
  protected async drop(): Promise<void> {
    const { settings, folder } = this.target;
    await ftruncate(this.fd, this.start);
    if (settings.sync) await fsync(this.fd);
    await remove_note(folder, this.inode, settings.sync);
  }
}
