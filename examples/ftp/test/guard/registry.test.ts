// The registry in one process: limits, bans, who, counters. Time is the test's own.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bans, client_of } from '../../dist/guard/bans.js';
import { Counters } from '../../dist/guard/counters.js';
import { LocalRegistry } from '../../dist/guard/registry.js';
import type { AuditRecord } from '../../dist/guard/types.js';

async function enter(registry: LocalRegistry, address = '192.0.2.1'): Promise<string> {
  const entered = await registry.enter(address, 50_000);
  if ('refused' in entered) throw new Error(entered.refused);
  return entered.id;
}

describe('limits', () => {
  it('all connections', async () => {
    const registry = new LocalRegistry({ max_connections: 2 });
    const first = await enter(registry);
    await enter(registry, '192.0.2.2');
    expect(await registry.enter('192.0.2.3', 1)).toEqual({ refused: 'too many connections' });
    registry.leave(first);
    registry.leave(first);
    await enter(registry, '192.0.2.3');
    expect(await registry.enter('192.0.2.4', 1)).toEqual({ refused: 'too many connections' });
  });

  it('of an address, whatever its form', async () => {
    const registry = new LocalRegistry({ max_connections_per_address: 1 });
    const first = await enter(registry, '192.0.2.1');
    const refused = { refused: 'too many connections from this address' };
    expect(await registry.enter('::ffff:192.0.2.1', 1)).toEqual(refused);
    await enter(registry, '192.0.2.2');
    await enter(registry, '2001:db8::1');
    expect(await registry.enter('2001:db8:0:0:ffff::7', 1)).toEqual(refused);
    await enter(registry, '2001:db8:0:1::1');
    registry.leave(first);
    await enter(registry, '::ffff:192.0.2.1');
  });

  it('sessions of a user', async () => {
    const registry = new LocalRegistry();
    const [one, two, three] = [await enter(registry), await enter(registry), await enter(registry)];
    const alice = { name: 'alice', max_sessions: 2 };
    expect(await registry.log_in(one, alice)).toBeUndefined();
    expect(await registry.log_in(two, alice)).toBeUndefined();
    expect(await registry.log_in(three, alice)).toBe('too many sessions of this user');
    expect(await registry.log_in(three, { name: 'bob' })).toBeUndefined();
    registry.log_out(one);
    expect(await registry.log_in(three, alice)).toBeUndefined();
    // USER again: the session gives its own place back before it asks for one.
    expect(await registry.log_in(three, alice)).toBeUndefined();
    registry.leave(two);
    expect(await registry.log_in(one, alice)).toBeUndefined();
    expect((await registry.who()).map(({ user }) => user)).toEqual(['alice', 'alice']);
    await expect(registry.log_in('nobody', alice)).rejects.toThrow('there is no session nobody');
  });

  it.each([0, -1, 1.5, Number.NaN])('%s is none', (value) => {
    expect(() => new LocalRegistry({ max_connections: value })).toThrow(
      'max_connections must be a whole number above 0',
    );
    expect(() => new LocalRegistry({ max_connections_per_address: value })).toThrow(
      'max_connections_per_address',
    );
  });
});

describe('bans', () => {
  const options = { failures: 3, forget_s: 60, ban_s: 100, max_ban_s: 1000, delay_s: 1, max_delay_s: 3 };

  it('answers wait longer, then the address is banned, each time for longer, and time forgives', () => {
    let now = 0;
    const bans = new Bans(options, () => now);
    const fail = () => bans.failed('a', 'x');
    expect([fail(), fail(), fail()]).toEqual([
      { delay_s: 1, banned: false },
      { delay_s: 2, banned: false },
      { delay_s: 3, banned: true },
    ]);
    expect(bans.is_banned('a')).toBe(true);
    expect(bans.is_banned('b')).toBe(false);
    expect(bans.all().length).toBe(1);
    now += 99_999;
    expect(bans.is_banned('a')).toBe(true);
    now += 1;
    expect(bans.is_banned('a')).toBe(false);
    expect([fail(), fail(), fail()].map(({ banned }) => banned)).toEqual([false, false, true]);
    now += 199_999;
    expect(bans.is_banned('a')).toBe(true);
    now += 1;
    expect(bans.all().length).toBe(0);
    // The longest ban.
    for (let i = 0; i < 10; i++) {
      expect([fail(), fail(), fail()].map(({ banned }) => banned)).toEqual([false, false, true]);
      now += 1_000_000;
      expect(bans.is_banned('a')).toBe(false);
    }
    // After as long as a ban may be, the address is as new.
    now += 1_000_001;
    fail();
    fail();
    fail();
    now += 100_000;
    expect(bans.is_banned('a')).toBe(false);
  });

  it('failures are forgotten one by one', () => {
    let now = 0;
    const bans = new Bans(options, () => now);
    for (let i = 0; i < 20; i++) {
      expect(bans.failed('a', 'x').banned).toBe(false);
      now += 30_001;
    }
  });

  it('a log-in forgives the failures of its own name alone', () => {
    const bans = new Bans(options, () => 0);
    bans.failed('a', 'victim');
    bans.failed('a', 'mallory');
    bans.succeeded('a', 'mallory');
    expect(bans.failed('a', 'victim')).toEqual({ delay_s: 2, banned: false });
    bans.succeeded('a', 'mallory');
    expect(bans.failed('a', 'victim').banned).toBe(true);
  });

  it('connections that were open before have no tries of their own, and a guess that hits is refused', async () => {
    const registry = new LocalRegistry({ bans: options });
    const [one, two] = [await enter(registry), await enter(registry)];
    for (let i = 0; i < 3; i++) await registry.log_in_failed(one, 'alice');
    for (let i = 0; i < 5; i++) {
      expect(await registry.log_in_failed(two, 'alice')).toEqual({ delay_s: 3, banned: true });
    }
    expect(await registry.log_in(two, { name: 'alice' })).toBe('banned');
    expect((await registry.who()).map(({ user }) => user)).toEqual([undefined, undefined]);
    expect(await registry.metrics()).toContain('ftp_bans_total 1\n');
    const elsewhere = await enter(registry, '192.0.2.7');
    expect(await registry.log_in(elsewhere, { name: 'alice' })).toBeUndefined();
  });

  it('a flood of addresses neither fills the memory nor frees who is banned', () => {
    const bans = new Bans(options, () => 0);
    for (let i = 0; i < 3; i++) bans.failed('bad', 'x');
    for (let i = 0; i < 50_000; i++) bans.failed(String(i), 'x');
    expect(bans.is_banned('bad')).toBe(true);
    // The oldest have been forgotten, the latest have not.
    expect(bans.failed('0', 'x').delay_s).toBe(1);
    expect(bans.failed('49999', 'x').delay_s).toBe(2);
  });

  it('the registry turns banned addresses away, and writes it down', async () => {
    let now = 0;
    const records: AuditRecord[] = [];
    const registry = new LocalRegistry({
      bans: options,
      now: () => now,
      audit: { write: (record) => void records.push(record), append: () => {} },
    });
    const id = await enter(registry, '2001:db8::1');
    for (let i = 0; i < 3; i++) await registry.log_in_failed(id, 'root');
    expect(await registry.enter('2001:db8::2', 1)).toEqual({ refused: 'banned' });
    await enter(registry, '192.0.2.1');
    expect(records).toEqual([{ event: 'banned', session: id, address: '2001:db8::1', user: 'root' }]);
    expect(await registry.metrics()).toContain('ftp_banned_addresses 1\n');
    now += 100_000;
    await enter(registry, '2001:db8::2');
  });

  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '20010db800010002/64'],
    ['fe80::1%eth0', 'fe80000000000000/64'],
    ['::1', '0000000000000000/64'],
    ['no:address', 'no:address'],
    ['', ''],
  ])('the client of %j is %j', (address, client) => {
    expect(client_of(address)).toBe(client);
  });
});

describe('who', () => {
  it('tells what sessions do', async () => {
    const registry = new LocalRegistry();
    const before = Date.now();
    const id = await enter(registry, '2001:db8::1');
    await registry.log_in(id, { name: 'alice' });
    const transfer = { direction: 'upload', path: '/a', bytes: 5, size: undefined } as const;
    registry.update(id, { command: 'STOR a', directory: '/d', tls: 'TLSv1.3', transfer });
    const [session] = await registry.who();
    expect(session).toEqual({
      id,
      user: 'alice',
      address: '2001:db8::1',
      port: 50_000,
      worker: 'main',
      since_ms: expect.any(Number),
      command: 'STOR a',
      directory: '/d',
      tls: 'TLSv1.3',
      transfer,
    });
    expect(session?.since_ms).toBeGreaterThanOrEqual(before);
    registry.update(id, { transfer: undefined });
    expect((await registry.who())[0]?.transfer).toBeUndefined();
    registry.leave(id);
    registry.update(id, { command: 'late' });
    expect(await registry.who()).toEqual([]);
  });

  it('has an id for each session that no other run has', async () => {
    const ids = await Promise.all(
      [new LocalRegistry(), new LocalRegistry()].map((registry) => enter(registry)),
    );
    expect(ids[0]).not.toBe(ids[1]);
  });
});

describe('metrics', () => {
  it('are Prometheus text', async () => {
    const registry = new LocalRegistry({ max_connections: 1 });
    const id = await enter(registry);
    await registry.enter('192.0.2.9', 1);
    await registry.log_in(id, { name: 'alice' });
    registry.update(id, { transfer: { direction: 'download', path: '/', bytes: 0, size: 1 } });
    registry.count('ftp_replies_total', { code: '226' });
    registry.count('ftp_replies_total', { code: '226' });
    registry.count('ftp_replies_total', { code: '550' }, 3);
    registry.count('ftp_transfer_bytes_total', { direction: 'download' }, 1.5e10);
    const text = await registry.metrics();
    expect(text).toContain('# HELP ftp_replies_total Replies, by code\n# TYPE ftp_replies_total counter\n');
    for (const line of [
      'ftp_connections_total 1',
      'ftp_logins_total 1',
      'ftp_refusals_total{reason="too many connections"} 1',
      'ftp_replies_total{code="226"} 2',
      'ftp_replies_total{code="550"} 3',
      'ftp_transfer_bytes_total{direction="download"} 15000000000',
      'ftp_sessions 1',
      'ftp_logged_in_sessions 1',
      'ftp_transfers{direction="download"} 1',
      'ftp_transfers{direction="upload"} 0',
    ]) {
      expect(text.split('\n')).toContain(line);
    }
    // Each metric has one head.
    const heads = text.split('\n').filter((line) => line.startsWith('# TYPE'));
    expect(new Set(heads).size).toBe(heads.length);
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) ftp_[a-z_]+ .+|ftp_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? \S+)$/,
      );
    }
  });

  it('labels may have any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const counters = new Counters();
        counters.add('x_total', { label: value });
        const [line = ''] = counters.text([]).split('\n').slice(1);
        const quoted = /^x_total\{label="((?:[^"\\]|\\.)*)"\} 1$/s.exec(line)?.[1];
        expect(quoted?.replace(/\\(.)/gs, (_, c) => (c === 'n' ? '\n' : c))).toBe(value);
      }),
    );
  });

  it('wrong names and amounts are refused', () => {
    const counters = new Counters();
    expect(() => counters.add('a-b', {})).toThrow('"a-b"');
    expect(() => counters.add('a', { 'b c': '' })).toThrow('letters, digits and _');
    expect(() => counters.add('a', {}, -1)).toThrow('amount must be 0 or more, not -1');
    expect(() => counters.add('a', {}, Number.NaN)).toThrow('amount');
  });

  it('labels that a client makes up do not fill the memory', () => {
    const counters = new Counters();
    for (let i = 0; i < 5000; i++) counters.add('x_total', { command: String(i) });
    const lines = counters.text([]).split('\n');
    expect(lines.length).toBeLessThan(1100);
    expect(lines).toContain('ftp_series_dropped_total 4000');
  });
});
