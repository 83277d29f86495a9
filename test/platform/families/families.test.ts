// The scenarios of families.mjs on this machine's kernel, as far as it has the families and a network namespace can be made.
// The others are skipped, with the reason, and run in a virtual machine by `npm run test:vm`.

import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));

interface Outcome {
  status: 'passed' | 'failed' | 'skipped';
  reason: string;
}

function isOutcome(value: unknown): value is Outcome {
  return typeof value === 'object' && value !== null && 'status' in value && 'reason' in value;
}

/** Runs one scenario in a process of its own: a family's bug in the kernel or in the addon costs that test alone. */
async function run(name: string): Promise<Outcome> {
  const command = [`${here}families.mjs`, '--json', name];
  const { stdout } = await promisify(execFile)(process.execPath, command).catch(
    (error: { stdout: string }) => error,
  );
  const outcome: unknown = JSON.parse(stdout);
  if (!isOutcome(outcome)) throw new Error(`families.mjs printed ${stdout}`);
  return outcome;
}

describe('families, side by side with python3', () => {
  const names = readdirSync(`${here}scenarios`).map((file) => file.replace(/\.txt$/, ''));
  it.for(names)('%s', { timeout: 150_000 }, async (name, { skip }) => {
    const { status, reason } = await run(name);
    skip(status === 'skipped', reason);
    expect(reason).toBe('');
    expect(status).toBe('passed');
  });
});
