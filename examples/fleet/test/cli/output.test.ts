// Output whose reader is slow, gone, or a terminal that was stopped: hosts wait for it, time-outs and ^C do not.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Output } from '../../src/cli/output.js';
import { processes_with } from '../processes.js';
import { has_sshd, Site } from '../sshd.js';
import { left_out } from '../whole.js';
import { MAIN } from './fleet.js';

// Nothing here is quick on a busy machine.
vi.setConfig({ testTimeout: 240_000 });

/** Seconds that no other process sleeps. */
const SECONDS = `600.${process.pid}`;

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('output', () => {
  it('keeps the order of both streams, and joins what waits', async () => {
    const written: string[] = [];
    let take: () => void = () => {};
    const sink = (stream: string) => (text: string) => {
      written.push(`${stream} ${text}`);
      return new Promise<void>((resolve) => {
        take = resolve;
      });
    };
    const output = new Output(() => {}, { stdout: sink('1'), stderr: sink('2') });
    for (const [stream, text] of [
      ['stdout', 'a'],
      ['stdout', 'b'],
      ['stdout', 'c'],
      ['stderr', 'd'],
      ['stdout', 'e'],
    ] as const)
      output.write(stream, text);
    for (let index = 0; index < 5; index++) {
      take();
      await turn();
    }
    expect(written).toEqual(['1 a', '1 bc', '2 d', '1 e']);
    expect(output.is_waiting).toBe(false);
  });

  it('has those who print wait when too much waits', async () => {
    let take: () => void = () => {};
    const sink = () =>
      new Promise<void>((resolve) => {
        take = resolve;
      });
    const output = new Output(() => {}, { stdout: sink, stderr: sink });
    output.write('stdout', 'x'.repeat(1 << 20));
    expect(output.room).toBeUndefined();
    output.write('stdout', 'y');
    const { room } = output;
    expect(room).toBeInstanceOf(Promise);
    expect(output.room).toBe(room);
    take();
    await room;
    expect(output.room).toBeUndefined();
  });

  it('says once that nobody reads it, and forgets the rest', async () => {
    let gone = 0;
    const sink = () => Promise.reject(new Error('EPIPE'));
    const output = new Output(() => gone++, { stdout: sink, stderr: sink });
    output.write('stdout', 'a');
    output.write('stderr', 'b');
    await turn();
    output.write('stdout', 'c');
    await turn();
    expect([gone, output.is_waiting]).toEqual([1, false]);
  });
});

describe.skipIf(!has_sshd)('a reader of fleet', () => {
  let site: Site;
  let common: string[];
  const children: ChildProcess[] = [];
  beforeAll(async () => {
    site = new Site();
    const hosts = Object.fromEntries(
      await Promise.all(
        ['loud', 'hangs'].map(async (name) => {
          const { address, port, user, identity_files, known_hosts_files } = (await site.sshd(name)).host();
          return [name, { address, port, user, identity_files, known_hosts_files }];
        }),
      ),
    );
    const inventory = site.write('inventory.json', JSON.stringify({ hosts }));
    common = ['-i', inventory, '--no-log', '-F', '/dev/null', '-t', '30'];
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    site.close();
  });

  function start(args: readonly string[]): ChildProcess {
    const child = spawn(process.execPath, [MAIN, 'run', ...common, ...args], {
      env: { PATH: process.env.PATH, HOME: '/nonexistent' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    children.push(child);
    return child;
  }

  it.for(['text', 'json'])(
    'that is slow: the host waits, in little memory; the time-out of another one comes (%s)',
    async (form, context) => {
      if (form === 'json' && left_out !== undefined) context.skip(left_out);
      const options = ['--inactivity', '20', ...(form === 'json' ? ['--json'] : [])];
      const command = `case $FLEET_TEST_HOST in loud) yes $(printf %099d 0) | head -c 40000000;; *) exec sleep ${SECONDS};; esac`;
      const child = start([...options, 'loud,hangs', '--', command]);
      let stderr = '';
      child.stderr?.on('data', (data) => {
        stderr += data;
      });
      // Nobody reads. Longer than both hosts are allowed to take.
      await expect.poll(() => processes_with(SECONDS).length, { timeout: 60_000, interval: 300 }).toBe(1);
      await expect.poll(() => processes_with(SECONDS).length, { timeout: 60_000, interval: 300 }).toBe(0);
      await new Promise((resolve) => setTimeout(resolve, 2000));
      const memory = Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1]);
      expect(memory).toBeLessThan(250_000);
      let lines = 0;
      let last = '';
      child.stdout?.on('data', (data: Buffer) => {
        for (const byte of data) if (byte === 10) lines++;
        last = (last + data.subarray(-2000).toString('latin1')).slice(-4000);
      });
      const [code] = await once(child, 'close');
      expect(code).toBe(9);
      if (form === 'text') {
        expect(lines).toBe(400_000);
        expect(stderr).toMatch(/1 ok, 1 failed of 2 hosts/);
        expect(stderr).toMatch(/timed-out {2,}hangs: no output for 20 s\n/);
      } else expect(last).toMatch(/"host":"loud","ok":true[^\n]*\n\{"type":"summary"[^\n]*\n$/);
    },
  );

  it('that is gone: ends what runs, as SIGPIPE would', async () => {
    const child = start(['loud', '--', 'while :; do echo line; sleep 0.1; done']);
    let stderr = '';
    child.stderr?.on('data', (data) => {
      stderr += data;
    });
    child.stdout?.once('data', () => child.stdout?.destroy());
    const [code] = await once(child, 'close');
    expect(stderr).toContain('fleet: nobody reads the output any more: ending loud');
    expect(stderr).toMatch(/stopped {2,}loud: stopped while the command ran\n/);
    expect(code).toBe(12);
  });

  it('that is a terminal: it is as it was, also after ^S, ^C and ^C', async (ctx) => {
    if (spawnSync('python3', ['--version']).status !== 0) return ctx.skip('needs python3');
    const script = fileURLToPath(new URL('terminal.py', import.meta.url));
    const command = [
      process.execPath,
      MAIN,
      'run',
      ...common,
      'loud,hangs',
      '--',
      'while :; do echo line; sleep 0.05; done',
    ];
    const child = spawn('python3', [script, ...command], { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    let text = '';
    child.stdout?.on('data', (data) => {
      text += data;
    });
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(JSON.parse(text)).toEqual({
      asked: true,
      stopped: true,
      status: 12,
      restored: true,
      cursor_hidden: false,
    });
  });
});
