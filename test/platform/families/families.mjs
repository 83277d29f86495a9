// The scenarios of scenarios/*.txt, each run with python3 and with bsd-sockets on the running kernel, and compared line by
// line. Used by families.test.ts (this machine) and by ../vm (a guest that has the kernel modules).
//
//   node families.mjs [--json] [--guest] [--show] [NAME...]
//
// --json    one JSON line per scenario: { name, status: 'passed' | 'failed' | 'skipped', reason, steps, python, seconds }
// --guest   this machine is a virtual machine of ours: load kernel modules, and work outside of a namespace if need be
// --show    for writing a scenario: python3 alone, and what each line gives there
//
// A scenario is a list of lines that are valid in Python and in JavaScript alike. Helpers: address(...) is a tuple or array,
// hex('00 ff') and text('abc') are bytes, integer('0x…') is an integer beyond 2^53. What a line gives is compared; before it
// may stand:
//   name =         keeps the result (`a, b =` takes a pair apart)
//   !              it must fail, with the same error in both
//   ~              the kernel picks some of the numbers: only the shape is compared
//   +              bsd-sockets alone runs it, for what Python's module cannot; it must give what stands behind `->`
//   ?              if it fails with python3, the kernel lacks what the scenario is about: skipped
// Comments at the head: `# modules:` kernel modules, loaded in a guest; `# setup:` a shell command (several lines are one
// script); `# namespace: none` for families that exist only in the machine's own network namespace.

import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';

const here = path.dirname(fileURLToPath(import.meta.url));
/** For one half of a scenario; an emulated guest is slow, and whoever waits elsewhere wants to know of a hang soon. */
const LIMIT_SECONDS = process.argv.includes('--guest') ? 120 : 20;
// Debian's own python3 is built with all families; one that a person compiled often lacks Bluetooth.
const PYTHON = process.env.PYTHON ?? (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3');

/** A scenario's text taken apart; see the head of this file for its form. */
function parse(text) {
  const head = (key) => [...text.matchAll(new RegExp(`^# ${key}: (.*)$`, 'gm'))].map((match) => match[1]);
  const steps = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '' || line.startsWith('#')) continue;
    const [, mark, names, source] = /^([!~?+]?)\s*(?:(\w+(?:, \w+)*) = )?(.*)$/.exec(line);
    const [expression, expected] = mark === '+' ? source.split(' -> ') : [source];
    steps.push({
      line: index + 1,
      expression,
      expected,
      names: names ? names.split(', ') : [],
      fails: mark === '!',
      shape: mark === '~',
      probes: mark === '?',
    });
  }
  return {
    modules: head('modules').join(' '),
    setup: head('setup').join('\n'),
    namespace: head('namespace')[0],
    steps,
  };
}

/** The same value with its numbers and bytes forgotten. */
function shape(value) {
  if (Array.isArray(value)) return value.map(shape);
  if (value === null || typeof value === 'string') return value;
  return typeof value;
}

/** Whether two results of a step are the same, as far as the step compares them. */
function same(step, a, b) {
  if (a.error || b.error) return a.error === b.error && a.errno === b.errno;
  return step.shape ? isDeepStrictEqual(shape(a.value), shape(b.value)) : isDeepStrictEqual(a.value, b.value);
}

const said = (result) => {
  if (!result) return `no answer in ${LIMIT_SECONDS} s, or the process died`;
  return result.error
    ? `${result.error} ${result.errno ?? ''} ${result.message}`
    : JSON.stringify(result.value);
};

/** The JSON lines that a runner printed: the version it began with and a result for each line of the scenario. */
function read(file) {
  const [first, ...results] = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return { version: first?.version, results: new Map(results.map((result) => [result.line, result])) };
}

/**
 * The shell script that makes the scenario's surroundings and runs both halves in them, one after the other.
 * The steps and answers are files in the directory that is its working directory.
 */
function script(scenario, { guest, show, isolated }) {
  return [
    'exec 2>errors',
    guest && scenario.modules ? `for module in ${scenario.modules}; do modprobe $module || exit 9; done` : '',
    isolated ? 'ip link set lo up || exit 9' : '',
    scenario.setup ? 'sh -ec "$SETUP" >&2 || exit 9' : '',
    `timeout ${LIMIT_SECONDS} "$PYTHON" -IS "$HERE/run.py" <steps >python`,
    show ? '' : `timeout ${LIMIT_SECONDS} "$NODE" "$HERE/run.mjs" <steps >node`,
    'exit 0',
  ].join('\n');
}

/** How to start a process in a network namespace of its own: as root, else with a user namespace; undefined if neither. */
function isolation() {
  const ways = [
    ['unshare', '--net'],
    ['unshare', '--map-root-user', '--net'],
  ];
  return ways.find(([command, ...rest]) => spawnSync(command, [...rest, 'true']).status === 0);
}

/** Runs one scenario by its name. Returns what --json prints. */
function run(name, { guest = false, show = false } = {}) {
  const scenario = parse(readFileSync(path.join(here, 'scenarios', `${name}.txt`), 'utf8'));
  const started = performance.now();
  const report = (status, reason, more) => {
    return {
      name,
      status,
      reason,
      steps: scenario.steps.length,
      seconds: (performance.now() - started) / 1000,
      ...more,
    };
  };
  const isolated = scenario.namespace !== 'none';
  if (!isolated && !guest)
    return report('skipped', 'it exists only in the first network namespace: see npm run test:vm');
  const prefix = isolated ? isolation() : [];
  if (!prefix) return report('skipped', 'no network namespace can be made here (run as root)');

  const directory = mkdtempSync(path.join(tmpdir(), 'bsd-sockets-families.'));
  try {
    writeFileSync(path.join(directory, 'steps'), JSON.stringify(scenario.steps));
    for (const file of ['python', 'node', 'errors']) closeSync(openSync(path.join(directory, file), 'w'));
    const [command, ...words] = [...prefix, 'sh', '-c', script(scenario, { guest, show, isolated })];
    const env = {
      ...process.env,
      PYTHON,
      NODE: process.execPath,
      HERE: here,
      SETUP: scenario.setup,
      LC_ALL: 'C',
    };
    const { status } = spawnSync(command, words, { cwd: directory, env });
    const errors = readFileSync(path.join(directory, 'errors'), 'utf8').trim();
    if (status === 9) return report('skipped', `the kernel lacks it: ${errors.split('\n').at(-1)}`);
    const python = read(path.join(directory, 'python'));
    if (show) {
      for (const step of scenario.steps)
        console.log(`${step.expression}\n    ${said(python.results.get(step.line))}`);
    }
    const node = show ? python : read(path.join(directory, 'node'));
    return report(...compare(scenario, python, node, errors));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Compares the answers of python3 and of Node. Returns the status, the reason, and python3's version. */
function compare(scenario, python, node, errors) {
  const more = { python: python.version };
  if (!python.version) return ['skipped', `${PYTHON} does not run: ${errors.split('\n').at(-1)}`, more];
  for (const step of scenario.steps) {
    const expected = python.results.get(step.line);
    const actual = node.results.get(step.line);
    const where = `line ${step.line}: ${step.expression}`;
    if (step.expected) {
      if (actual && !actual.error && isDeepStrictEqual(actual.value, actual.expected)) continue;
      return ['failed', `${where}\n  expected: ${step.expected}\n  node:     ${said(actual)}`, more];
    }
    if (step.probes && expected?.error) return ['skipped', `${step.expression}: ${expected.message}`, more];
    if (expected?.error === 'NameError')
      return ['skipped', `${PYTHON} ${python.version}: ${expected.message}`, more];
    if (!expected) return ['failed', `${where}\n  python3: ${said(expected)}\n${errors}`, more];
    if (Boolean(expected.error) !== step.fails) {
      return [
        'failed',
        `${where}\n  python3 itself ${step.fails ? 'succeeds' : 'fails'}: ${said(expected)}`,
        more,
      ];
    }
    if (!actual || !same(step, expected, actual)) {
      return [
        'failed',
        `${where}\n  python3: ${said(expected)}\n  node:    ${said(actual)}${actual ? '' : `\n${errors}`}`,
        more,
      ];
    }
  }
  return ['passed', '', more];
}

/** The names of all scenarios. */
export function names() {
  return readdirSync(path.join(here, 'scenarios'))
    .filter((file) => file.endsWith('.txt'))
    .map((file) => file.slice(0, -'.txt'.length))
    .sort();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flags = new Set(process.argv.slice(2).filter((word) => word.startsWith('--')));
  const wanted = process.argv.slice(2).filter((word) => !word.startsWith('--'));
  const guest = flags.has('--guest');
  let failed = false;
  for (const name of wanted.length > 0 ? wanted : names()) {
    const result = run(name, { guest, show: flags.has('--show') });
    failed ||= result.status === 'failed';
    const told = `${result.status} ${name}${result.reason ? `: ${result.reason}` : ''}`;
    console.log(flags.has('--json') ? JSON.stringify(result) : told);
  }
  process.exitCode = failed ? 1 : 0;
}
