// The examples are the first programs that people read and run: each does what it says, as root and as nobody.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const folder = new URL('../../examples/', import.meta.url);

interface Outcome {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** Runs one example to its end, killed after 20 seconds. */
function run(name: string, options: { args?: string[]; uid?: number } = {}): Promise<Outcome> {
  const { args = [], uid } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [fileURLToPath(new URL(name, folder)), ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 20_000,
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    const outcome: Outcome = { code: null, stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      outcome.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      outcome.stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code) => resolve({ ...outcome, code }));
  });
}

const TCP = /^TCP {9}sent "hello, sockets" to 127\.0\.0\.1:\d+, a worker thread answered "HELLO, SOCKETS"$/m;
const UDP = /^UDP {9}asked "what is the time\?", 127\.0\.0\.1:\d+ answered "\d{4}-\d\d-\d\dT[\d:.]+Z"$/m;
const UNIX = /^AF_UNIX {5}sent the datagram "ping" to \/.+\/server, got "pong"$/m;
const PASSED =
  /^descriptor {2}process (\d+) opened 127\.0\.0\.1:\d+ and passed it on; there process (\d+) answered$/m;
const ICMP = /^ICMP {8}127\.0\.0\.1 answered an echo request in \d+\.\d{3} ms$/m;
const NO_ICMP = /^ICMP {8}left out: .*CAP_NET_RAW/m;
const privileged = process.getuid?.() === 0;

describe('examples', { timeout: 60_000 }, () => {
  test.each([
    ['tcp_upper.mjs', TCP],
    ['udp.mjs', UDP],
    ['unix_datagram.mjs', UNIX],
    ['pass_descriptor.mjs', PASSED],
    ['tcp_proxy.mjs', /^proxy {7}moved 18 bytes there and 18 back: "through the kernel"$/m],
    ['work_server.mjs', /^work {8}primes below 100, 1000, 10000, 100000: 25, 168, 1229, 9592$/m],
    ['selectors_echo.mjs', /^selectors {3}3 connections answered: one, three, two$/m],
    ['chat_server.mjs', /^chat {8}Ann heard: \* Bob is here, Bob: good morning, \* Bob has left$/m],
    [
      'restart.mjs',
      /^restart {5}process (\d+) answered, then process (?!\1)\d+: \d+ requests, none failed$/m,
    ],
    ['time_server.mjs', /^time {8}127\.0\.0\.1:\d+ says \d{4}-\d\d-\d\dT[\d:.]+Z$/m],
  ])('%s', async (name, line) => {
    const outcome = await run(name);
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(line);
    expect(outcome.stdout.trimEnd().split('\n')).toHaveLength(1);
  });

  test('echo_server.mjs: every kind of server', async () => {
    const { code, stdout, stderr } = await run('echo_server.mjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toEqual(
      ['TCPServer', 'ThreadingTCPServer', 'ForkingTCPServer', 'AsyncTCPServer'].map(
        (name) => `echo        ${name} answered "hello"`,
      ),
    );
  });

  test('pass_descriptor.mjs: the answer comes from the other process', async () => {
    const [, opener, answerer] = PASSED.exec((await run('pass_descriptor.mjs')).stdout) ?? [];
    expect(Number(answerer)).toBeGreaterThan(0);
    expect(answerer).not.toBe(opener);
  });

  test('icmp_echo.mjs as root', async (ctx) => {
    if (!privileged) ctx.skip('needs root for CAP_NET_RAW');
    const outcome = await run('icmp_echo.mjs');
    expect(outcome).toMatchObject({ code: 0, stderr: '' });
    expect(outcome.stdout).toMatch(ICMP);
  });

  test('icmp_echo.mjs without CAP_NET_RAW says what is missing, and succeeds', async (ctx) => {
    const outcome = await run('icmp_echo.mjs', privileged ? { uid: 65_534 } : {}).catch(
      (error: Error) => error,
    );
    if (outcome instanceof Error) ctx.skip(`cannot run node as nobody: ${outcome.message}`);
    else if (/ICMP +127/.test(outcome.stdout)) ctx.skip('this node has CAP_NET_RAW');
    else {
      expect(outcome).toMatchObject({ code: 0, stderr: '' });
      expect(outcome.stdout).toMatch(NO_ICMP);
    }
  });

  test('icmp_echo.mjs: any other failure is no excuse', async (ctx) => {
    if (!privileged) ctx.skip('needs root for CAP_NET_RAW');
    const outcome = await run('icmp_echo.mjs', { args: ['no-such-host.invalid'] });
    expect(outcome.code).not.toBe(0);
    expect(outcome.stderr).toContain('gaierror');
  });

  test('packet_probe.mjs as root', async (ctx) => {
    if (!privileged) ctx.skip('needs root for CAP_NET_RAW');
    for (const address of ['127.0.0.1', '::1']) {
      const { code, stdout, stderr } = await run('packet_probe.mjs', { args: [address, '9'] });
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.trimEnd().split('\n').sort();
      expect(lines[0]).toMatch(/^packets {5}[\d.:]+ echo: echo reply, after \d+\.\d{3} ms$/);
      expect(lines[1]).toMatch(/^packets {5}[\d.:]+ port 9: closed, after \d+\.\d{3} ms$/);
    }
  });

  test('packet_probe.mjs without CAP_NET_RAW says what is missing, and succeeds', async (ctx) => {
    const outcome = await run('packet_probe.mjs', privileged ? { uid: 65_534 } : {}).catch(
      (error: Error) => error,
    );
    if (outcome instanceof Error) ctx.skip(`cannot run node as nobody: ${outcome.message}`);
    else if (/echo:/.test(outcome.stdout)) ctx.skip('this node has CAP_NET_RAW');
    else expect(outcome.stdout).toMatch(/^packets {5}left out: .*CAP_NET_RAW/m);
  });

  test('demo.mjs runs them all, in order', async () => {
    const { code, stdout, stderr } = await run('demo.mjs');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(5);
    for (const [i, line] of [TCP, UDP, UNIX, PASSED, /^ICMP/].entries()) expect(lines[i]).toMatch(line);
  });
});
