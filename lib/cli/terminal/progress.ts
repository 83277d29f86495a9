// A bar that shows how far a command is, on standard error where that is a terminal.
const WIDTH = 30;
const EVERY_MS = 100;

export class Progress {
  readonly #shown = process.stderr.isTTY === true;
  #last = 0;

  /** Draws it, ten times a second at most. */
  update(done: number, total: number, words: string): void {
    const now = performance.now();
    if (!this.#shown || now - this.#last < EVERY_MS) return;
    this.#last = now;
    const part = total === 0 ? 1 : Math.min(1, done / total);
    const bar = '█'.repeat(Math.round(part * WIDTH)).padEnd(WIDTH, '░');
    process.stderr.write(`\r${bar} ${String(Math.round(part * 100)).padStart(3)} %  ${words}\x1b[K`);
  }

  /** Wipes it away, for a line or for good. */
  clear(): void {
    if (!this.#shown) return;
    this.#last = 0;
    process.stderr.write('\r\x1b[K');
  }
}
