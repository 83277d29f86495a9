/**
 * The conformance suite: the same scenario in CPython and here, results compared.
 *
 * A scenario is a Python snippet (the body of a function) and a TypeScript function of the same shape; both return
 * plain data or throw. `calls` and `methods` make one scenario a row from the arguments alone, writing the Python call
 * themselves. Where the two differ on purpose, `differences.ts` says what each gives and why.
 * What the scenarios build upon is in stage.ts here and in oracle.py there; one python3 serves a whole file.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, type TestContext, test } from 'vitest';
import { open_links } from '../descriptors.js';
import { differences_of } from './differences.js';
import * as stage from './stage.js';

/** Keeps backslashes, so that a Python snippet reads as Python. */
export const py = String.raw;

/** Why a scenario cannot run on this machine, or undefined if it can. */
export type Need = () => string | undefined;

/** A line from oracle.py; `absent` is put there by this side when there is no Python to answer. */
interface Answer {
  id: number;
  value?: unknown;
  failure?: string;
  missing?: string;
  absent?: string;
}

/** One theme (a test file): gives the functions that define its scenarios. */
export function theme(name: string) {
  const expected = differences_of(name);
  const seen = new Set<string>();

  /** The same scenario in both languages; `python` is a function body that returns what `here` returns. */
  function scenario(title: string, python: string, here: () => unknown, need?: Need): void {
    if (seen.has(title)) throw new Error(`two scenarios are called ${title}`);
    seen.add(title);
    test(
      title,
      async (context) => {
        const missing = need?.();
        if (missing !== undefined) context.skip(missing);
        const theirs = await ask(context, title, python);
        const ours = run(here);
        const difference = expected[title];
        if (difference === undefined) {
          expect(ours, `here (received) is not what Python gives (expected)\n${python}`).toEqual(theirs);
          return;
        }
        expect(ours, difference.why).toEqual(difference.here);
        if (!('python' in difference)) return;
        expect(theirs, `Python: ${difference.why}`).toEqual(difference.python);
        expect(ours, 'no longer a difference: remove the row').not.toEqual(theirs);
      },
      3 * LIMIT_MS,
    );
  }

  /** `socket.NAME(...)` with each list of arguments; a trailing object holds Python's keyword arguments. */
  function calls(module: object, method: string, rows: readonly (readonly unknown[])[], need?: Need): void {
    methods('socket', () => module, method, rows, need);
  }

  /** `NAME(...)`, a function of stage.ts and oracle.py, with each list of arguments. */
  function staged(
    action: (...values: never[]) => unknown,
    rows: readonly (readonly unknown[])[],
    need?: Need,
  ): void {
    for (const row of rows) {
      const call = `${action.name}(${python_arguments(row)})`;
      scenario(call, `return ${call}`, () => Reflect.apply(action, undefined, row), need);
    }
  }

  /** `RECEIVER.NAME(...)` with each list of arguments, on a receiver made afresh for each by either side. */
  function methods(
    receiver: string,
    make: () => object,
    method: string,
    rows: readonly (readonly unknown[])[],
    need?: Need,
  ): void {
    for (const row of rows) {
      const call = `${receiver}.${method}(${python_arguments(row)})`;
      scenario(call, `return ${call}`, () => invoke(make(), method, ...row), need);
    }
  }

  afterAll(() => {
    const unknown = Object.keys(expected).filter((title) => !seen.has(title));
    expect(unknown, `rows of differences.ts for "${name}" without a scenario`).toEqual([]);
  });
  return { scenario, calls, staged, methods };
}

/** Calls a method by its name with arguments of any type: how a program without types misuses it. */
export function invoke(object: object, method: string, ...values: unknown[]): unknown {
  const action: unknown = Reflect.get(object, method);
  if (typeof action !== 'function') throw new TypeError(`${method} is not a function`);
  return Reflect.apply(action, object, values);
}

/** The arguments as Python source: arrays are tuples, a trailing plain object is keyword arguments. */
function python_arguments(values: readonly unknown[]): string {
  const positional = [...values];
  const last = positional.at(-1);
  if (!is_plain_object(last)) return positional.map(python_literal).join(', ');
  positional.pop();
  const keywords = Object.entries(last).map(([key, value]) => `${key}=${python_literal(value)}`);
  return [...positional.map(python_literal), ...keywords].join(', ');
}

function is_plain_object(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function python_literal(value: unknown): string {
  if (value === null || value === undefined) return 'None';
  if (value === true) return 'True';
  if (value === false) return 'False';
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : `float('${value}')`;
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `(${value.map((one) => `${python_literal(one)},`).join(' ')})`;
  if (value instanceof Uint8Array) return `b'${Array.from(value, escaped).join('')}'`;
  if (is_plain_object(value)) return '{}';
  throw new Error(`no Python literal for ${String(value)}`);
}

function escaped(byte: number): string {
  const safe = byte >= 0x20 && byte < 0x7f && byte !== 0x27 && byte !== 0x5c;
  return safe ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
}

/** Runs the half of this side; no socket may be left open behind it. */
function run(here: () => unknown): unknown {
  const before = open_sockets();
  let result: unknown;
  try {
    result = stage.plain(stage.attempt(here));
  } finally {
    stage.leave();
  }
  const left = [...open_sockets()].filter((link) => !before.has(link));
  expect(left, 'sockets left open').toEqual([]);
  return result;
}

function open_sockets(): Set<string> {
  return new Set(open_links().filter((link) => link.startsWith('socket:')));
}

/** How long either half may take; what they wait for ends after five seconds. */
const LIMIT_MS = 12_000;
let oracle: ChildProcess | undefined;
let requests = 0;
const waiting = new Map<number, (answer: Answer) => void>();

/** What Python gives for the snippet; skips the test where there is no Python, or one without the name used. */
async function ask(context: TestContext, label: string, source: string): Promise<unknown> {
  oracle ??= start();
  requests += 1;
  const id = requests;
  const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
  const child = oracle;
  child.stdin?.write(`${JSON.stringify({ id, label, source })}\n`);
  const hung = setTimeout(() => child.kill('SIGKILL'), LIMIT_MS);
  const answer = await answered;
  clearTimeout(hung);
  if (answer.missing !== undefined) context.skip(`this python3 has no socket.${answer.missing}`);
  if (answer.absent !== undefined) context.skip(answer.absent);
  if (answer.failure !== undefined)
    throw new Error(`the Python half of "${label}" is broken: ${answer.failure}`);
  return answer.value;
}

/** The interpreter: BSD_SOCKETS_PYTHON, else a 3.13 of pyenv (the documented reference), else python3. */
function interpreter(): string {
  const pyenv = join(homedir(), '.pyenv/versions/3.13.0/bin/python3');
  return process.env.BSD_SOCKETS_PYTHON ?? (existsSync(pyenv) ? pyenv : 'python3');
}

function start(): ChildProcess {
  const script = fileURLToPath(new URL('oracle.py', import.meta.url));
  const child = spawn(interpreter(), [script, stage.directory], { stdio: ['pipe', 'pipe', 'inherit'] });
  const end = (reason: Partial<Answer>) => {
    oracle = undefined;
    for (const resolve of waiting.values()) resolve({ id: 0, ...reason });
    waiting.clear();
  };
  child.on('error', (error) => end({ absent: `no python3: ${error.message}` }));
  child.on('exit', (code, signal) => end({ failure: `python3 ended with ${signal ?? code}` }));
  createInterface({ input: child.stdout }).on('line', (line) => {
    const answer: Answer = JSON.parse(line);
    waiting.get(answer.id)?.(answer);
    waiting.delete(answer.id);
  });
  return child;
}

afterAll(() => {
  oracle?.kill('SIGKILL');
});
