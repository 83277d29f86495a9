/**
 * Files of sockets, side by side with CPython: the scenarios are run by peer.py over real socket pairs and here over the
 * same plans, and must have the same results and the same errors.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { makefile } from '../../../dist/makefile/index.js';
import { MemorySocket } from '../../unit/makefile-socket.js';
import { type Operation, type Scenario, scenarios } from './scenarios.js';

/** What Python's classes are here. */
const CLASSES: Record<string, string> = {
  ValueError: 'RangeError',
  OverflowError: 'RangeError',
  AttributeError: 'TypeError',
};

interface State {
  file: Record<string, unknown>;
  socket: MemorySocket;
}

function argument(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(argument);
  if (typeof value === 'object' && value !== null && 'bytes' in value)
    return Buffer.from(String(value.bytes), 'hex');
  return value;
}

function call(target: object, name: unknown, args: unknown[]): unknown {
  const method = Reflect.get(target, String(name));
  if (typeof method !== 'function') throw new TypeError(`no method ${name}`);
  return Reflect.apply(method, target, args);
}

function perform(state: State, name: string, args: unknown[]): unknown {
  const { file, socket } = state;
  switch (name) {
    case 'received':
      return socket.received();
    case 'get':
      return Reflect.get(file, String(args[0]));
    case 'list':
      return [...(file as unknown as Iterable<unknown>)];
    case 'next':
      return (call(file, 'next', []) as IteratorResult<unknown>).value ?? null;
    case 'fill': {
      const target = Buffer.alloc(Number(args[1]));
      const count = call(file, args[0], [target]);
      return [count, target];
    }
    case 'below':
      return call(file.buffer as object, args[0], args.slice(1));
    case 'swap':
      state.file = call(file, 'detach', []) as Record<string, unknown>;
      return state.file;
    case 'socket':
      return call(socket, args[0], args.slice(1));
    case 'descriptor':
      return socket.fileno() >= 0;
    default:
      return call(file, name, args);
  }
}

function shown(value: unknown, file: unknown): unknown {
  if (Buffer.isBuffer(value)) return { bytes: value.toString('hex') };
  if (Array.isArray(value)) return value.map((item) => shown(item, file));
  if (value === undefined) return null;
  if (value === file && value !== null) return 'itself';
  if (typeof value === 'object' && value !== null) return { object: value.constructor.name };
  return value;
}

function attempt(action: () => unknown, file: () => unknown): unknown {
  try {
    return shown(action(), file());
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const written = Reflect.get(error, 'characters_written');
    return {
      error: error.name === 'Error' ? error.constructor.name : error.name,
      ...(written === undefined ? {} : { characters_written: written }),
      ...(error.name.startsWith('Unicode') ? { message: error.message } : {}),
    };
  }
}

function run(scenario: Scenario): unknown[] {
  const socket = new MemorySocket(Buffer.from(scenario.input ?? '', 'hex'));
  socket.receives = [...(scenario.receives ?? [])];
  socket.sends = [...(scenario.sends ?? [])];
  socket.ended = scenario.open !== true;
  const state: State = { file: {}, socket };
  const current = () => state.file;
  const made = attempt(() => {
    const [mode, buffering] = scenario.makefile as [string, number];
    state.file = makefile(socket, mode, buffering, scenario.options) as unknown as Record<string, unknown>;
    return state.file.constructor.name;
  }, current);
  if (typeof made !== 'string') return [made];
  return [
    made,
    ...scenario.do.map(([name, ...args]: Operation) =>
      attempt(() => perform(state, name, args.map(argument)), current),
    ),
  ];
}

/** Python's results with the names that its classes have here. */
function translated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translated);
  if (typeof value !== 'object' || value === null || !('error' in value)) return value;
  return { ...value, error: CLASSES[String(value.error)] ?? value.error };
}

/** The python3 to compare with: the newest of those that are there, or the one that PYTHON names. */
function python(): string | undefined {
  const candidates = [process.env.PYTHON, 'python3.13', 'python3'].filter((name) => name !== undefined);
  return candidates.find(
    (name) => spawnSync(name, ['-c', 'import socket, io'], { encoding: 'utf8' }).status === 0,
  );
}

test('files do what CPython does', (ctx) => {
  const interpreter = python();
  if (interpreter === undefined) return ctx.skip('no python3 to compare with');
  const script = fileURLToPath(new URL('peer.py', import.meta.url));
  const { stdout, stderr, status } = spawnSync(interpreter, ['-X', 'utf8=0', script], {
    input: JSON.stringify(scenarios),
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
  expect(status, stderr).toBe(0);
  const results = new Map<string, unknown[]>(JSON.parse(stdout));
  expect(new Set(scenarios.map(({ title }) => title)).size).toBe(scenarios.length);
  const differences = scenarios.flatMap((scenario) => {
    const result = results.get(scenario.title);
    if (result === undefined) return [];
    const here = JSON.parse(JSON.stringify(run(scenario)));
    const there = result.map(translated);
    const at = here.findIndex(
      (item: unknown, n: number) => JSON.stringify(item) !== JSON.stringify(there[n]),
    );
    if (at < 0 && here.length === there.length) return [];
    const operation = at === 0 ? scenario.makefile : scenario.do[at - 1];
    return [
      `${scenario.title}: ${JSON.stringify(operation)}\n  python: ${JSON.stringify(there[at])}\n  here:   ${JSON.stringify(here[at])}`,
    ];
  });
  console.log(`${results.size} of ${scenarios.length} scenarios compared, ${differences.length} differ`);
  expect(differences.join('\n')).toBe('');
});
