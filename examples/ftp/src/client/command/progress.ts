// The line of progress on a terminal: what moves, how much of it, at which rate, and how long it will take.
import { printable } from '../names.js';

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
/** ms of the past that count for the rate. */
const WINDOW_MS = 5000;

/** Returns bytes for readers: "12.3 MiB". */
export function size_text(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Returns seconds for readers: "1:05", "2:00:00". */
export function duration_text(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export interface ProgressState {
  readonly name: string;
  readonly done: number;
  /** undefined while it is not known */
  readonly total: number | undefined;
  /** bytes a second */
  readonly rate: number;
}

/** Returns the line, in at most `width` columns. */
export function progress_line({ name, done, total, rate }: ProgressState, width: number): string {
  const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total);
  const amount = total === undefined ? size_text(done) : `${size_text(done)} of ${size_text(total)}`;
  const left =
    total === undefined || rate <= 0 || done >= total ? '' : ` ${duration_text((total - done) / rate)} left`;
  const numbers = `${share === undefined ? '' : `${String(Math.floor(share * 100)).padStart(3)}% `}${amount} ${size_text(rate)}/s${left}`;
  const room = width - numbers.length - 1;
  if (room < 8) return numbers.slice(0, Math.max(0, width));
  const bar_width = share === undefined ? 0 : Math.min(24, Math.floor(room / 3));
  const filled = Math.round((share ?? 0) * bar_width);
  const bar = bar_width < 4 ? '' : `[${'='.repeat(filled)}${' '.repeat(bar_width - filled)}] `;
  const shown = clip(printable(name), room - bar.length - 1);
  return `${shown} ${bar}${numbers}`;
}

/** Returns the end of a name that is too long: it says more than the beginning. */
function clip(name: string, width: number): string {
  const characters = [...name];
  if (characters.length <= width) return name;
  return width < 2 ? '' : `…${characters.slice(characters.length - width + 1).join('')}`;
}

/** The sum of all transfers that run. */
export class Progress {
  #total = 0;
  #done = 0;
  #samples: { at_ms: number; done: number }[] = [];
  #names = new Set<string>();

  begin(name: string, total: number | undefined, at_ms: number = performance.now()): void {
    this.#names.add(name);
    this.#total += total ?? 0;
    if (this.#samples.length === 0) this.#samples.push({ at_ms, done: this.#done });
  }

  add(bytes: number, at_ms: number = performance.now()): void {
    this.#done += bytes;
    const last = this.#samples.at(-1);
    if (last === undefined || at_ms - last.at_ms >= 100) this.#samples.push({ at_ms, done: this.#done });
    while (this.#samples.length > 2 && at_ms - (this.#samples[0]?.at_ms ?? at_ms) > WINDOW_MS)
      this.#samples.shift();
  }

  end(name: string): void {
    this.#names.delete(name);
  }

  state(at_ms: number = performance.now()): ProgressState {
    const [first] = this.#samples;
    const seconds = first === undefined ? 0 : (at_ms - first.at_ms) / 1000;
    const moved = this.#done - (first?.done ?? 0);
    const [name = ''] = this.#names;
    const more = this.#names.size > 1 ? ` and ${this.#names.size - 1} more` : '';
    return {
      name: name + more,
      done: this.#done,
      total: this.#total === 0 ? undefined : this.#total,
      rate: seconds <= 0 ? 0 : moved / seconds,
    };
  }
}
