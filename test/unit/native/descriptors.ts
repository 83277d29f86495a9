// What the tests of passed descriptors share: counting the open ones of this process.
import { fstatSync, readdirSync } from 'node:fs';
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

/** Whether a number is an open descriptor. */
export function is_open(fd: number): boolean {
  try {
    fstatSync(fd);
    return true;
  } catch {
    return false;
  }
}
