// Many short connections against each kind of server: none is lost, and what the server holds is what it held before.
//
// LOAD_CONNECTIONS=20000 makes that many connections, LOAD_SECONDS=120 makes each load last two minutes.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type NetConnectOpts } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const CONNECTIONS = Number(process.env.LOAD_CONNECTIONS ?? 500);
const SECONDS = Number(process.env.LOAD_SECONDS ?? 0);
const AT_ONCE = 64;
const WORKERS = 4;
/** More memory than before, in MB for each JavaScript heap: what V8 keeps for the next time, however many there were. */
const MORE_MB = 20;

interface Held {
  processes: number;
  fds: number;
  mb: number;
}

class Server {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #processes: number;
  options: NetConnectOpts = { port: 0 };

  constructor(kind: string, ...args: string[]) {
    this.#processes = kind.startsWith('Forking') ? WORKERS + 1 : 1;
    const fixture = fileURLToPath(new URL('./fixtures/load_server.mjs', import.meta.url));
    this.#child = spawn(process.execPath, ['--expose-gc', fixture, kind, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('no output');
    this.#lines = createInterface({ input: stdout });
  }

  async #line(): Promise<unknown> {
    const [line] = (await once(this.#lines, 'line')) as [string];
    return JSON.parse(line);
  }

  async start(): Promise<void> {
    const address = await this.#line();
    this.options = Array.isArray(address)
      ? { host: String(address[0]), port: Number(address[1]) }
      : { path: String(address) };
  }

  /**
   * What it holds after garbage collection in all workers, of which there are as many as there may be. On a busy machine a worker may
   * still be closing its last connection: waits a while for no more than `most_fds`.
   */
  async held(most_fds = Number.POSITIVE_INFINITY): Promise<Held> {
    const end = Date.now() + 30_000;
    for (;;) {
      await Promise.all(Array.from({ length: WORKERS * 2 }, () => this.ask('hold\n')));
      this.#child.stdin?.write('\n');
      const held = (await this.#line()) as Held;
      if (held.processes !== this.#processes) continue;
      if (held.fds <= most_fds || Date.now() > end) return held;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<number> {
    const closed = once(this.#child, 'close');
    this.#child.kill('SIGTERM');
    const [code] = (await closed) as [number];
    return code;
  }

  /** One connection: sends a line, and gives what comes back. */
  ask(line: string): Promise<string> {
    return new Promise((resolve) => {
      let answer = '';
      const client = connect(this.options, () => client.end(line));
      client.setEncoding('utf8').on('data', (text: string) => {
        answer += text;
      });
      client.on('error', (error) => {
        answer = String(error);
      });
      client.on('close', () => resolve(answer));
    });
  }

  /** So many connections, 64 at once; what was no echo. */
  async load(connections: number, seconds = 0): Promise<string[]> {
    const wrong: string[] = [];
    const end = Date.now() + seconds * 1000;
    let count = 0;
    const one = async () => {
      while (count < connections || Date.now() < end) {
        const line = `${count++}\n`;
        const answer = await this.ask(line);
        if (answer !== line) wrong.push(answer);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, one));
    return wrong;
  }
}

const KINDS = [
  'AsyncTCPServer',
  'AsyncUnixStreamServer',
  'TCPServer',
  'ThreadingTCPServer',
  'ForkingTCPServer',
  'UnixStreamServer',
  'ThreadingUnixStreamServer',
  'ForkingUnixStreamServer',
];

describe.each(KINDS)('%s', { timeout: 120_000 + SECONDS * 1000 }, (kind) => {
  test(`${CONNECTIONS} connections, ${AT_ONCE} at once: none is lost, and nothing is kept`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'load-'));
    const server = new Server(kind, ...(kind.includes('Unix') ? [join(folder, 'socket')] : []));
    try {
      await server.start();
      expect(await server.load(500)).toEqual([]);
      const before = await server.held();
      const began = performance.now();
      expect(await server.load(CONNECTIONS, SECONDS)).toEqual([]);
      const after = await server.held(before.fds);
      if (CONNECTIONS > 1000) console.log(kind, Math.round(performance.now() - began), 'ms', before, after);
      expect(after.fds).toBeLessThanOrEqual(before.fds);
      expect(after.mb - before.mb).toBeLessThan(MORE_MB * (WORKERS + 1));
    } finally {
      expect(await server.stop()).toBe(0);
      rmSync(folder, { recursive: true });
    }
  });

  test('SIGTERM under load: who was connected is answered, who comes later is refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'load-'));
    const server = new Server(kind, ...(kind.includes('Unix') ? [join(folder, 'socket')] : []));
    await server.start();
    const outcomes = new Set<string>();
    let ends = false;
    const load = Array.from({ length: AT_ONCE }, async () => {
      for (let answer = ''; !answer.includes('ECONNREFUSED'); ) {
        answer = await server.ask('x\n');
        outcomes.add(answer);
        if (!ends && outcomes.has('x\n')) ends = setTimeout(() => stopped.push(server.stop()), 200) !== null;
      }
    });
    const stopped: Promise<number>[] = [];
    await Promise.all(load);
    expect(await Promise.all(stopped)).toEqual([0]);
    // EAGAIN is of AF_UNIX, where too many wait.
    const expected = [/^x\n$/, /ECONNREFUSED/, /connect EAGAIN/];
    expect([...outcomes].filter((outcome) => !expected.some((one) => one.test(outcome)))).toEqual([]);
    rmSync(folder, { recursive: true });
  });
});
