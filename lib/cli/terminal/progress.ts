// The progress bar of sweep and arp-scan, on standard error if that is a terminal.
import { columns_of } from './output.js';

/** The width of the bar where there is room, in characters. */
const WIDTH_MAX = 30;
/** The least time between two updates, in milliseconds. */
const INTERVAL_MS = 100;

export class Progress {
  readonly #shown: boolean;
  #last = 0;

  /** @param wanted false: the bar is never drawn */
  constructor(wanted = true) {
    this.#shown = wanted && process.stderr.isTTY === true;
  }

  /** Draws the bar, at most once in INTERVAL_MS. */
  update(done: number, total: number, words: string): void {
    const now = performance.now();
    if (!this.#shown || now - this.#last < INTERVAL_MS) return;
    this.#last = now;
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const text = ` ${String(Math.round(part * 100)).padStart(3)} %  ${words}`;
    // A line that fills the terminal would go on below, where the next update does not erase it.
    const width = Math.max(0, Math.min(WIDTH_MAX, columns_of(process.stderr) - 1 - text.length));
    const bar = '█'.repeat(Math.round(part * width)).padEnd(width, '░');
    process.stderr.write(`\r${bar}${text}\x1b[K`);
  }

  /** Erases the bar. The next update draws it again. */
  clear(): void {
    if (!this.#shown) return;
    this.#last = 0;
    process.stderr.write('\r\x1b[K');
  }
}
