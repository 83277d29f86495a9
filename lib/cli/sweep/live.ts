// The picture of sweep --live: a map of the addresses, which fills as they answer; with -c, -C and -l a line for each target, with its
// latest times.
import { type Sample, Samples, sparkline } from '../terminal/chart.js';
import { coloured } from '../terminal/output.js';
import { Screen, type Size } from '../terminal/screen.js';
import type { Board } from './board.js';
import { average, short_time } from './text.js';

/** The most times of a target that are kept. */
const SAMPLES_MAX = 400;
/** The most addresses in a row of the map; rows are then easy to count. */
const ROW_MAX = 64;
/** Shades of a cell that stands for several addresses, by the part of them that answers. */
const SHADES = ['░', '▒', '▓', '█'];

export class LiveSweep {
  readonly #screen = new Screen((size) => this.draw(size));
  readonly #samples: Samples[] = [];

  constructor(readonly board: Board) {
    if (board.is_counting) board.on_sample = (number, round, sample) => this.#note(number, round, sample);
  }

  open(): void {
    this.#screen.open();
  }

  close(): void {
    this.#screen.close();
  }

  #note(number: number, round: number, sample: Sample): void {
    let samples = this.#samples[number];
    if (samples === undefined) {
      samples = new Samples(SAMPLES_MAX);
      this.#samples[number] = samples;
    }
    samples.set(round, sample);
  }

  /** Returns the lines of the picture. */
  draw(size: Size): string[] {
    const { answered, unreachable, sent, list, tally } = this.board;
    const counts = `${answered} of ${list.count} answered, ${unreachable} unreachable, ${sent} requests`;
    const times =
      tally.replies === 0
        ? ''
        : `   min/avg/max ${[tally.min, tally.sum / tally.replies, tally.max].map(short_time).join('/')} ms`;
    const head = [coloured('bold', `sweep  ${counts}`) + times, ''];
    const rows = size.rows - head.length;
    return [
      ...head,
      ...(this.board.is_counting ? this.#table(size.columns, rows) : this.#map(size.columns, rows)),
    ];
  }

  /** A line for each target. */
  #table(columns: number, rows: number): string[] {
    const { list, tally } = this.board;
    const shown = Math.min(list.count, list.count > rows ? rows - 1 : rows);
    const numbers = Array.from({ length: shown }, (_, number) => number);
    const names = numbers.map((number) => this.board.name(number));
    const width = Math.max(...names.map((name) => name.length));
    // fping's "NaN avg" is no word for a picture.
    const words = numbers.map((number) => average(tally.spread(number)).replace('NaN avg', 'no answer'));
    const words_width = Math.max(...words.map((each) => each.length));
    const lines = numbers.map((number) => {
      const samples = this.#samples[number]?.last(columns - width - words_width - 4) ?? [];
      return `${names[number]?.padEnd(width)}  ${words[number]?.padEnd(words_width)}  ${sparkline(samples)}`;
    });
    if (shown < list.count) lines.push(`… and ${list.count - shown} more`);
    return lines;
  }

  /** A cell for each address, or for several, so that all of them fit. */
  #map(columns: number, rows: number): string[] {
    const { list } = this.board;
    const label_width = Math.max(
      ...list.ranges.map(({ start, count }) =>
        Math.max(list.address_at(start).length, list.address_at(start + count - 1).length),
      ),
    );
    const room = Math.max(1, columns - label_width - 2);
    const width = Math.min(ROW_MAX, room >= 16 ? room & ~15 : room);
    const map_rows = Math.max(1, rows - 2);
    const each = Math.ceil(list.count / (width * map_rows));
    const lines: string[] = [];
    for (let first = 0; first < list.count; first += width * each) {
      let line = `${list.address_at(first).padEnd(label_width)}  `;
      for (let cell = first; cell < Math.min(list.count, first + width * each); cell += each)
        line += this.#cell(cell, Math.min(list.count, cell + each));
      lines.push(line);
    }
    const several = each > 1 ? `, a cell is ${each} addresses` : '';
    return [
      ...lines,
      '',
      `${coloured('green', '█')} answers  ${coloured('red', '×')} unreachable  · silent${several}`,
    ];
  }

  #cell(first: number, end: number): string {
    let alive = 0;
    let unreachable = 0;
    for (let number = first; number < end; number++) {
      const state = this.board.state(number);
      if (state === 'alive') alive++;
      if (state === 'unreachable') unreachable++;
    }
    const count = end - first;
    if (alive > 0) return coloured('green', SHADES[Math.ceil((alive / count) * SHADES.length) - 1] as string);
    return unreachable === count ? coloured('red', '×') : '·';
  }
}
