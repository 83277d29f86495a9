// What this process has open, for tests that count it.
import { fstatSync, readdirSync, readlinkSync } from 'node:fs';
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

/** The kinds and inodes of what is open, sorted, without files: the test runner opens some at times of its own. */
export function open_inodes(): string[] {
  const links = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The one that read the folder.
      return '';
    }
  });
  return links.filter((link) => /^(socket|pipe|anon_inode):/.test(link)).sort();
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
