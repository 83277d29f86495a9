// The count of each home that has a limit: what a scan has found, what has come and gone since, and what uploads have reserved. It is in the
// main thread, so that uploads of several sessions cannot take the same bytes.
import { scan } from '../store/files/usage.js';
import type { Amount, Quota, QuotaLimits } from './types.js';

/** Between two scans of a home that is in use, ms: others than the server change files, too. */
const SCAN_AGAIN_MS = 10 * 60_000;

/** Scans until one has had no change beside it; if none has, the old count goes on, and only a first count takes the last scan. */
const MOST_SCANS = 3;

/** One home. */
class Count implements Quota {
  #used: Amount = { bytes: 0, files: 0 };
  #reserved: Amount = { bytes: 0, files: 0 };
  #scan: Promise<void> | undefined;
  #scanned_ms = Number.NEGATIVE_INFINITY;
  /** grows with every change: a scan beside a change counts it or not, nobody knows */
  #changes = 0;

  constructor(public limits: QuotaLimits) {}

  async take(least: number, most: number, files: number): Promise<number | undefined> {
    if (this.#scanned_ms === Number.NEGATIVE_INFINITY) await this.#refresh();
    else this.refresh_later();
    const { max_bytes, max_files } = this.limits;
    const left = max_bytes - this.#used.bytes - this.#reserved.bytes;
    const files_left = max_files - this.#used.files - this.#reserved.files;
    // Who needs nothing more may go on, even if others have put too much there.
    if ((least > 0 && left < least) || (files > 0 && files_left < files)) return undefined;
    const bytes = least > 0 || most > 0 ? Math.max(least, Math.min(most, left)) : 0;
    this.#add(this.#reserved, { bytes, files });
    return bytes;
  }

  settle(reserved: Amount, added: Amount): void {
    this.#add(this.#reserved, { bytes: -reserved.bytes, files: -reserved.files });
    // Before the first scan there is nothing to add to: it will find what is there now.
    if (this.#scanned_ms !== Number.NEGATIVE_INFINITY) this.#add(this.#used, added);
    else this.#changes += 1;
  }

  async usage(): Promise<{ bytes: number; files: number; max_bytes: number; max_files: number }> {
    if (this.#scanned_ms === Number.NEGATIVE_INFINITY) await this.#refresh();
    const { max_bytes, max_files } = this.limits;
    const { bytes, files } = this.#used;
    return { bytes: Math.max(0, bytes), files: Math.max(0, files), max_bytes, max_files };
  }

  /** Scans again if the last scan is old and nothing runs. */
  refresh_later(): void {
    if (
      performance.now() - this.#scanned_ms < SCAN_AGAIN_MS ||
      this.#reserved.files + this.#reserved.bytes > 0
    )
      return;
    this.#refresh().catch(() => undefined);
  }

  /** What a dead worker has left is somewhere between what it had reserved and nothing: only a scan knows. */
  doubt(): void {
    if (this.#scanned_ms !== Number.NEGATIVE_INFINITY) this.#scanned_ms = performance.now() - SCAN_AGAIN_MS;
    this.refresh_later();
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
    for (let tries = 0; tries < MOST_SCANS; tries++) {
      const changes = this.#changes;
      const found = await scan(this.limits.home);
      const last = tries === MOST_SCANS - 1 && this.#scanned_ms === Number.NEGATIVE_INFINITY;
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

  /** Returns the count of a home; its limits are those of the latest call. */
  of(limits: QuotaLimits): Quota {
    const count = this.#count(limits);
    count.limits = limits;
    return count;
  }

  /** Gives back what a worker that has died had reserved. */
  release(home: string, reserved: Amount): void {
    const count = this.#counts.get(home);
    count?.settle(reserved, { bytes: 0, files: 0 });
    count?.doubt();
  }

  #count(limits: QuotaLimits): Count {
    let count = this.#counts.get(limits.home);
    if (count === undefined) {
      count = new Count(limits);
      this.#counts.set(limits.home, count);
    }
    return count;
  }
}
