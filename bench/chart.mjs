// node bench/chart.mjs [RESULTS.json] [CHART.svg]: draws a results file of `npm run bench` as bars: the speed of this library, of
// CPython, of Node's own modules and of Bun as shares of C's, the line at 1. Without arguments results/full.json and docs/speed.svg.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The workloads of the chart, of those that the results have, with what a reader calls them. */
const SHOWN = [
  ['ping-pong-tcp', 'round trip of 64 B, TCP'],
  ['ping-pong-unix', 'round trip of 64 B, UNIX'],
  ['call-send-recv', 'send and recv of 64 B'],
  ['call-udp', 'sendto and recvfrom of 64 B, UDP'],
  ['bulk-recv', '64 KiB by recv'],
  ['bulk-sendfile', '64 KiB by sendfile'],
  ['bulk-recv_into', '64 KiB by recv_into'],
  ['bulk-recv_chunk', '64 KiB by recv_chunk'],
  ['bulk-pump', '64 KiB by pump (splice)'],
  ['async-echo-200', 'echo, 200 connections, event loop'],
  ['async-echo-2000', 'echo, 2,000 connections, event loop'],
  ['async-udp-recvmmsg_into', 'datagrams by recvmmsg_into'],
  ['requests-threads', 'requests on threads'],
  ['requests-processes', 'requests in processes'],
  ['capture-64', 'sniff -w, 64 B (tcpdump is 1)'],
  ['capture-1400', 'sniff -w, 1,400 B (tcpdump is 1)'],
];
const COLOURS = { 'bsd-sockets': '#1a6fb0', cpython: '#8a8f98', node: '#c9b458', bun: '#c07a9a' };
const NAMES = { 'bsd-sockets': 'bsd-sockets', cpython: 'CPython', node: "Node's own", bun: 'Bun' };
const [LEFT, WIDTH, BAR, GAP, TOP] = [250, 460, 11, 14, 56];

/**
 * The chart of some results.
 * @param {{ machine: { node: string, kernel: string }, results: { name: string, rows: import('./report.mjs').Row[] }[] }} measured
 * @returns {string} an SVG image
 */
export function chart({ machine, results }) {
  const groups = SHOWN.flatMap(([name, title]) => {
    const rows = results
      .find((result) => result.name === name)
      ?.rows.filter(({ contender }) => contender in COLOURS);
    return rows === undefined ? [] : [{ title, rows }];
  });
  const most = Math.max(1, ...groups.flatMap(({ rows }) => rows.map(({ of_c }) => of_c)));
  const x = (share) => LEFT + (share / most) * WIDTH;
  let y = TOP;
  const parts = groups.flatMap(({ title, rows }) => {
    const label = text(LEFT - 10, y + (rows.length * BAR) / 2 + 4, title, 'text-anchor="end"');
    const bars = rows.map(({ contender, of_c }, i) => {
      const top = y + i * BAR;
      const bar = `<rect x="${LEFT}" y="${top}" width="${round(x(of_c) - LEFT)}" height="${BAR - 1}" fill="${COLOURS[contender]}"/>`;
      return bar + text(x(of_c) + 5, top + BAR - 2, of_c.toFixed(2), 'font-size="10"');
    });
    y += rows.length * BAR + GAP;
    return [label, ...bars];
  });
  const legend = Object.entries(NAMES).map(([id, name], i) => {
    const left = LEFT + i * 120;
    return `<rect x="${left}" y="30" width="10" height="10" fill="${COLOURS[id]}"/>${text(left + 15, 39, name)}`;
  });
  const line = `<line x1="${round(x(1))}" x2="${round(x(1))}" y1="${TOP - 8}" y2="${y}" stroke="#444" stroke-dasharray="3 3"/>`;
  const foot = text(
    LEFT,
    y + 14,
    `Node.js ${machine.node}, Linux ${machine.kernel.split('-')[0]}; medians of the ratios, round by round`,
    'font-size="10"',
  );
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${LEFT + WIDTH + 60} ${y + 24}" font-family="sans-serif" font-size="12" fill="#222">`,
    '<title>The speed of C is 1; more is faster</title>',
    '<rect width="100%" height="100%" fill="#fff"/>',
    text(LEFT, 18, 'The speed of C is 1; more is faster', 'font-weight="bold"'),
    ...legend,
    ...parts,
    line,
    foot,
    '</svg>\n',
  ].join('\n');
}

/** @param {number} x @param {number} y @param {string} content @param {string} [attributes] */
function text(x, y, content, attributes = '') {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
  const [results = path('results/full.json'), image = path('../docs/speed.svg')] = process.argv.slice(2);
  writeFileSync(image, chart(JSON.parse(readFileSync(results, 'utf8'))));
  console.log(image);
}
