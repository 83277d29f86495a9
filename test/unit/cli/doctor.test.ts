// bsd-sockets doctor: its findings match the system.
import { readFileSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { run } from './run.js';
import { OnTerminal } from './terminal.js';

interface Findings {
  binary: string;
  node: string;
  user: { uid: number };
  capabilities: string[];
  sockets: { what: string; family: string; type: string; usable: boolean; code?: string; reason?: string }[];
  interfaces: { name: string }[];
  limits: { nofile: { soft: string }; sysctl: Record<string, string> };
  remedies: { missing: string; commands: string[] }[];
}

const root = process.getuid?.() === 0;

async function findings(options = {}): Promise<Findings> {
  const { code, stdout, stderr } = await run(['doctor', '--json'], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout.trimEnd()).not.toContain('\n');
  return JSON.parse(stdout) as Findings;
}

describe('doctor', () => {
  test('tells what the system says', async () => {
    const found = await findings();
    expect(found.node).toBe(process.version);
    expect(found.binary).toMatch(/bsd.sockets.*\.node$/);
    expect(found.interfaces.map(({ name }) => name)).toContain('lo');
    const range = readFileSync('/proc/sys/net/ipv4/ping_group_range', 'utf8').trim().replace('\t', ' ');
    expect(found.limits.sysctl['net.ipv4.ping_group_range']).toBe(range);
    expect(Number(found.limits.nofile.soft)).toBeGreaterThan(0);
    const effective = /CapEff:\s*(\w+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    const bits = BigInt(`0x${effective}`).toString(2).replaceAll('0', '').length;
    expect(found.capabilities).toHaveLength(bits);
  });

  test('its sockets are those that can be made here', async () => {
    const { sockets } = await findings();
    expect(sockets.length).toBeGreaterThan(20);
    const number = (name: string) => Reflect.get(socket, name) as number;
    for (const { what, family, type, usable, reason } of sockets) {
      if (!usable) expect(reason, what).toBeTruthy();
      else if (!/raw|ping/.test(what)) socket.socket(number(family), number(type)).close();
    }
  });

  test('as a user without privileges, it says what is missing and how to get it', async (ctx) => {
    if (!root) ctx.skip('needs root to become another user');
    const found = await findings({ uid: 65_534 }).catch((error: Error) =>
      ctx.skip(`cannot: ${error.message}`),
    );
    expect(found.user.uid).toBe(65_534);
    expect(found.capabilities).toEqual([]);
    expect(found.sockets.find(({ what }) => what === 'raw IPv4')).toMatchObject({
      usable: false,
      code: 'EPERM',
    });
    const commands = found.remedies.flatMap((remedy) => remedy.commands);
    expect(commands).toContain('sudo setcap cap_net_raw+ep "$(command -v node)"');
    const text = await run(['doctor'], { uid: 65_534 });
    expect(text).toMatchObject({ code: 0, stderr: '' });
    expect(text.stdout).toContain('How to get what is missing');
    for (const line of commands) expect(text.stdout).toContain(line);
  });

  test.each([60, 100])('on a terminal of %d columns, what has no room is below its row', async (columns) => {
    const env = { NO_COLOR: '1' };
    const doctor = new OnTerminal(['doctor'], { columns, env });
    expect(await doctor.ended()).toBe(0);
    const whole = (text: string) => text.replaceAll(/[ \r\n]+/g, ' ');
    const lines = doctor.output.split(/\r*\n/);
    const from = lines.indexOf('Sockets');
    for (const line of lines.slice(from, lines.indexOf('Capabilities')))
      expect(line.length, line).toBeLessThanOrEqual(columns);
    for (const line of lines.slice(
      lines.indexOf('Limits'),
      lines.findIndex((each) => /^How|^Nothing/.test(each)),
    ))
      expect(line.length, line).toBeLessThanOrEqual(columns);
    // The environment of both runs has the same sockets and limits.
    const { stdout } = await run(['doctor'], { env });
    const part = (text: string) =>
      whole(text)
        .match(/ Sockets .* Capabilities /)?.[0]
        .split(' ')
        .sort();
    expect(part(doctor.output)).toEqual(part(stdout));
  });
});
