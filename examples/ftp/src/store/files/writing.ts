// What both kinds of uploads share: the target, the order of the writes, and that an upload ends once.
import type { Stats } from 'node:fs';
import { at_path, FileError } from '../errors.js';
import { close, close_written, fsync, write } from './at.js';
import type { Base } from './base.js';
import type { Reservation } from './reservation.js';
import type { Settings } from './settings.js';

/** Where an upload goes. */
export interface Target {
  readonly settings: Settings;
  /** as the client sees it */
  readonly path: string;
  /** descriptor (O_PATH) of the directory, the upload's own */
  readonly folder: number;
  readonly name: string;
  /** the file that had the name as the upload began */
  readonly old: Stats | undefined;
  readonly base: Base;
  readonly reservation: Reservation;
}

export abstract class Writing {
  readonly path: string;
  readonly start: number;
  #position: number;
  /** the last write; it has failed if one before it has */
  #writes: Promise<void> = Promise.resolve();
  #synced = false;
  /** whether a sync has failed: what the disk has is not known then */
  #doubtful = false;
  #ended = false;

  constructor(
    protected readonly target: Target,
    protected readonly fd: number,
  ) {
    this.path = target.path;
    this.start = target.base.start;
    this.#position = this.start;
  }

  /** Bytes that the file has so far. */
  protected get size(): number {
    return this.#position;
  }

  write(chunk: Uint8Array): Promise<void> {
    if (this.#ended) return Promise.reject(new FileError('EINVAL', this.path, 'the upload has ended'));
    this.#synced = false;
    this.#writes = this.#writes.then(() => at_path(this.path, () => this.#write(chunk)));
    return this.#writes;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    await this.hold(this.#position + chunk.length);
    await write(this.fd, chunk, this.#position);
    this.#position += chunk.length;
  }

  async sync(): Promise<void> {
    if (this.#ended) throw new FileError('EINVAL', this.path, 'the upload has ended');
    await at_path(this.path, () => this.#sync());
  }

  async #sync(): Promise<void> {
    await this.#writes;
    if (this.#synced) return;
    try {
      await this.prepare();
      if (this.target.settings.sync) await fsync(this.fd);
    } catch (error) {
      this.#doubtful = true;
      throw error;
    }
    this.#synced = true;
  }

  async commit(): Promise<void> {
    this.#end();
    await at_path(this.path, async () => {
      try {
        await this.#sync();
        await this.finish();
      } catch (error) {
        await this.#quietly(() => this.drop(false));
        throw error;
      } finally {
        await this.#close();
      }
    });
  }

  async abort(keep: boolean): Promise<void> {
    this.#end();
    await at_path(this.path, async () => {
      try {
        // A write that has failed is why an upload is aborted.
        await this.#quietly(() => this.#writes);
        await this.drop(keep && !this.#doubtful);
      } finally {
        await this.#close();
      }
    });
  }

  /** Reserves what a file of so many bytes takes. */
  protected abstract hold(size: number): Promise<void>;
  /** What is to be on the disk beside the content. */
  protected async prepare(): Promise<void> {}
  /** Gives the target its new content, which is on the disk. */
  protected abstract finish(): Promise<void>;
  /** Leaves the target as it was. */
  protected abstract drop(keep: boolean): Promise<void>;

  #end(): void {
    if (this.#ended) throw new FileError('EINVAL', this.path, 'the upload has ended');
    this.#ended = true;
  }

  async #close(): Promise<void> {
    this.target.reservation.end();
    close(this.target.folder);
    await close_written(this.fd);
  }

  async #quietly(call: () => Promise<void>): Promise<void> {
    try {
      await call();
    } catch {
      // There is an error before this one, which the caller hears of.
    }
  }
}
