// The screen: what is drawn is taken away before anything else is printed, and while a person is asked.

import { expect, it } from 'vitest';
import { Output } from '../../dist/cli/output.js';
import { Screen } from '../../dist/cli/screen.js';

const ERASURE = '\x1b[1A\r\x1b[J';

/** A screen whose terminal is slow. */
function slow_screen() {
  const seen: string[] = [];
  const sink = async (text: string) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    seen.push(text);
  };
  const output = new Output(() => {}, { stdout: sink, stderr: sink });
  return { seen, screen: new Screen(output), flushed: () => output.flushed() };
}

it('draws below what is printed, and leaves nothing', async () => {
  const { seen, screen, flushed } = slow_screen();
  screen.begin(() => ['status'], 0);
  await expect.poll(() => seen.join('')).toContain('status\n');
  screen.write('stdout', 'line\n');
  await flushed();
  expect(seen.join('').endsWith(`status\n${ERASURE}line\n`)).toBe(true);
  await expect.poll(() => seen.join('')).toMatch(/line\nstatus\n/);
  screen.end();
  await flushed();
  expect(seen.join('').endsWith(`status\n${ERASURE}`)).toBe(true);
});

it('has nothing on the terminal when a question is asked, until it is answered', async () => {
  const { seen, screen } = slow_screen();
  screen.begin(() => ['status'], 0);
  await expect.poll(() => seen.join('')).toContain('status\n');
  const go_on = await screen.pause();
  expect(seen.join('').endsWith(ERASURE)).toBe(true);
  const before = seen.length;
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(seen.length).toBe(before);
  go_on();
  await expect.poll(() => seen.length).toBeGreaterThan(before);
  screen.end();
});
