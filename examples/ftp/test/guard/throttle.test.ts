// Rates: exact and fair with a clock of the test, and never above the rate with the machine's.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { Bucket, LeasedThrottle } from '../../dist/guard/throttle.js';
import type { Throttle } from '../../dist/guard/types.js';

const MB = 1_000_000;

/** A connection that sends `chunk` bytes after `chunk` bytes, until it is stopped. */
function send(throttle: Throttle, chunk: number) {
  const sender = { sent: 0, stopped: false };
  const run = async () => {
    while (!sender.stopped) {
      await throttle.take(chunk);
      sender.sent += chunk;
    }
  };
  run().catch(() => undefined);
  return sender;
}

describe("with the test's clock", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([1000, 65_536, 300_000])(
    '1 MB/s in chunks of %i bytes is 2 MB after 2 s, within 5 %%',
    async (chunk) => {
      const registry = new LocalRegistry();
      const sender = send(registry.throttle('alice', 'download', MB), chunk);
      await vi.advanceTimersByTimeAsync(2000);
      // A chunk that has not got all of its bytes has got most of them.
      expect(sender.sent + chunk).toBeGreaterThan(2 * MB * 0.95);
      expect(sender.sent).toBeLessThan(2 * MB * 1.05);
    },
  );

  it.each([10, 1234, 50 * MB, 2000 * MB])('holds %i bytes a second', async (rate) => {
    const chunk = Math.max(1, Math.min(65_536, Math.ceil(rate / 100)));
    const sender = send(new LocalRegistry().throttle('alice', 'download', rate), chunk);
    await vi.advanceTimersByTimeAsync(2000);
    expect((sender.sent + chunk) / (2 * rate)).toBeGreaterThan(0.95);
    expect(sender.sent / (2 * rate)).toBeLessThan(1.05 + chunk / rate);
  });

  it('all connections of a user share it, each as much, whatever their chunks', async () => {
    const registry = new LocalRegistry();
    const senders = [1000, 65_536, 200_000, 65_536].map((chunk) =>
      send(registry.throttle('alice', 'download', MB), chunk),
    );
    await vi.advanceTimersByTimeAsync(4000);
    const sent = senders.map((sender) => sender.sent);
    const sum = sent.reduce((one, other) => one + other);
    expect(sum).toBeGreaterThan(4 * MB * 0.9);
    expect(sum).toBeLessThan(4 * MB * 1.05);
    for (const one of sent) expect(Math.abs(one - MB)).toBeLessThan(0.25 * MB);
  });

  it('users and directions do not share', async () => {
    const registry = new LocalRegistry();
    const senders = [
      send(registry.throttle('alice', 'download', MB), 10_000),
      send(registry.throttle('alice', 'upload', MB), 10_000),
      send(registry.throttle('bob', 'download', MB), 10_000),
    ];
    await vi.advanceTimersByTimeAsync(1000);
    for (const { sent } of senders) expect(Math.abs(sent - MB)).toBeLessThan(0.05 * MB);
  });

  it('a pause saves little up', async () => {
    const throttle = new LocalRegistry().throttle('alice', 'download', MB);
    await throttle.take(1000);
    await vi.advanceTimersByTimeAsync(60_000);
    const sender = send(throttle, 1000);
    await vi.advanceTimersByTimeAsync(100);
    expect(sender.sent).toBeLessThan(0.175 * MB);
    expect(sender.sent).toBeGreaterThan(0.09 * MB);
  });

  it('a thread that was busy makes up for it, up to a second', async () => {
    const sender = send(new LocalRegistry().throttle('alice', 'download', MB), 1000);
    await vi.advanceTimersByTimeAsync(100);
    const before = sender.sent;
    // The clock goes on while no timer runs.
    const now = performance.now.bind(performance);
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now() + 500);
    await vi.advanceTimersByTimeAsync(50);
    expect(sender.sent - before).toBeGreaterThan(0.5 * MB);
    expect(sender.sent - before).toBeLessThan(0.6 * MB);
    spy.mockRestore();
  });

  it('a new rate counts from now on, for all connections', async () => {
    const registry = new LocalRegistry();
    const first = send(registry.throttle('alice', 'download', MB), 10_000);
    await vi.advanceTimersByTimeAsync(1000);
    const before = first.sent;
    const second = send(registry.throttle('alice', 'download', 2 * MB), 10_000);
    first.stopped = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(before).toBeGreaterThan(0.95 * MB);
    expect(second.sent + (first.sent - before)).toBeGreaterThan(1.85 * MB);
  });

  it('a wish that is taken back takes no bytes', async () => {
    const bucket = new Bucket(1000);
    await bucket.take(20);
    const abort = new AbortController();
    const wish = bucket.take(1e9, abort.signal);
    const rejected = expect(wish).rejects.toThrow('gone');
    const next = vi.fn();
    bucket.take(100).then(next);
    abort.abort(new Error('gone'));
    await rejected;
    await vi.advanceTimersByTimeAsync(300);
    expect(next).toHaveBeenCalled();
    expect(bucket.idle).toBe(true);
    await expect(bucket.take(1, abort.signal)).rejects.toThrow('gone');
  });

  it('a lease is asked for seldom', async () => {
    let leases = 0;
    const throttle = new LeasedThrottle(MB, async () => {
      leases += 1;
    });
    for (let i = 0; i < 1000; i++) await throttle.take(1000);
    expect(leases).toBe(50);
  });
});

it.each([0, -1, Number.NaN])('a rate of %s is refused', (rate) => {
  expect(() => new LocalRegistry().throttle('alice', 'download', rate)).toThrow('rate must be above 0');
});

it("with the machine's clock, no more goes than the rate and the burst", async () => {
  const registry = new LocalRegistry();
  const begun = performance.now();
  const senders = [
    send(registry.throttle('a', 'upload', MB), 8192),
    send(registry.throttle('a', 'upload', MB), 50_000),
  ];
  const all = () => senders.reduce((sum, { sent }) => sum + sent, 0);
  while (all() < 0.5 * MB) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    const seconds = (performance.now() - begun) / 1000;
    expect(all()).toBeLessThanOrEqual(MB * (seconds + 0.02));
  }
  for (const sender of senders) sender.stopped = true;
});
