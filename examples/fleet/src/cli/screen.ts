// Screen: what a command prints, and the lines at the end of a terminal that are drawn again and again, in one place, so that neither destroys the
// other: lines that are drawn are taken away before anything else is printed, and while a person is asked for a secret.

import { Painter, type TerminalStream } from '../view/index.js';
import type { Output, OutputStream } from './output.js';

/** Milliseconds between two states of the lines. */
const INTERVAL = 100;

export class Screen {
  readonly #output: Output;
  readonly #painter: Painter;
  #draw: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  #paused = 0;

  constructor(output: Output) {
    this.#output = output;
    this.#painter = new Painter(terminal_of(process.stderr, (text) => output.write('stderr', text)));
  }

  /** Prints whole lines. */
  write(stream: OutputStream, text: string): void {
    this.#painter.clear();
    this.#output.write(stream, text);
  }

  /**
   * Draws lines until end().
   *
   * @param lines returns them, for a terminal of that many columns and rows
   * @param delay seconds before they are seen
   */
  begin(lines: (size: { readonly columns: number; readonly rows: number }) => string[], delay: number): void {
    this.#draw = () => {
      // A terminal that is slow gets the next state, not all of them.
      if (this.#paused === 0 && !this.#output.is_waiting) this.#painter.draw(lines(this.#painter.screen));
    };
    this.#timer = setTimeout(() => {
      this.#timer = setInterval(() => this.#draw?.(), INTERVAL);
    }, delay * 1000);
  }

  end(): void {
    // clearTimeout() ends both kinds.
    clearTimeout(this.#timer);
    this.#painter.clear();
  }

  /** Takes the lines away, and waits until they are. @returns what lets them be drawn again */
  readonly pause = async (): Promise<() => void> => {
    this.#paused++;
    this.#painter.clear();
    await this.#output.flushed();
    return () => {
      this.#paused--;
    };
  };
}

/** The terminal's size, as it is at each time, with the writes of the output. */
function terminal_of(terminal: NodeJS.WriteStream, write: (text: string) => void): TerminalStream {
  return {
    write,
    get columns() {
      return terminal.columns;
    },
    get rows() {
      return terminal.rows;
    },
  };
}
