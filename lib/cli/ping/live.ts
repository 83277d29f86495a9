// The chart of ping --live: the latest times as columns, lost requests marked, and the statistics above them.
import { numeric, type Target } from '../network/hosts.js';
import { chart, Samples } from '../terminal/chart.js';
import { coloured, printable } from '../terminal/output.js';
import type { RoundTrips } from '../terminal/round_trips.js';
import { Screen, type Size } from '../terminal/screen.js';

/** The most times that are kept: more than a terminal is wide. */
const SAMPLES_MAX = 1000;
/** The latest errors that are shown. */
const LINES_MAX = 3;
const HEIGHT_MAX = 20;

/** What the chart shows. */
export interface Pinged {
  readonly target: Target;
  readonly times: RoundTrips;
  readonly sent: number;
  readonly errors: number;
  readonly loss_percent: number;
}

export class LivePing {
  readonly samples = new Samples(SAMPLES_MAX);
  readonly #screen = new Screen((size) => this.draw(size));
  readonly #lines: string[] = [];

  constructor(readonly pinged: Pinged) {}

  open(): void {
    this.#screen.open();
  }

  close(): void {
    this.#screen.close();
  }

  /** Shows an error below the chart. */
  tell(line: string): void {
    this.#lines.push(printable(line));
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  /** Returns the lines of the picture. */
  draw({ columns, rows }: Size): string[] {
    const { target, times, sent, errors, loss_percent } = this.pinged;
    const host = numeric(target);
    const name = printable(target.name);
    const title = coloured('bold', `ping ${name === host ? host : `${name} (${host})`}`);
    const loss = `${Number(loss_percent.toPrecision(3))}% loss`;
    const counts = `${sent} sent, ${times.count} received${errors > 0 ? `, ${errors} errors` : ''}, `;
    const spread = times.statistics();
    const words =
      spread === undefined
        ? 'no answer yet'
        : `last ${times.last.toFixed(3)}   min/avg/max/mdev ${[spread.min, spread.avg, spread.max, spread.mdev].map((ms) => ms.toFixed(3)).join('/')} ms`;
    const head = [`${title}   ${counts}${loss_percent > 0 ? coloured('red', loss) : loss}`, words, ''];
    const height = Math.max(1, Math.min(HEIGHT_MAX, rows - head.length - LINES_MAX - 1));
    const lines = this.#lines.map((line) => coloured('red', line));
    return [...head, ...chart(this.samples.last(columns), columns, height, 'ms'), '', ...lines];
  }
}
