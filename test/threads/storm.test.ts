// Threads that share, close, look up, wait and are terminated at any moment: no foreign data, no descriptor left.
// STORM_ROUNDS sets the number of terminations; `npm run test:tsan` looks for races meanwhile.
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { ended, start } from './programs.js';

const ROUNDS = Number(process.env.STORM_ROUNDS ?? 20);
// On a busy machine a sanitizer takes seconds for a round.
const HUNG_MS = 60_000 + ROUNDS * 4000;

const root = fileURLToPath(new URL('../..', import.meta.url));
process.env.BSD_SOCKETS_BINARY ??= join(root, 'build/Release/bsd_sockets.node');
const copy = mkdtempSync(join(tmpdir(), 'bsd-sockets-storm-'));
cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
cpSync(join(root, 'package.json'), join(copy, 'package.json'));
afterAll(() => rmSync(copy, { recursive: true }));

test(
  `${ROUNDS} terminations in a storm of shares, closes and lookups`,
  async () => {
    const { output, ...end } = await ended(start('storm.mjs', String(ROUNDS), copy), undefined, HUNG_MS);
    expect(end).toEqual({ code: 0, signal: null, errors: '' });
    const { errors, counts, more } = JSON.parse(output);
    expect(errors).toEqual([]);
    // A lookup that ran at the count before may have ended.
    expect(more).toBeLessThanOrEqual(0);
    expect(Math.min(...counts)).toBeGreaterThan(0);
  },
  HUNG_MS + 10_000,
);
