// Charts of times as text: columns that grow from a line, with a scale beside them, and one line of small bars.
import { coloured } from './output.js';

/** A time in milliseconds; 'lost': no answer; 'waiting': none yet. */
export type Sample = number | 'lost' | 'waiting';

// Eighths of a character cell.
const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** The latest samples of a series, for a chart; memory is bounded. */
export class Samples {
  readonly #values: Sample[] = [];
  /** The number of the first value that is kept. */
  #first = 0;

  /** @param max the most values that are kept */
  constructor(private readonly max: number) {}

  /** Sets the value number `index`, counted from 0 on; values that are skipped are 'waiting'. One that is no longer kept is ignored. */
  set(index: number, value: Sample): void {
    if (index < this.#first) return;
    while (this.#first + this.#values.length <= index) this.#values.push('waiting');
    this.#values[index - this.#first] = value;
    const surplus = this.#values.length - this.max;
    if (surplus <= 0) return;
    this.#values.splice(0, surplus);
    this.#first += surplus;
  }

  /** Returns the value number `index`; undefined if it is not kept. */
  get(index: number): Sample | undefined {
    return this.#values[index - this.#first];
  }

  /** Returns the last `count` values. */
  last(count: number): readonly Sample[] {
    return count > 0 ? this.#values.slice(-count) : [];
  }
}

/** Returns the end of a scale for values up to `max`: 1, 2 or 5 times a power of ten. */
export function scale_end(max: number): number {
  if (!(max > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(max));
  return [1, 2, 5, 10].map((factor) => factor * power).find((end) => end >= max * (1 - 1e-9)) ?? 10 * power;
}

const is_time = (sample: Sample): sample is number => typeof sample === 'number';
const largest = (samples: readonly Sample[]) =>
  samples.reduce<number>((max, each) => (is_time(each) ? Math.max(max, each) : max), 0);

/** Returns the character of one row of a column. @param eighths the height of the column above the foot of the row */
const cell = (eighths: number) => EIGHTHS[Math.max(0, Math.min(8, eighths))] as string;

function mark(sample: Sample): string {
  return sample === 'lost' ? coloured('red', '×') : '·';
}

/** sparkline(samples) -> one line: a bar for each time, × for a lost one. @param end the time of a full bar; left out: of the longest one */
export function sparkline(samples: readonly Sample[], end = scale_end(largest(samples))): string {
  return samples
    .map((sample) =>
      is_time(sample) ? coloured('cyan', cell(Math.max(1, Math.round((sample / end) * 8)))) : mark(sample),
    )
    .join('');
}

/**
 * chart(samples, width, height, unit) -> `height` lines, with the scale at the left.
 *
 * @param samples the latest last; those that do not fit are left out
 */
export function chart(samples: readonly Sample[], width: number, height: number, unit: string): string[] {
  const end = scale_end(largest(samples.slice(-width)));
  const label = (row: number) => `${Number(((end * row) / height).toPrecision(3))} ${unit}`;
  const labels = Array.from({ length: height }, (_, i) =>
    i === 0 || i === height >> 1 ? label(height - i) : '',
  );
  const margin = Math.max(...labels.map((text) => text.length));
  const shown = samples.slice(-Math.max(0, width - margin - 2));
  return labels.map((text, i) => {
    const row = height - 1 - i;
    const cells = shown.map((sample) => {
      if (!is_time(sample)) return row === 0 ? mark(sample) : ' ';
      const eighths = Math.max(1, Math.round((sample / end) * height * 8)) - row * 8;
      return eighths > 0 ? coloured('cyan', cell(eighths)) : ' ';
    });
    return `${text.padStart(margin)} ${text === '' ? '│' : '┤'}${cells.join('')}`;
  });
}
