// bsd-sockets doctor: its findings match the system.
import { readFileSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';
import { describe, expect, test } from 'vitest';
import { run } from './run.js';

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
});
