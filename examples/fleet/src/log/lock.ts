// The lock of the log file: flock(2), which the kernel releases when its holder ends, however that happens. Node has no call for it. The program
// flock(1) locks an open file description that it inherits, and the lock stays with the description when that program has ended.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { FileHandle } from 'node:fs/promises';

/**
 * Waits for the exclusive lock of a file. Closing the file releases it.
 *
 * @param timeout seconds
 * @throws Error when another process holds the lock for longer, or there is no flock(1)
 */
export async function lock(file: FileHandle, timeout: number): Promise<void> {
  const child = spawn('flock', ['-x', '3'], { stdio: ['ignore', 'ignore', 'ignore', file.fd] });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, timeout * 1000);
  try {
    const [code] = await once(child, 'exit').catch((cause: unknown) => {
      throw new Error('the log cannot be locked: it takes the program flock, of util-linux', { cause });
    });
    if (code === 0) return;
    if (late) throw new Error(`another process has kept the log locked for ${timeout} s`);
    throw new Error(`the log cannot be locked: flock ended with ${code}`);
  } finally {
    clearTimeout(timer);
  }
}
