// Runs the command as a user does: in a process of its own, with its output and its exit code.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';

// Each command is a new process, on a machine that may be busy.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 });

/** The program behind `npx bsd-sockets`. */
export const program = fileURLToPath(new URL('../../../dist/cli/main.js', import.meta.url));

// The milliseconds after which a command counts as hung.
const HUNG_MS = 60_000;

export interface Outcome {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  /** Standard input. Left out: empty; 'open': without an end. */
  readonly input?: string | Buffer | 'open';
  /** The user to run as. */
  readonly uid?: number;
  /** The arguments in front of node: ['ip', 'netns', 'exec', 'name']. */
  readonly behind?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A running command. */
export class Running {
  stdout = '';
  stderr = '';
  readonly child: ChildProcess;
  readonly #closed: Promise<unknown[]>;
  readonly #watch: NodeJS.Timeout;

  constructor(args: readonly string[], { input, uid, behind = [], env }: RunOptions = {}) {
    const [file = process.execPath, ...rest] = [...behind, process.execPath, program, ...args];
    this.child = spawn(file, rest, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    this.#watch = setTimeout(() => this.child.kill('SIGKILL'), HUNG_MS);
    this.child.stdin?.on('error', () => {});
    if (input !== 'open') this.child.stdin?.end(input);
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
    });
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text;
    });
    this.#closed = once(this.child, 'close');
  }

  /** Waits until standard output or standard error matches. */
  async prints(pattern: RegExp): Promise<RegExpExecArray> {
    for (const until = Date.now() + HUNG_MS; Date.now() < until; ) {
      const match = pattern.exec(this.stdout) ?? pattern.exec(this.stderr);
      if (match !== null) return match;
      if (this.child.exitCode !== null) await this.#closed;
      await new Promise((resolve) => setTimeout(resolve, 10));
      if (this.child.exitCode !== null && !pattern.test(this.stdout + this.stderr)) break;
    }
    throw new Error(`no ${pattern} in ${JSON.stringify([this.stdout, this.stderr])}`);
  }

  async ended(): Promise<Outcome> {
    const [code, signal] = await this.#closed;
    clearTimeout(this.#watch);
    return {
      code: code as number | null,
      signal: signal as string | null,
      stdout: this.stdout,
      stderr: this.stderr,
    };
  }
}

/** Runs a command to its end. @returns its output and exit code */
export function run(args: readonly string[], options?: RunOptions): Promise<Outcome> {
  return new Running(args, options).ended();
}
