// A picture on the whole terminal that is drawn again and again: the --live of ping and sweep. It is on the alternate screen, so the
// text from before is there again when it closes: at the end, when the process exits, and while it is stopped (Ctrl-Z).
import { is_terminal } from './output.js';

/** The size of the terminal, in characters. */
export interface Size {
  readonly columns: number;
  readonly rows: number;
}

/** The least time between two pictures. */
const INTERVAL_MS = 100;
// The alternate screen, without cursor, and without a new line behind the last column; and back.
const OPEN = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const CLOSE = '\x1b[?7h\x1b[?25h\x1b[?1049l';

/** Returns whether a picture can be drawn: standard output is a terminal that knows more than lines. */
export function has_screen(): boolean {
  return is_terminal() && process.env.TERM !== undefined && process.env.TERM !== 'dumb';
}

export class Screen {
  #is_open = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #close = () => this.#leave();
  readonly #resize = () => this.#paint(true);
  readonly #stop = () => {
    this.#leave();
    // The default of SIGTSTP, which a listener replaces.
    process.kill(process.pid, 'SIGSTOP');
  };
  readonly #go_on = () => this.#enter();

  /** @param draw returns the lines of the picture; those beyond the last row are left out */
  constructor(readonly draw: (size: Size) => readonly string[]) {}

  /** Opens the screen, and draws until it is closed. */
  open(): void {
    process.on('exit', this.#close);
    process.on('SIGTSTP', this.#stop);
    process.on('SIGCONT', this.#go_on);
    process.stdout.on('resize', this.#resize);
    this.#enter();
    this.#timer = setInterval(() => this.#paint(), INTERVAL_MS);
  }

  /** Closes the screen: the terminal is as it was before. */
  close(): void {
    clearInterval(this.#timer);
    process.off('exit', this.#close);
    process.off('SIGTSTP', this.#stop);
    process.off('SIGCONT', this.#go_on);
    process.stdout.off('resize', this.#resize);
    this.#leave();
  }

  #enter(): void {
    if (!this.#is_open) process.stdout.write(OPEN);
    this.#is_open = true;
    this.#paint(true);
  }

  #leave(): void {
    if (this.#is_open) process.stdout.write(CLOSE);
    this.#is_open = false;
  }

  #paint(is_new = false): void {
    // A terminal that does not keep up is not sent more.
    if (!this.#is_open || process.stdout.writableNeedDrain) return;
    const { columns = 80, rows = 24 } = process.stdout;
    const lines = this.draw({ columns, rows }).slice(0, rows);
    process.stdout.write(`${is_new ? '\x1b[2J' : ''}\x1b[H${lines.join('\x1b[K\n')}\x1b[K\x1b[J`);
  }
}
