// What this process has open, for tests that count it.
import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
import { gethostbyname } from 'bsd-sockets/promises';
import { socketpair } from 'bsd-sockets/socket';

// The first blocking call of a process opens what the watchdog waits with.
const [a, b] = socketpair();
a.send('x');
b.recv(1);
a.close();
b.close();

/** How many descriptors are open. */
export function open_descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** What the descriptors are: the paths of files, else kinds and inodes, such as `socket:[1234]`. */
export function open_links(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      // The one that read the folder.
      return [];
    }
  });
}

/** What is open, sorted, without files: the test runner opens some at times of its own. */
export function open_inodes(): string[] {
  return open_links()
    .filter((link) => /^(socket|pipe|anon_inode):/.test(link))
    .sort();
}

/**
 * Makes the descriptor that tells of lookups, which a process keeps: before tests that look names up and count. The first lookup that is waited
 * for makes it. On a busy machine one is done before anybody waits, but not all of many.
 */
export async function begin_lookups(): Promise<void> {
  await Promise.all(Array.from({ length: 20 }, () => gethostbyname('localhost')));
}

/** Whether a number is an open descriptor. */
export function is_open(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}
