// The record of the guard, record.json, and how what was measured is compared with it.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const file = fileURLToPath(new URL('record.json', import.meta.url));

/**
 * Which figures are compared, how far they may be from the record, and what must be as it was for that. Instructions of the addon depend
 * on Node.js as well: node exports templates of the C++ library, and the addon uses them in place of its own.
 */
const FIGURES = [
  { name: 'bytes', share: 0.005, least: 8, needs: ['node', 'arch'], unit: 'bytes of the heap' },
  { name: 'code', share: 0.03, least: 100, needs: ['node', 'arch', 'compiler'], unit: 'instructions' },
  {
    name: 'native',
    share: 0.03,
    least: 10,
    needs: ['node', 'arch', 'compiler'],
    unit: 'instructions of the addon',
  },
  { name: 'napi', share: 0, least: 0.3, needs: [], unit: 'calls of Node-API' },
  { name: 'system', share: 0, least: 0.3, needs: [], unit: 'system calls' },
  { name: 'news', share: 0, least: 0.3, needs: ['node', 'arch', 'compiler'], unit: 'blocks of memory' },
];

/**
 * @typedef {Pick<import('./measure.mjs').Measured, 'environment' | 'paths'>} Costs
 */

/** @returns {Costs} */
export function read_record() {
  return JSON.parse(readFileSync(file, 'utf8'));
}

/** @param {import('./measure.mjs').Measured} measured */
export function write_record({ environment, paths }) {
  writeFileSync(file, `${JSON.stringify({ environment, paths }, null, 2)}\n`);
}

/**
 * @typedef {object} Comparison
 * @property {string[]} worse a line for each figure that is further above the record than it may be, and for each path that only one side has
 * @property {string[]} better a line for each figure that is as far below: worth a new record
 * @property {string[]} left_out a line for each figure that cannot be compared here, with the reason
 */

/**
 * Compares what was measured with the record.
 * @param {Costs} measured
 * @param {Costs} recorded
 * @returns {Comparison}
 */
export function compare(measured, recorded) {
  const worse = [];
  const better = [];
  const left_out = [];
  const comparable = FIGURES.filter(({ name, needs }) => {
    const other = needs.find((part) => measured.environment[part] !== recorded.environment[part]);
    if (other === undefined) return true;
    const [is, was] = [measured.environment[other], recorded.environment[other]];
    left_out.push(`${name}: recorded with ${other} ${was}, this is ${is}`);
    return false;
  });
  const names = new Set([...Object.keys(recorded.paths), ...Object.keys(measured.paths)]);
  for (const path of names) {
    const [is, was] = [measured.paths[path], recorded.paths[path]];
    if (is === undefined || was === undefined) {
      worse.push(`${path}: ${is === undefined ? 'no such path any more' : 'not in the record'}`);
      continue;
    }
    for (const { name, share, least, unit } of comparable) {
      // Without valgrind only the bytes are measured.
      if (is[name] === undefined) continue;
      for (const [what, from, to] of pairs(was[name], is[name])) {
        if (Math.abs(to - from) <= Math.max(least, from * share)) continue;
        (to > from ? worse : better).push(`${path}: ${to} ${unit}${what} a call, recorded ${from}`);
      }
    }
  }
  return { worse, better, left_out };
}

/** The figures to compare: one, or one for each name. */
function pairs(was, is) {
  if (typeof is === 'number') return [['', was ?? 0, is]];
  const names = new Set([...Object.keys(was ?? {}), ...Object.keys(is)]);
  return [...names].map((name) => [` ${name}`, was?.[name] ?? 0, is[name] ?? 0]);
}

/**
 * The figures as a table.
 * @param {Costs} measured
 * @returns {string}
 */
export function table({ paths }) {
  const columns = ['bytes', 'code', 'native', 'napi', 'news'];
  const line = (name, cells, rest) =>
    `${name.padEnd(16)}${cells.map((cell) => String(cell ?? '').padStart(9))}  ${rest}`.replaceAll(',', '');
  const rows = Object.entries(paths).map(([name, cost]) =>
    line(
      name,
      columns.map((column) => cost[column]),
      Object.entries(cost.system ?? {})
        .map(([call, count]) => `${call} ${count}`)
        .join(' '),
    ),
  );
  return [line('a call of', columns, 'system calls'), ...rows].join('\n');
}
