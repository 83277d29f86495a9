// The count of each home that has a limit: what a scan has found, what has come and gone since, and what uploads have reserved. It is in the
// main thread, so that uploads of several sessions cannot take the same bytes.
import { scan } from '../store/files/usage.js';
import type { Amount, Quota, QuotaLimits } from './types.js';

/** Between two scans of a home that is in use, ms: others than the server change files, too. */
const SCAN_AGAIN_MS = 10 * 60_000;

/** The part of what is left that one upload may have reserved before it needs it, 1/… */
const AHEAD = 16;

/** Scans until one has had no change beside it; if none has, the old count goes on, and only a first count takes the last scan. */
const MOST_SCANS = 3;

/** One home. */
class Count {
  #used: Amount = { bytes: 0, files: 0 };
  readonly #reserved: Amount = { bytes: 0, files: 0 };
  #scan: Promise<void> | undefined;
  #scanned_ms = Number.NEGATIVE_INFINITY;
  /** grows with every change: a scan beside a change counts it or not, nobody knows */
  #changes = 0;

  /** The first scan begins at once: a large home takes a while, and this is the log-in. */
  constructor(private readonly home: string) {
    this.#refresh().catch(() => undefined);
  }

  /** As of Quota. */
  async take(
    { max_bytes, max_files }: QuotaLimits,
    least: number,
    most: number,
    files: number,
  ): Promise<number | undefined> {
    if (!this.#is_known) await this.#refresh();
    else this.#refresh_later();
    const left = max_bytes - this.#used.bytes - this.#reserved.bytes;
    const files_left = max_files - this.#used.files - this.#reserved.files;
    // Who needs nothing more may go on, even if others have put too much there.
    if ((least > 0 && left < least) || (files > 0 && files_left < files)) return undefined;
    // Ahead of need only a part of what is left: the rest is for others, who may need it before.
    const bytes = Math.max(least, Math.min(most, Math.floor(left / AHEAD)), 0);
    this.#add(this.#reserved, { bytes, files });
    return bytes;
  }

  settle(reserved: Amount, added: Amount): void {
    this.#add(this.#reserved, { bytes: -reserved.bytes, files: -reserved.files });
    // Before the first scan there is nothing to add to: it will find what is there now.
    if (this.#is_known) this.#add(this.#used, added);
  }

  async usage(): Promise<Amount> {
    if (!this.#is_known) await this.#refresh();
    const { bytes, files } = this.#used;
    return { bytes: Math.max(0, bytes), files: Math.max(0, files) };
  }

  /** What a dead worker has left is somewhere between what it had reserved and nothing: only a scan knows. */
  doubt(): void {
    if (!this.#is_known) return;
    this.#scanned_ms = performance.now() - SCAN_AGAIN_MS;
    this.#refresh_later();
  }

  get #is_known(): boolean {
    return this.#scanned_ms !== Number.NEGATIVE_INFINITY;
  }

  /** Scans again if the last scan is old and nothing runs. */
  #refresh_later(): void {
    const fresh = performance.now() - this.#scanned_ms < SCAN_AGAIN_MS;
    if (fresh || this.#reserved.files + this.#reserved.bytes > 0) return;
    // Without a new count the old one goes on.
    this.#refresh().catch(() => undefined);
  }

  #add(to: Amount, amount: Amount): void {
    to.bytes += amount.bytes;
    to.files += amount.files;
    this.#changes += 1;
  }

  #refresh(): Promise<void> {
    this.#scan ??= this.#look().finally(() => {
      this.#scan = undefined;
    });
    return this.#scan;
  }

  async #look(): Promise<void> {
    for (let tries = 1; tries <= MOST_SCANS; tries++) {
      const changes = this.#changes;
      const found = await scan(this.home);
      const last = tries === MOST_SCANS && !this.#is_known;
      if (changes !== this.#changes && !last) continue;
      this.#used = found;
      this.#scanned_ms = performance.now();
      return;
    }
  }
}

/** The counts of all homes. */
export class Quotas {
  readonly #counts = new Map<string, Count>();

  /** Returns the count of a home, with limits of the caller's. */
  of(limits: QuotaLimits): Quota {
    const count = this.#count(limits.home);
    return {
      take: (least, most, files) => count.take(limits, least, most, files),
      settle: (reserved, added) => count.settle(reserved, added),
      usage: async () => {
        const { max_bytes, max_files } = limits;
        return { ...(await count.usage()), max_bytes, max_files };
      },
    };
  }

  /** Gives back what a worker that has died had reserved. */
  release(home: string, reserved: Amount): void {
    const count = this.#count(home);
    count.settle(reserved, { bytes: 0, files: 0 });
    count.doubt();
  }

  #count(home: string): Count {
    let count = this.#counts.get(home);
    if (count === undefined) {
      count = new Count(home);
      this.#counts.set(home, count);
    }
    return count;
  }
}
