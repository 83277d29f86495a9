// Who is measured: the C floor (also with an idle second thread), this library, CPython, Node's own modules and Bun. Each is a
// folder with the same programs, server, calls, async, requests and tls; the C ones are compiled on demand.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const here = fileURLToPath(new URL('.', import.meta.url));

/**
 * @typedef {object} Contender
 * @property {string} id
 * @property {string} title with the version
 * @property {string} [missing] why it cannot take part
 * @property {(program: string) => string[]} command how to start its `server`, `calls`, `async`, `requests` or `tls`
 */

/**
 * Everybody, the C floor first: all others are compared with it.
 * @param {string} directory where the C programs were compiled
 * @param {string | undefined} python_path the interpreter to measure instead of the newest
 * @param {string | undefined} bun_path Bun's program; by default the one that tests have fetched, or that of PATH
 * @param {string | undefined} against another checkout of this library, built, to measure in place of CPython, Node and Bun
 * @returns {Promise<Contender[]>}
 */
export async function find_contenders(directory, python_path, bun_path, against) {
  const script =
    (folder, bench = here) =>
    (program) => [process.execPath, join(bench, folder, `${program}.mjs`)];
  const built = existsSync(join(here, '../dist/socket/index.js'));
  const contenders = [
    { id: 'c', title: 'C', command: (program) => [join(directory, program)] },
    {
      id: 'c-threaded',
      title: 'C, idle thread',
      command: (program) => [join(directory, `${program}-threaded`)],
    },
    {
      id: 'bsd-sockets',
      title: 'bsd-sockets',
      missing: built ? undefined : 'not built (npm run build)',
      command: script('bsd-sockets'),
    },
  ];
  if (against !== undefined) {
    const bench = resolve(against, 'bench');
    const missing = existsSync(join(bench, '../dist')) ? undefined : `${against} is not built`;
    return [
      ...contenders,
      { id: 'against', title: 'against', missing, command: script('bsd-sockets', bench) },
    ];
  }
  const [python, bun] = await Promise.all([newest_python(python_path), find_bun(bun_path)]);
  return [
    ...contenders,
    {
      id: 'cpython',
      title: python ? `CPython ${python.version.join('.')}` : 'CPython',
      missing: python ? undefined : 'no python3 found',
      command: (program) => [python.path, join(here, `python/${program}.py`)],
    },
    { id: 'node', title: `node ${process.versions.node}`, command: script('node') },
    {
      id: 'bun',
      title: bun ? `Bun ${bun.version}` : 'Bun',
      missing: bun ? undefined : 'no bun found (--bun PATH)',
      command: (program) => [bun.path, join(here, `bun/${program}.mjs`)],
    },
  ];
}

/** What the workloads of each program need of floor/. */
const FLOOR = {
  server: ['server', 'server-threaded', 'client'],
  async: ['async', 'async-threaded', 'load'],
  requests: ['requests', 'connections'],
  calls: ['calls', 'calls-threaded'],
  tls: [],
  capture: ['flood'],
};

/**
 * Compiles the C programs that some workloads need into the directory.
 * @param {string} directory
 * @param {import('./workloads.mjs').Workload[]} workloads
 * @returns {Promise<void>}
 */
export async function compile_floor(directory, workloads) {
  const compile = (source, program, ...flags) =>
    run(process.env.CC ?? 'cc', [
      '-O2',
      ...flags,
      '-o',
      join(directory, program),
      join(here, `floor/${source}.c`),
    ]);
  const needed = new Set(['pin', ...workloads.flatMap(({ program }) => FLOOR[program])]);
  const flags = { requests: ['-pthread'] };
  await Promise.all(
    [...needed].map((program) => {
      const source = program.replace('-threaded', '');
      const threaded = source === program ? [] : ['-pthread', '-DBENCH_THREADED'];
      return compile(source, program, ...(flags[program] ?? threaded));
    }),
  );
}

/**
 * Makes the certificate of servers of TLS in the directory.
 * @param {string} directory
 * @returns {Promise<string | undefined>} why there is none
 */
export async function make_certificate(directory) {
  const request =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost -days 2';
  try {
    await run('openssl', [
      ...request.split(' '),
      '-keyout',
      join(directory, 'key.pem'),
      '-out',
      join(directory, 'cert.pem'),
    ]);
    return undefined;
  } catch (error) {
    return `openssl makes no certificate: ${error.message.split('\n')[0]}`;
  }
}

/** The newest python3 among those of pyenv and those on PATH, asked for its version; or the one that is given. */
async function newest_python(given) {
  const pyenv = join(process.env.PYENV_ROOT ?? join(homedir(), '.pyenv'), 'versions');
  const installed = existsSync(pyenv)
    ? readdirSync(pyenv).map((name) => join(pyenv, name, 'bin/python3'))
    : [];
  const candidates = given ? [given] : [...installed.filter(existsSync), '/usr/bin/python3', 'python3'];
  const found = await Promise.all(candidates.map(python_version));
  return found.filter((python) => python !== undefined).sort((a, b) => compare(b.version, a.version))[0];
}

async function python_version(path) {
  try {
    const { stdout } = await run(path, ['-c', 'import sys; print(*sys.version_info[:3])']);
    return { path, version: stdout.trim().split(' ').map(Number) };
  } catch {
    return undefined; // not there, or it does not start
  }
}

/** Bun's program and version: the given one, else one that tests have fetched, else that of PATH. */
async function find_bun(given) {
  const packages = join(here, '../node_modules/.cache/packages');
  const folders = existsSync(packages) ? readdirSync(packages) : [];
  const fetched = folders.flatMap((folder) => {
    const [, name] = folder.match(/^@oven-(bun-linux-[^@]*)@/) ?? [];
    return name ? [join(packages, folder, 'node_modules/@oven', name, 'bin/bun')] : [];
  });
  for (const path of given ? [given] : [...fetched, 'bun']) {
    try {
      const { stdout } = await run(path, ['--version']);
      return { path, version: stdout.trim() };
    } catch {
      // not there, or it does not start
    }
  }
  return undefined;
}

/** Compares two versions of three numbers. */
function compare(a, b) {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}
