// Programs of fixtures/ in processes of their own, and how they end.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';

// Tells "hung" from "ended": the events take milliseconds, twenty workers on a busy machine many seconds.
const HUNG_MS = 45_000;

// A program that is killed removes nothing, so the FIFOs of all programs are in this directory.
const directory = mkdtempSync(join(tmpdir(), 'fifos-'));
afterAll(() => rmSync(directory, { recursive: true }));

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
  readonly errors: string;
}

/** Starts fixtures/NAME with arguments. */
export function start(fixture: string, ...args: string[]): ChildProcess {
  return start_by([], fixture, ...args);
}

/** The same behind another command: `[...command, node, fixture, ...args]`. */
export function start_by(command: readonly string[], fixture: string, ...args: string[]): ChildProcess {
  const path = fileURLToPath(new URL(`./fixtures/${fixture}`, import.meta.url));
  const [program = process.execPath, ...rest] = [...command, process.execPath, path, ...args];
  const env = { ...process.env, FIFO_DIRECTORY: directory };
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env });
}

/** Waits for a process; once it prints "blocking", `when_blocked` is called. A hanging one is killed and fails. */
export async function ended(
  child: ChildProcess,
  when_blocked?: (child: ChildProcess) => void,
  hung_ms = HUNG_MS,
): Promise<Ended> {
  let output = '';
  let errors = '';
  child.stdout?.on('data', (chunk) => {
    const before = output.includes('blocking');
    output += chunk;
    // The print comes a moment before the system call.
    if (!before && output.includes('blocking')) setTimeout(() => when_blocked?.(child), 30);
  });
  child.stderr?.on('data', (chunk) => {
    errors += chunk;
  });
  const watch = setTimeout(() => child.kill('SIGKILL'), hung_ms);
  const [code, signal] = await once(child, 'close');
  clearTimeout(watch);
  return { code, signal, output, errors };
}
