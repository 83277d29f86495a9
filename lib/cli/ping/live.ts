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
/** The seconds after which a request without an answer is shown as lost. */
const LOST_AFTER_S = 2;
const INTERVAL_LEAST_S = 0.01;

/** What the chart shows. */
export interface Pinged {
  readonly target: Target;
  readonly times: RoundTrips;
  readonly sent: number;
  readonly errors: number;
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

  /** Notes a request. Those before it that have waited too long are lost; a late answer still counts. @param number from 0 on @param interval_s seconds between requests */
  on_send(number: number, interval_s: number): void {
    this.samples.set(number, 'waiting');
    const old = number - Math.ceil(LOST_AFTER_S / Math.max(interval_s, INTERVAL_LEAST_S));
    if (this.samples.get(old) === 'waiting') this.samples.set(old, 'lost');
  }

  /** Shows an error below the chart. */
  tell(line: string): void {
    this.#lines.push(printable(line));
    if (this.#lines.length > LINES_MAX) this.#lines.shift();
  }

  /** Returns the lines of the picture. */
  draw({ columns, rows }: Size): string[] {
    const { target, times, sent, errors } = this.pinged;
    // The last request may be on its way.
    const done = this.samples.get(sent - 1) === 'waiting' ? sent - 1 : sent;
    const loss_percent = done === 0 ? 0 : Math.max(0, ((done - times.count) * 100) / done);
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
    const room = Math.max(1, Math.min(HEIGHT_MAX, rows - head.length - LINES_MAX - 1));
    // The label in the middle of an even height is half of that at the top.
    const height = room > 1 ? room & ~1 : room;
    const lines = this.#lines.map((line) => coloured('red', line));
    return [...head, ...chart(this.samples.last(columns), columns, height, 'ms'), '', ...lines];
  }
}
