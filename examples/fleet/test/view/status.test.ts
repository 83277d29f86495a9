// The line below the output of a command: what it says, and that it fits.

import { describe, expect, it } from 'vitest';
import { NodeSet } from '../../src/hosts/nodesets.js';
import { Progress, status_line } from '../../src/view/index.js';

const fold = (hosts: readonly string[]) => NodeSet.of(hosts).fold();
const names = Array.from({ length: 500 }, (_, at) => `web${String(at + 1).padStart(3, '0')}`);

function at_work(): Progress {
  const progress = new Progress(names, undefined, 0);
  for (const host of names.slice(0, 64)) progress.take({ type: 'begin', host, attempt: 1 }, 0);
  return progress;
}

const end = (host: string, ok: boolean) =>
  ({
    type: 'end',
    outcome: { host, ok, seconds: 1, attempts: 1, failure: ok ? undefined : 'refused' },
  }) as const;

describe('the status', () => {
  it('says how many are done, how many failed, and on whom it waits', () => {
    const progress = at_work();
    expect(status_line(progress, 2, { columns: 100, fold })).toBe(
      '0 of 500 hosts done, 2.0 s; on web[001-064]',
    );
    for (const host of names.slice(0, 60)) progress.take(end(host, host !== 'web007'), 3);
    expect(status_line(progress, 75, { columns: 100, fold })).toBe(
      '60 of 500 hosts done, 1 failed, 1:15; on web[061-064]',
    );
  });

  it('fits the terminal, however many there are', () => {
    const progress = at_work();
    for (const [at, host] of names.slice(0, 64).entries()) if (at % 2) progress.take(end(host, true), 1);
    for (const columns of [100, 40, 10, 1]) {
      expect(status_line(progress, 2, { columns, fold }).length).toBeLessThanOrEqual(columns);
    }
    expect(status_line(progress, 2, { columns: 60, fold })).toMatch(
      /^32 of 500 hosts done, 2.0 s; on web\[001,003,.*…$/,
    );
  });
});
