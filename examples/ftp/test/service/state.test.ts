// Bans and counters outlive a server: its end, its crash, and a successor that takes its place.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { create_connection } from 'bsd-sockets/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ask_control } from '../../dist/guard/control.js';
import type { SavedState } from '../../dist/guard/registry.js';
import { Client, make_place, PATIENCE, start_command, until } from '../server/harness.js';

/** Connects from an address that is not that of the other clients. */
async function guesser(port: number): Promise<Client> {
  return Client.on(await create_connection(['127.0.0.1', port], PATIENCE, ['127.0.0.2', 0]));
}

describe.each(['loop', 'threads', 'processes'])('%s', (kind) => {
  test.each(['SIGTERM', 'SIGKILL', 'a successor'])('behind %s', { timeout: 300_000 }, async (way) => {
    const place = await make_place({
      kind,
      bans: { delay: 0, failures: 2, ban: 600 },
      control: 'control.sock',
      handover: 'handover.sock',
      state: 'state.json',
    });
    onTestFinished(() => place.remove());
    const first = await start_command(place);
    onTestFinished(() => first.stop());
    const { port } = first;
    const known = await Client.log_in(port);
    const wrong = await guesser(port);
    await wrong.expect(220);
    for (const code of [530, 421]) {
      await wrong.expect(331, 'USER ann');
      await wrong.expect(code, 'PASS wrong');
    }
    for (const client of [known, wrong]) client.close();
    const path = join(place.folder, 'state.json');
    // A second behind the ban it is there, whatever comes then.
    const saved = () =>
      existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as SavedState) : undefined;
    await until(() => saved()?.bans[0]?.bans === 1, 'the state is saved');
    if (way !== 'a successor') {
      first.child.kill(way as NodeJS.Signals);
      await first.exited;
    }
    const second = await start_command(place);
    onTestFinished(() => second.stop());
    if (way === 'a successor') {
      expect(second.port).toBe(port);
      await first.exited;
    }
    const banned = await guesser(second.port);
    expect((await banned.reply()).text).toBe('421 Service not available: banned.');
    banned.close();
    (await Client.log_in(second.port)).close();
    const metrics = String(await ask_control(join(place.folder, 'control.sock'), 'metrics'));
    expect(metrics).toMatch(/^ftp_logins_total 2$/m);
    expect(metrics).toMatch(/^ftp_login_failures_total 2$/m);
    expect(metrics).toMatch(/^ftp_banned_addresses 1$/m);
  });
});
