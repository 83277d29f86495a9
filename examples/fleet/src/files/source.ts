// A local file or folder that goes to many hosts: it is walked and hashed once, and all hosts hear how far that is.

import { join, resolve } from 'node:path';
import { block_size } from './blocks.js';
import { TransferError } from './errors.js';
import { type Digest, local_digest, type OnHashed } from './hashes.js';
import { local_tree, type Tree, type TreeFile } from './tree.js';

interface Hashing {
  readonly digest: Promise<Digest>;
  readonly listeners: Set<OnHashed>;
  is_over: boolean;
}

export class LocalSource {
  readonly #hashings = new Map<string, Hashing>();

  private constructor(
    readonly root: string,
    readonly tree: Tree,
  ) {}

  /** @throws TransferError when there is no such file or folder */
  static async open(path: string): Promise<LocalSource> {
    return new LocalSource(resolve(path), await local_tree(path));
  }

  local_path(file: TreeFile): string {
    return file.path === '' ? this.root : join(this.root, file.path);
  }

  /**
   * Returns the digest of as many bytes as the file had when it was walked.
   *
   * @param on hears how far it is. What it throws is what this throws, and when nobody listens any more the reading ends.
   */
  async digest(file: TreeFile, on?: OnHashed): Promise<Digest> {
    const hashing = this.#hashings.get(file.path) ?? this.#begin(file);
    if (on === undefined || hashing.is_over) return hashing.digest;
    return new Promise((done, failed) => {
      const listener = (bytes: number) => {
        try {
          on(bytes);
        } catch (error) {
          hashing.listeners.delete(listener);
          failed(error);
        }
      };
      hashing.listeners.add(listener);
      hashing.digest.then(done, failed);
    });
  }

  #begin(file: TreeFile): Hashing {
    const listeners = new Set<OnHashed>();
    const tell = (bytes: number) => {
      const { size } = listeners;
      for (const listener of listeners) listener(bytes);
      if (size === 0 || listeners.size > 0) return;
      // Who comes now begins anew.
      this.#hashings.delete(file.path);
      throw new TransferError('stopped', file.path, 'nobody waits for it');
    };
    const digest = local_digest(this.local_path(file), file.size, block_size(file.size), tell);
    const hashing = { digest, listeners, is_over: false };
    const end = () => {
      hashing.is_over = true;
      listeners.clear();
    };
    // Who waits for it hears of a failure.
    digest.then(end, end);
    this.#hashings.set(file.path, hashing);
    return hashing;
  }
}
