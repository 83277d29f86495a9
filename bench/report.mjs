// From rounds to what is printed and written: medians, and the speed relative to the first contender, which is C in most workloads, in the
// same round; beside them the best round, which is the steadier figure where other programs want the processor, too.

/**
 * One row of the results.
 * @typedef {object} Row
 * @property {string} contender its id
 * @property {string} title its title, with the version
 * @property {number} median_ns nanoseconds a unit
 * @property {number} of_c its speed as a share of C's (of the first contender's): the median over the rounds, each compared with the C of its own round
 * @property {number} best_ns the shortest round
 * @property {number} best_of_c the same share between the best rounds
 * @property {number | null} server_ns processor time of the server's main thread for a unit; null where it does not apply
 * @property {number} [dropped] captures: packets that were dropped in all rounds
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
 * @param {{ id: string, title: string }[]} contenders the one that the others are compared with first
 * @param {import('./program.mjs').Figure[][]} figures for each contender, its figure of every round
 * @returns {Row[]}
 */
export function rows(contenders, figures) {
  const rounds_ns = figures.map((its) => its.map(({ ns }) => ns));
  const best_ns = rounds_ns.map((its) => Math.min(...its));
  return contenders.map(({ id, title }, i) => ({
    contender: id,
    title,
    median_ns: median(rounds_ns[i]),
    of_c: median(rounds_ns[i].map((ns, round) => rounds_ns[0][round] / ns)),
    best_ns: best_ns[i],
    best_of_c: best_ns[0] / best_ns[i],
    server_ns: figures[i][0].server_ns === undefined ? null : median(figures[i].map((f) => f.server_ns)),
    ...(figures[i][0].dropped !== undefined && {
      dropped: figures[i].reduce((sum, f) => sum + f.dropped, 0),
    }),
    rounds_ns: rounds_ns[i],
  }));
}

/**
 * One workload's rows as text.
 * @param {{ name: string, title: string }} workload
 * @param {Row[]} its
 * @returns {string}
 */
export function table({ name, title }, its) {
  const first = its[0].title.split(' ')[0];
  const of = `of ${first}`;
  const columns = [
    ['median', 12, (row) => `${time(row.median_ns)} ns`],
    [of, first.length + 7, (row) => row.of_c.toFixed(3)],
    ['best', 12, (row) => `${time(row.best_ns)} ns`],
    [of, first.length + 7, (row) => row.best_of_c.toFixed(3)],
    [`over ${first}`, first.length + 11, (row) => `${time(row.best_ns - its[0].best_ns)} ns`],
    its[0].server_ns === null
      ? []
      : ['server CPU', 12, (row) => (row.server_ns === null ? '' : `${time(row.server_ns)} ns`)],
    its[0].dropped === undefined ? [] : ['dropped', 12, (row) => time(row.dropped)],
  ].filter((column) => column.length > 0);
  const line = (title, cell) =>
    `  ${title.padEnd(16)}${columns.map((column) => cell(column).padStart(column[1])).join('')}`;
  const head = line('', ([text]) => text);
  const lines = its.map((row) => line(row.title, ([, , text]) => text(row)));
  return [`${name}: ${title}`, head, ...lines].join('\n');
}

/** Nanoseconds with digits that mean something. */
function time(ns) {
  return ns.toLocaleString('en', { maximumFractionDigits: Math.abs(ns) < 100 ? 1 : 0 });
}
