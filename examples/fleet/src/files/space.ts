// Space here for what is got: what all hosts of an operation have announced has to fit, before any of it comes.

import { stat, statfs } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { bytes_text } from '../view/progress.js';
import { TransferError } from './errors.js';

/** What one host has announced and not yet sent. */
export interface Reservation {
  /** So much of it is on the disk now. */
  written(bytes: number): void;
  release(): void;
}

/** Space of the file systems here. */
export class Space {
  /** bytes that are announced, by the device */
  readonly #announced = new Map<number, number>();

  /**
   * Keeps space in a folder, which need not be there yet.
   *
   * @throws TransferError when it has not as much
   */
  async reserve(folder: string, bytes: number): Promise<Reservation> {
    const { device, free } = await space_of(resolve(folder));
    const others = this.#announced.get(device) ?? 0;
    if (bytes > free - others) {
      const taken = others > 0 ? `, of which ${bytes_text(others)} are for other hosts` : '';
      throw new TransferError(
        'transfer',
        folder,
        `no space here for ${bytes_text(bytes)}: ${bytes_text(free)} are free${taken}`,
      );
    }
    let left = bytes;
    const change = (by: number) => {
      left += by;
      this.#announced.set(device, (this.#announced.get(device) ?? 0) + by);
    };
    this.#announced.set(device, others + bytes);
    return { written: (count) => change(-Math.min(count, left)), release: () => change(-left) };
  }
}

/** Returns what the file system of a folder, or of the nearest one around it, has free for this user. */
async function space_of(folder: string): Promise<{ device: number; free: number }> {
  for (let path = folder; ; path = dirname(path)) {
    try {
      const [{ dev }, { bavail, bsize }] = [await stat(path), await statfs(path)];
      return { device: dev, free: bavail * bsize };
    } catch (error) {
      if (path === dirname(path)) throw error;
    }
  }
}
