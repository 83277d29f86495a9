// @ts-check
// `npm run size -- FILE.tgz`: the size of a packed package, by kind of file, and whether it is below the limit.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { run_script, SetupError } from './setup.mjs';

/** The most that a packed package may have, with the binaries of all targets: bytes. */
const LIMIT = 2_500_000;

/** The kinds, each by what its paths match; the first that does counts. @type {[string, RegExp][]} */
const kinds = [
  ['binaries', /^prebuilds\//],
  ['JavaScript', /^(dist|scripts)\/.*\.[cm]?js$/],
  ['types', /^dist\/.*\.d\.[cm]?ts$/],
  ['source maps', /^dist\/.*\.map$/],
  ['sources of JavaScript', /^lib\//],
  ['sources of the binary', /^(native|binding\.gyp)/],
  ['docs', /^docs\/|^[^/]*\.md$/],
  ['examples', /^examples\//],
  ['the rest', /^/],
];

/** @param {number} bytes */
const kilobytes = (bytes) => `${(bytes / 1000).toFixed(0)} kB`.padStart(9);

await run_script('size', () => {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new SetupError('which file? npm run size -- FILE.tgz');
  const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-size-'));
  try {
    const { status, stderr } = spawnSync('tar', ['-xzf', file, '-C', folder], { encoding: 'utf8' });
    if (status !== 0) throw new SetupError(`${file} cannot be unpacked: ${stderr}`);
    print_kinds(join(folder, 'package'));
  } finally {
    rmSync(folder, { recursive: true });
  }
  const packed = statSync(file).size;
  console.log(`\npacked ${kilobytes(packed).trim()} of at most ${kilobytes(LIMIT).trim()}`);
  if (packed > LIMIT) throw new SetupError(`the package has ${packed} bytes packed, more than ${LIMIT}.`);
});

/** @param {string} top the folder of the package */
function print_kinds(top) {
  const files = readdirSync(top, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(top.length + 1));
  console.log(`${' '.repeat(24)}files     packed   unpacked`);
  /** @type {Map<string, Buffer[]>} */
  const contents = new Map(kinds.map(([kind]) => [kind, []]));
  for (const path of files.sort()) {
    const [kind] = kinds.find(([, pattern]) => pattern.test(path)) ?? [''];
    contents.get(kind)?.push(readFileSync(join(top, path)));
  }
  for (const [kind, buffers] of contents) {
    const all = Buffer.concat(buffers);
    const packed = buffers.length === 0 ? 0 : gzipSync(all, { level: 9 }).length;
    console.log(
      `${kind.padEnd(24)}${String(buffers.length).padStart(5)}  ${kilobytes(packed)}  ${kilobytes(all.length)}`,
    );
  }
}
