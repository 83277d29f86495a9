// The round-trip times of ping (lib/cli/terminal/round_trips.ts): statistics of all of them, in memory that does not grow.
import { describe, expect, test } from 'vitest';
import { RoundTrips } from '../../../lib/cli/terminal/round_trips.js';

function of(times: Iterable<number>): RoundTrips {
  const trips = new RoundTrips();
  for (const ms of times) trips.add(ms);
  return trips;
}

describe('RoundTrips', () => {
  test('minimum, average, maximum and deviation, as ping of iputils has them', () => {
    const { count, max, latest } = of([1, 2, 3, 6]);
    expect([count, max, [...latest]]).toEqual([4, 6, [1, 2, 3, 6]]);
    const { min, avg, mdev } = of([1, 2, 3, 6]).statistics() ?? {};
    expect([min, avg]).toEqual([1, 3]);
    expect(mdev).toBeCloseTo(Math.sqrt(3.5), 12);
  });

  test('a long run keeps the latest 100,000 times, and the statistics of all', () => {
    const trips = of([7, 0.5]);
    for (let i = 0; i < 350_000; i++) trips.add(2);
    expect(trips.count).toBe(350_002);
    expect(trips.latest).toHaveLength(100_000);
    expect(new Set(trips.latest)).toEqual(new Set([2]));
    const statistics = trips.statistics();
    expect(statistics).toMatchObject({ min: 0.5, max: 7 });
    expect(statistics?.avg).toBeCloseTo(2, 4);
  });

  test('no time has no statistics; equal ones have no deviation, and never a NaN', () => {
    expect(of([]).statistics()).toBeUndefined();
    expect(of([]).latest).toEqual([]);
    for (const ms of [0, 0.1, 1e-9, 12_345.678]) {
      const { mdev } = of(Array.from({ length: 1000 }, () => ms)).statistics() ?? {};
      expect(mdev).toBeGreaterThanOrEqual(0);
      expect(mdev).toBeLessThanOrEqual(ms * 1e-6);
    }
  });
});
