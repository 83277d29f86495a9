// Runs ftpc as a user does.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string | undefined;
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** called with the child, to send it signals */
  readonly on_start?: ((kill: (signal: NodeJS.Signals) => void) => void) | undefined;
}

export const FTPC = join(import.meta.dirname, '..', '..', 'dist', 'ftpc.js');

export async function ftpc(line: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = spawn(process.execPath, [FTPC, ...line], {
    stdio: 'pipe',
    cwd: options.cwd,
    env: { ...process.env, HOME: '/nonexistent', ...options.env },
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text;
  });
  child.stdin.on('error', () => {});
  child.stdin.end(options.input ?? '');
  options.on_start?.((signal) => child.kill(signal));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** Returns the objects of --json. */
export function objects({ stdout }: Run): Record<string, unknown>[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}
