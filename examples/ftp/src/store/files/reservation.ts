// The part of a quota that one upload holds. Bytes are reserved ahead in steps, as the count may be in another process.
import type { Amount, Quota } from '../../guard/types.js';
import { FileError } from '../errors.js';

/** Bytes that are reserved at once, if there are as many. */
const STEP = 1 << 20;

/** What an upload has reserved; without a quota, everything. */
export class Reservation {
  #bytes = 0;
  #files = 0;
  #ended = false;

  constructor(
    private readonly quota: Quota | undefined,
    private readonly path: string,
  ) {}

  /**
   * Makes sure that so many bytes and files are reserved in all.
   *
   * @throws FileError EDQUOT if there is not enough left
   */
  async hold(bytes: number, files: number): Promise<void> {
    if (this.quota === undefined) return;
    const more_bytes = Math.max(0, bytes - this.#bytes);
    const more_files = Math.max(0, files - this.#files);
    if (more_bytes === 0 && more_files === 0) return;
    const most = more_bytes === 0 ? 0 : Math.max(more_bytes, STEP);
    const taken = await this.quota.take(more_bytes, most, more_files);
    if (taken === undefined) throw new FileError('EDQUOT', this.path);
    this.#bytes += taken;
    this.#files += more_files;
  }

  /** Takes over what the quota counts as being there, a broken upload. */
  async claim(bytes: number): Promise<void> {
    if (this.quota === undefined) return;
    this.quota.settle({ bytes: 0, files: 0 }, { bytes: -bytes, files: -1 });
    try {
      await this.hold(bytes, 1);
    } catch (error) {
      this.quota.settle({ bytes: 0, files: 0 }, { bytes, files: 1 });
      throw error;
    }
  }

  /** Ends it; `added` is what there is more than before. */
  end(added: Amount = { bytes: 0, files: 0 }): void {
    if (this.#ended) return;
    this.#ended = true;
    this.quota?.settle({ bytes: this.#bytes, files: this.#files }, added);
  }
}
