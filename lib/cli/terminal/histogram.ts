// A histogram of times, as bars of text. ping prints it below its statistics on a terminal.
import { coloured } from './output.js';

/** The most and the least characters of a bar. */
const [BAR_MAX, BAR_LEAST] = [40, 8];
const ROWS_MAX = 10;

/** Returns the width of a class for a range of values: 1, 2 or 5 times a power of ten. */
function step_of(range: number): number {
  const min_step = range / ROWS_MAX;
  const power = 10 ** Math.floor(Math.log10(min_step));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= min_step) ?? 10);
}

/**
 * histogram(values, unit, columns) -> the lines, one bar for each class of values.
 *
 * @param values two or more
 * @param columns the width that the lines have room in
 */
export function histogram(values: readonly number[], unit: string, columns: number): string[] {
  const sorted = [...values].sort((a, b) => a - b);
  const min = sorted[0] ?? 0;
  // The slowest two in a hundred are counted together. Otherwise one outlier would squeeze all other values into one bar.
  const upper = sorted[Math.ceil((sorted.length - 1) * 0.98)] ?? min;
  const step = step_of(Math.max(upper - min, min / 100, 1e-6));
  const first = Math.floor(min / step);
  const last = Math.floor(upper / step);
  const counts = new Array<number>(last - first + 1).fill(0);
  let overflow = 0;
  for (const value of sorted) {
    const row = Math.floor(value / step) - first;
    if (row < counts.length) counts[row] = (counts[row] as number) + 1;
    else overflow++;
  }
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const highest = Math.max(...counts, overflow);
  const labels = counts.map((_, i) => ((first + i) * step).toFixed(digits));
  const rows = counts.map((count, i): [string, number] => [labels[i] as string, count]);
  if (overflow > 0) rows.push([`≥ ${((last + 1) * step).toFixed(digits)}`, overflow]);
  const width = Math.max(...rows.map(([label]) => label.length));
  const beside = `  ${' '.repeat(width)} ${unit}  ${highest}`.length;
  const bar_max = Math.max(BAR_LEAST, Math.min(BAR_MAX, columns - beside));
  return rows.map(([label, count]) => {
    const bar = '█'.repeat(Math.round((count * bar_max) / highest)) || (count > 0 ? '▏' : '');
    return `  ${label.padStart(width)} ${unit} ${coloured('cyan', bar)}${bar ? ' ' : ''}${count}`;
  });
}
