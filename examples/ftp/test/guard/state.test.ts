// What outlives a server: failed log-ins, bans and counters, in a file, whatever is in it and however the server ends.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { load_state, StateFile } from '../../dist/guard/state.js';

const BANS = { failures: 3, delay_s: 1, ban_s: 60, forget_s: 600 };

function make_path(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ftpd-state-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state.json');
}

async function fail(registry: LocalRegistry, address: string, name = 'alice') {
  const entered = await registry.enter(address, 1);
  if ('refused' in entered) throw new Error(entered.refused);
  return registry.log_in_failed(entered.id, name);
}

/** A registry whose clock stands. */
const make_registry = (now = () => 1e6) => new LocalRegistry({ bans: BANS, now });

describe('a state', () => {
  it('goes on in another registry, with the time that has passed', async () => {
    const first = make_registry();
    for (let i = 0; i < 3; i++) await fail(first, '192.0.2.1');
    await fail(first, '192.0.2.2', 'b"o\\b\n');
    first.count('ftp_replies_total', { code: '226', text: 'a "b" \\ \n' }, 5);
    const saved = JSON.parse(JSON.stringify(await first.saved()));
    const second = make_registry(() => 5);
    second.restore(saved, 20_000);
    expect(await second.enter('192.0.2.1', 1)).toEqual({ refused: 'banned' });
    expect(await fail(second, '192.0.2.2')).toEqual({ delay_s: 2, banned: false });
    second.count('ftp_replies_total', { code: '226', text: 'a "b" \\ \n' });
    expect(await second.metrics()).toContain(String.raw`{code="226",text="a \"b\" \\ \n"} 6`);
    expect(await second.metrics()).toContain('ftp_login_failures_total 5\n');
    // The ban is over, and the next one is twice as long; the failure is forgotten.
    const third = make_registry(() => 5);
    third.restore(saved, 601_000);
    expect(await fail(third, '192.0.2.2')).toEqual({ delay_s: 1, banned: false });
    for (let i = 0; i < 3; i++) await fail(third, '192.0.2.1');
    expect((await third.saved()).bans.find(({ client }) => client === '192.0.2.1')).toMatchObject({
      banned_for_ms: 120_000,
      bans: 2,
    });
  });

  it('is written soon behind a failure, and at the end; for its owner alone', async () => {
    const path = make_path();
    const registry = make_registry();
    const reported: unknown[] = [];
    const file = new StateFile(path, registry, (error) => void reported.push(error));
    await fail(registry, '192.0.2.1');
    await vi.waitFor(() => expect(readFileSync(path, 'utf8')).toContain('"alice"'), 20_000);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    registry.count('ftp_logins_total', {}, 7);
    await file.close(true);
    expect(readFileSync(path, 'utf8')).toContain('"ftp_logins_total":{"":7}');
    expect(readdirSync(join(path, '..'))).toEqual(['state.json']);
    expect(reported).toEqual([]);
    // One that has closed without writes no more.
    const other = new StateFile(path, make_registry(), () => {});
    await other.close(false);
    expect(readFileSync(path, 'utf8')).toContain('"ftp_logins_total":{"":7}');
    const again = make_registry();
    expect(await load_state(path, again)).toBeUndefined();
    expect(await again.metrics()).toContain('ftp_logins_total 7\n');
  });

  it('that cannot be written is reported once', async () => {
    const registry = make_registry();
    const reported: unknown[] = [];
    const file = new StateFile('/proc/nowhere/state', registry, (error) => void reported.push(error));
    for (let i = 0; i < 2; i++) await file.close(true);
    expect(reported.map(String)).toEqual([expect.stringContaining('ENOENT')]);
  });

  const BAN = { client: 'a', failures: [], bans: 1, banned_for_ms: 1e6, last_ago_ms: 0 };
  const whole = { version: 1, saved_ms: 0, bans: [], counters: {} };
  it.each([
    ['nothing', ''],
    ['half of it', '{"version":1,'],
    ['a list', '[]'],
    ['null', 'null'],
    ['another version', JSON.stringify({ ...whole, version: 2 })],
    ['no bans', JSON.stringify({ ...whole, bans: undefined })],
    ['bans that are none', JSON.stringify({ ...whole, bans: [{ client: 'a', failures: [], bans: 'x' }] })],
    ['a counter below 0', JSON.stringify({ ...whole, bans: [BAN], counters: { a: { '': -1 } } })],
    ['a name that is none', JSON.stringify({ ...whole, counters: { 'a b': { '': 1 } } })],
    ['labels that would end the line', JSON.stringify({ ...whole, counters: { a: { '{b="c"} 1\nd': 1 } } })],
  ])('with %s is none, and told', async (_name, text) => {
    const path = make_path();
    writeFileSync(path, text);
    const registry = make_registry();
    expect(String(await load_state(path, registry))).toContain(`${path} is no state of this server`);
    expect(await registry.saved()).toEqual({ bans: [], counters: {} });
  });

  it('that is not there is none; one that cannot be read is an error', async () => {
    const path = make_path();
    expect(await load_state(path, make_registry())).toBeUndefined();
    await expect(load_state(join(path, '..'), make_registry())).rejects.toThrow('EISDIR');
  });
});
