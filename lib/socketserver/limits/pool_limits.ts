// The limits' table of a pool, as its manager has it: the memory that workers share, and the number of each worker there. A worker that
// was killed has not said that its request has ended: the manager says it.
import { raise } from '../../errors/raise.js';
import { addon } from '../../native/addon.js';
import { LimitTable, table_size } from './limit_table.js';
import type { LimitConfig } from './options.js';

export class PoolLimits {
  /** The descriptor that child processes inherit; -1 for threads. */
  readonly fd: number;
  readonly memory: ArrayBufferLike;
  readonly #table: LimitTable;
  readonly #taken: boolean[] = [];

  /** @throws OSError without memory or a descriptor */
  constructor(config: LimitConfig, kind: 'thread' | 'process', max_workers: number) {
    // A worker that has ended and the one that takes its place may overlap.
    const size = table_size(config, max_workers + 1);
    if (kind === 'thread') {
      this.fd = -1;
      this.memory = new SharedArrayBuffer(size);
    } else {
      const fd = addon.shared_memory(size);
      this.fd = fd < 0 ? raise(fd, { syscall: 'memfd_create' }) : fd;
      const memory = addon.map_memory(fd);
      if (typeof memory === 'number') {
        addon.close_fd(fd);
        raise(memory, { syscall: 'mmap' });
      }
      this.memory = memory as ArrayBuffer;
    }
    this.#table = new LimitTable(this.memory, config);
  }

  /** Returns a number for a worker that starts. */
  add(): number {
    let worker = this.#taken.indexOf(false);
    if (worker < 0) worker = this.#taken.length;
    this.#taken[worker] = true;
    return worker;
  }

  /** Takes the number of a worker that has ended back, and with it what the worker served. */
  remove(worker: number): void {
    this.#table.serve(worker, undefined);
    this.#taken[worker] = false;
  }

  close(): void {
    if (this.fd >= 0) addon.close_fd(this.fd);
  }
}
