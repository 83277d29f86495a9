/**
 * Files of sockets, side by side with CPython: the scenarios are run by peer.py in CPython and by this file here, over real socket pairs, and must have the same results and the same errors.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as socket from 'bsd-sockets/socket';
import { expect, test } from 'vitest';
import type { Plan } from '../../unit/files/makefile_socket.js';
import { type Python, pythons } from '../python.js';
import { type Operation, type Scenario, scenarios } from './scenarios.js';

/** What Python's classes are here. */
const CLASSES: Record<string, string> = {
  ValueError: 'RangeError',
  OverflowError: 'RangeError',
  AttributeError: 'TypeError',
};

/** A socket whose receives and sends do what the plans say, and what they like after that. As in peer.py. */
class Planned extends socket.socket<number> {
  receives: Plan = [];
  sends: Plan = [];

  private next(plan: Plan): number | undefined {
    const item = plan.shift();
    if (item === 'block') throw new socket.BlockingIOError(11, 'Resource temporarily unavailable');
    if (item === 'timeout') throw new socket.TimeoutError('timed out');
    return item;
  }

  override recv_into(buffer: Uint8Array): number {
    return super.recv_into(buffer.subarray(0, this.next(this.receives)));
  }

  override send(data: Uint8Array): number {
    return super.send(data.subarray(0, this.next(this.sends)));
  }
}

interface State {
  file: Record<string, unknown>;
  sock: Planned;
  peer: socket.socket;
}

/** All that has arrived. */
function drain(peer: socket.socket): Buffer {
  const pieces: Buffer[] = [];
  peer.setblocking(false);
  try {
    for (let piece = peer.recv(1 << 16); piece.length > 0; piece = peer.recv(1 << 16)) pieces.push(piece);
  } catch (error) {
    if (!(error instanceof socket.BlockingIOError)) throw error;
  }
  return Buffer.concat(pieces);
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
  const { file, sock, peer } = state;
  switch (name) {
    case 'received':
      return drain(peer);
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
      return call(sock, args[0], args.slice(1));
    case 'descriptor':
      return sock.fileno() >= 0;
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
  const [a, peer] = socket.socketpair();
  using sock = new Planned(null, null, null, a.detach());
  using _peer = peer;
  // What a receive that the plan does not foresee ends with.
  sock.settimeout(0.2);
  sock.receives = [...(scenario.receives ?? [])];
  sock.sends = [...(scenario.sends ?? [])];
  peer.sendall(Buffer.from(scenario.input ?? '', 'hex'));
  if (scenario.open !== true) peer.shutdown(socket.SHUT_WR);
  const state: State = { file: {}, sock, peer };
  const current = () => state.file;
  const made = attempt(() => {
    const [mode, buffering] = scenario.makefile as [string, number];
    state.file = sock.makefile(mode, buffering, scenario.options) as unknown as Record<string, unknown>;
    return state.file.constructor.name;
  }, current);
  if (typeof made !== 'string') return [made];
  const results = scenario.do.map(([name, ...args]: Operation) =>
    attempt(() => perform(state, name, args.map(argument)), current),
  );
  // So that no file keeps the descriptor.
  attempt(() => call(state.file, 'close', []), current);
  return [made, ...results];
}

/** Python's results with the names that its classes have here. */
function translated(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(translated);
  if (typeof value !== 'object' || value === null || !('error' in value)) return value;
  return { ...value, error: CLASSES[String(value.error)] ?? value.error };
}

/** The interpreter to compare with: the newest that is there, up to the version whose results are the rule. */
function python(): string | undefined {
  const minor = ({ version }: Python): number => Number(version.split('.')[1]);
  const known = pythons().filter((found) => minor(found) <= 13);
  return known.sort((a, b) => minor(b) - minor(a))[0]?.path;
}

test('files do what CPython does', { timeout: 120_000 }, (ctx) => {
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
