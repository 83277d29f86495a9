// From rounds to what is printed and written: medians, and the speed relative to C in the same round.

/**
 * One row of the results.
 * @typedef {object} Row
 * @property {string} contender its id
 * @property {string} title its title, with the version
 * @property {number} median_ns nanoseconds a unit
 * @property {number} of_c its speed as a share of C's: the median over the rounds, each compared with the C of its own round
 * @property {number | null} server_ns processor time of the server's main thread for a unit; null where it does not apply
 * @property {number[]} rounds_ns
 */

/**
 * @param {number[]} values at least one
 * @returns {number}
 */
export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * The rows of one workload.
 * @param {{ id: string, title: string }[]} contenders C first
 * @param {import('./program.mjs').Figure[][]} figures for each contender, its figure of every round
 * @returns {Row[]}
 */
export function rows(contenders, figures) {
  return contenders.map(({ id, title }, i) => ({
    contender: id,
    title,
    median_ns: median(figures[i].map(({ ns }) => ns)),
    of_c: median(figures[i].map(({ ns }, round) => figures[0][round].ns / ns)),
    server_ns: figures[i][0].server_ns === undefined ? null : median(figures[i].map((f) => f.server_ns)),
    rounds_ns: figures[i].map(({ ns }) => ns),
  }));
}

/**
 * One workload's rows as text.
 * @param {{ name: string, title: string }} workload
 * @param {Row[]} its
 * @returns {string}
 */
export function table({ name, title }, its) {
  const lines = its.map((row) => {
    const over_c = row.median_ns - its[0].median_ns;
    return [
      `  ${row.title.padEnd(16)}`,
      `${time(row.median_ns)} ns`.padStart(12),
      row.of_c.toFixed(3).padStart(8),
      (row === its[0] ? '' : `${over_c < 0 ? '' : '+'}${time(over_c)} ns`).padStart(12),
      row.server_ns === null ? '' : `${time(row.server_ns)} ns`.padStart(12),
    ]
      .join(' ')
      .trimEnd();
  });
  const heads = ['a unit', 'of C', 'over C', ...(its[0].server_ns === null ? [] : ['server CPU'])];
  const widths = [12, 8, 12, 12];
  const head = `  ${' '.repeat(16)} ${heads.map((text, i) => text.padStart(widths[i])).join(' ')}`;
  return [`${name}: ${title}`, head, ...lines].join('\n');
}

/** Nanoseconds with digits that mean something. */
function time(ns) {
  return ns.toLocaleString('en', { maximumFractionDigits: Math.abs(ns) < 100 ? 1 : 0 });
}
