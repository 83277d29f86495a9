// What is different on a terminal, here a pseudo-terminal: the pictures of ping --live and sweep --live, progress, histograms, ^C.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { run } from '../../unit/cli/run.js';
import { OnTerminal, type TerminalOptions } from '../../unit/cli/terminal.js';
import { has, missing_for_topology, Topology } from './topology.js';

const missing = missing_for_topology() ?? (has('python3') ? undefined : 'needs python3');
let net: Topology;

beforeAll(() => {
  if (missing === undefined) net = new Topology();
});
afterAll(() => net?.remove());
beforeEach((ctx) => {
  if (missing !== undefined) ctx.skip(missing);
});

const SIGHUP = 1;
const SIGTERM = 15;
const SIGCONT = 18;
const OPEN = '\u001b[?1049h\u001b[?25l\u001b[?7l';
const CLOSE = '\u001b[?7h\u001b[?25h\u001b[?1049l';

/** Returns a pattern in which ESC stands for the control character. */
const control = (source: string) => new RegExp(source.replaceAll('ESC', '\u001b'));
const on_terminal = (line: string, options: TerminalOptions = {}) =>
  new OnTerminal(line.split(' '), { behind: net.behind(net.near), ...options });
const times = (text: string, part: string) => text.split(part).length - 1;

/** Checks that the terminal is as it was: each opening of the screen has its closing, and nothing but text is behind the last one. */
function expect_restored({ output }: OnTerminal): string {
  expect(times(output, OPEN)).toBeGreaterThan(0);
  expect(times(output, CLOSE)).toBe(times(output, OPEN));
  const after = output.slice(output.lastIndexOf(CLOSE) + CLOSE.length);
  expect(after).not.toContain(OPEN);
  expect(after).not.toContain('\u001b[?');
  return after.replaceAll('\r\n', '\n');
}

describe('ping --live', () => {
  test('a chart of the times, and the statistics when it ends', async () => {
    const ping = on_terminal('ping --live -i 0.05 10.77.2.2');
    await ping.shows(/ (9|\d\d+) sent/);
    ping.keys('\u0003');
    expect(await ping.ended()).toBe(0);
    const picture = ping.pictures().at(-1) as string[];
    expect(picture[0]).toMatch(/^ping 10\.77\.2\.2 {3}\d+ sent, \d+ received, [\d.]+% loss$/);
    expect(picture[1]).toMatch(/^last [\d.]+ {3}min\/avg\/max\/mdev [\d.]+\/[\d.]+\/[\d.]+\/[\d.]+ ms$/);
    expect(picture.some((line) => /^ *[\d.]+ ms ┤/.test(line))).toBe(true);
    expect(picture.join('')).toMatch(/[▁▂▃▄▅▆▇█]{3}/);
    const after = expect_restored(ping);
    expect(after).toMatch(/^\n--- 10\.77\.2\.2 ping statistics ---\n\d+ packets transmitted, \d+ received/);
  });

  test('errors are shown, and count as lost', async () => {
    const ping = on_terminal('ping --live -i 0.05 10.77.3.1', { env: { NO_COLOR: '1' } });
    await ping.shows(/ ([3-9]|\d\d+) errors, 100% loss/);
    ping.keys('\u0003');
    expect(await ping.ended()).toBe(1);
    expect(ping.output).toContain('From 10.77.1.1 icmp_seq=');
    expect(ping.output).toContain('×××');
    expect(expect_restored(ping)).toMatch(
      /\d+ packets transmitted, 0 received, \+\d+ errors, 100% packet loss/,
    );
  });

  test('a terminal of another size', async () => {
    const ping = on_terminal('ping --live -i 0.02 10.77.2.2', { rows: 30, columns: 100 });
    await ping.shows(/\d\d\d sent/);
    const before = ping.output.length;
    ping.resize(10, 40);
    // A new size clears the picture.
    await ping.shows(control('ESC\\[2J[\\s\\S]*ESC\\[J'), before);
    const from = ping.output.indexOf('\u001b[2J', before);
    await ping.shows(control('ESC\\[J[\\s\\S]*ESC\\[J'), from);
    for (const picture of ping.pictures(from)) {
      expect(picture.length).toBeLessThanOrEqual(10);
      for (const line of picture.slice(2)) expect(line.length).toBeLessThanOrEqual(40);
    }
    ping.keys('\u0003');
    await ping.ended();
    expect_restored(ping);
  });

  test.each([
    ['SIGTERM', SIGTERM],
    ['SIGHUP', SIGHUP],
  ])('%s restores the terminal', async (_, number) => {
    const ping = on_terminal('ping --live -i 0.05 10.77.2.2');
    await ping.shows(/ ([3-9]|\d\d+) sent/);
    ping.signal(number);
    await ping.ended();
    expect(expect_restored(ping)).toContain('ping statistics');
  });

  test('Ctrl-Z gives the terminal back, fg takes it again', async () => {
    const ping = on_terminal('ping --live -i 0.05 10.77.2.2');
    await ping.shows(/ ([3-9]|\d\d+) sent/);
    ping.keys('\u001a');
    const stopped = await ping.shows(control('ESC\\[\\?1049l'));
    ping.signal(SIGCONT);
    await ping.shows(/sent/, stopped);
    ping.keys('\u0003');
    expect(await ping.ended()).toBe(0);
    expect(times(ping.output, OPEN)).toBe(2);
    expect_restored(ping);
  });

  test('an error in the middle restores the terminal', async () => {
    const ping = on_terminal('ping --live -i 0.05 10.77.2.2');
    await ping.shows(/ ([3-9]|\d\d+) sent/);
    // Nothing can be sent any more: the errors are counted, and the picture goes on.
    net.in(net.near, 'ip', 'route', 'del', 'default');
    try {
      await ping.shows(/sendmsg: Network is unreachable/);
    } finally {
      net.in(net.near, 'ip', 'route', 'add', 'default', 'via', '10.77.1.1');
    }
    ping.keys('\u0003');
    await ping.ended();
    expect_restored(ping);
  });

  test('NO_COLOR: no colours; with them, some', async () => {
    const colours = control('ESC\\[\\d+m');
    for (const [env, wanted] of [
      [{ NO_COLOR: '1' }, false],
      [{}, true],
    ] as const) {
      const ping = on_terminal('ping --live -i 0.05 -c 3 10.77.2.2', { env });
      expect(await ping.ended()).toBe(0);
      expect(colours.test(ping.output)).toBe(wanted);
    }
  });

  test.each([
    ['ping', '--live', '-c2', '-i0.05', '10.77.2.2'],
    ['sweep', '--live', '10.77.2.1-2'],
  ])('%s %s: lines where standard output is no terminal', async (...args) => {
    const { code, stdout } = await run(args, { behind: net.behind(net.near) });
    expect(code).toBe(0);
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toMatch(/^64 bytes from 10\.77\.2\.2: icmp_seq=2|^10\.77\.2\.2 is alive$/m);
  });

  test('lines on a terminal that has only lines, and without --live', async () => {
    for (const [line, env] of [
      ['ping --live -c2 -i0.05 10.77.2.2', { TERM: 'dumb' }],
      ['ping -c2 -i0.05 10.77.2.2', {}],
    ] as const) {
      const ping = on_terminal(line, { env });
      expect(await ping.ended()).toBe(0);
      expect(ping.output).not.toContain('\u001b[?1049h');
      expect(ping.output).toContain('icmp_seq=2');
    }
  });
});

describe('sweep --live', () => {
  test('a map of the network; the addresses that answer stay when it closes', async () => {
    const sweep = on_terminal('sweep --live -r 1 -t 700 10.77.2.0/24', { env: { NO_COLOR: '1' } });
    expect(await sweep.ended()).toBe(0);
    const picture = sweep.pictures().at(-1) as string[];
    expect(picture[0]).toMatch(
      /^sweep {2}2 of 254 answered, \d+ unreachable, \d+ requests {3}min\/avg\/max /,
    );
    const rows = picture.filter((line) => /^10\.77\.2\.\d+ +[█×·]+$/.test(line));
    expect(rows.join('').replaceAll(/[^█×·]/g, '')).toHaveLength(254);
    expect(rows[0]).toMatch(/^10\.77\.2\.1 +██/);
    const after = expect_restored(sweep);
    expect(after).toMatch(/^10\.77\.2\.[12] is alive\n10\.77\.2\.[12] is alive\n254 addresses: 2 answered, /);
  });

  test('a network that is larger than the terminal: a cell for several addresses', async () => {
    const sweep = on_terminal('sweep --live -i 0 -r 0 -t 300 127.0.0.0/20', {
      rows: 12,
      columns: 50,
      env: { NO_COLOR: '1' },
    });
    expect(await sweep.ended()).toBe(0);
    const picture = sweep.pictures().at(-1) as string[];
    expect(picture.length).toBeLessThanOrEqual(12);
    expect(picture.at(-1)).toMatch(/a cell is \d+ addresses$/);
    for (const line of picture.slice(2)) expect(line.length).toBeLessThanOrEqual(60);
    expect_restored(sweep);
  });

  test('-l: a line for each target', async () => {
    const sweep = on_terminal('sweep --live -l -p 100 10.77.2.2 10.77.5.1', { env: { NO_COLOR: '1' } });
    await sweep.shows(/10\.77\.2\.2 {2}[\d.]+ avg, \d+% loss +[▁▂▃▄▅▆▇█·]{3}/);
    await sweep.shows(/10\.77\.5\.1 {2}no answer, 100% loss +[×·]{2}/);
    sweep.keys('\u0003');
    expect(await sweep.ended()).toBe(1);
    expect(expect_restored(sweep)).toContain('10.77.5.1 : xmt/rcv/%loss = ');
  });
});

describe('on a narrow terminal', () => {
  const narrow = { columns: 40, env: { NO_COLOR: '1' } };
  // The escape codes of colours and of erasing are not shown.
  const shown = (text: string) => text.replaceAll(new RegExp(control('ESC\\[[\\d;]*[A-Za-z]'), 'g'), '');

  test.each(['sweep -t 200 -g 10.77.5.0/27', 'arp-scan -I near0 -t 400 10.77.1.0/28'])(
    '%s: the progress stays in one line',
    async (line) => {
      const scan = on_terminal(line, narrow);
      await scan.ended();
      const updates = shown(scan.output)
        .split(/[\r\n]+/)
        .filter((part) => /[█░] +\d+ % {2}\d+ answered$/.test(part));
      expect(updates.length).toBeGreaterThan(1);
      for (const update of updates) expect(update.length, update).toBeLessThan(40);
    },
  );

  test('the bars of ping', async () => {
    const ping = on_terminal('ping -c 20 -i 0.01 -q 10.77.2.2', narrow);
    expect(await ping.ended()).toBe(0);
    const bars = shown(ping.output)
      .split(/\r*\n/)
      .filter((line) => line.includes('█'));
    expect(bars.length).toBeGreaterThan(0);
    for (const bar of bars) expect(bar.length, bar).toBeLessThanOrEqual(40);
  });
});

test('sniff: its last lines are below the ^C of the terminal', async () => {
  const sniff = on_terminal('sniff -n -i near0');
  await sniff.shows(/listening on near0, /);
  sniff.keys('\u0003');
  expect(await sniff.ended()).toBe(0);
  expect(sniff.output).toMatch(/\^C\r\n\d+ packets? captured\r\n/);
});
