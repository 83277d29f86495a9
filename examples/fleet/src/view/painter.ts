// Draws lines at the end of a terminal, again and again in the same place, and prints others above them. No alternate screen and no hidden cursor:
// however the program ends, the terminal is as it was. Without a terminal, ProgressLog prints a line now and then.

import { bytes_text, type Progress, type Screen, seconds_text } from './progress.js';

/** What a terminal's stream has: process.stderr is one. */
export interface TerminalStream {
  write(text: string): unknown;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

export class Painter {
  #drawn = 0;

  constructor(private readonly stream: TerminalStream) {}

  /** The size that lines have to fit. */
  get screen(): Screen {
    return { columns: this.stream.columns ?? 80, rows: this.stream.rows ?? 24 };
  }

  /** Draws the lines in place of those that were drawn before. They must fit the screen. */
  draw(lines: readonly string[]): void {
    // One write: a terminal shows no state in between.
    this.stream.write(`${this.#erasure()}${lines.map((line) => `${line}\n`).join('')}`);
    this.#drawn = lines.length;
  }

  /** Prints whole lines above, which stay. The caller draws again. */
  print(text: string): void {
    this.stream.write(`${this.#erasure()}${text}`);
    this.#drawn = 0;
  }

  /** Takes the lines away. */
  clear(): void {
    if (this.#drawn > 0) this.print('');
  }

  /** Up to the first line, and erases from there to the end of the screen. */
  #erasure(): string {
    return this.#drawn === 0 ? '' : `\x1b[${this.#drawn}A\r\x1b[J`;
  }
}

/** A line of progress every few seconds, for what is no terminal. */
export class ProgressLog {
  #last: number;

  /**
   * @param write hears a line with its end
   * @param interval seconds between lines
   */
  constructor(
    private readonly progress: Progress,
    private readonly write: (line: string) => void,
    private readonly interval = 10,
  ) {
    this.#last = progress.started;
  }

  /** Prints a line if it is time. @param now seconds */
  tick(now: number): void {
    if (now - this.#last < this.interval) return;
    this.#last = now;
    const { progress } = this;
    const [ok, failed] = [progress.count('ok'), progress.count('failed')];
    const left = progress.left(now);
    const parts = [
      `${ok + failed} of ${progress.hosts.size} hosts done`,
      failed > 0 ? `${failed} failed` : '',
      progress.bytes > 0 ? `${bytes_text(progress.bytes)} at ${bytes_text(progress.rate(now))}/s` : '',
      progress.hashing > 0 ? `files of ${progress.hashing} being hashed` : '',
      left === undefined ? '' : `${seconds_text(left)} left`,
    ];
    this.write(`${parts.filter((part) => part !== '').join(', ')}\n`);
  }
}
