/**
 * What some scenarios need of the machine. Each gives the reason to skip, or undefined where the need is met.
 */
import * as socket from 'bsd-sockets/socket';
import type { Need } from './harness.js';

export const root: Need = () => (process.getuid?.() === 0 ? undefined : 'needs root');

/** A kernel that makes sockets of this kind; no rights to make one counts as missing too. */
export function kernel(name: string, family: number, type: number, proto = 0): Need {
  return () => {
    try {
      new socket.socket(family, type, proto).close();
      return undefined;
    } catch (error) {
      return `no ${name} here: ${error instanceof Error ? error.message : String(error)}`;
    }
  };
}

/** IPv6 on loopback. */
export const ipv6: Need = () => {
  try {
    const sock = new socket.socket(socket.AF_INET6, socket.SOCK_DGRAM);
    try {
      sock.bind(['::1', 0]);
      return undefined;
    } finally {
      sock.close();
    }
  } catch (error) {
    return `no IPv6 on loopback: ${error instanceof Error ? error.message : String(error)}`;
  }
};

/** A kernel with vsock_loopback. */
export const vsock_loopback: Need = () => {
  const missing = kernel('AF_VSOCK', socket.AF_VSOCK, socket.SOCK_STREAM)();
  if (missing !== undefined) return missing;
  const sock = new socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM);
  try {
    sock.bind([1, socket.VMADDR_PORT_ANY]);
    return undefined;
  } catch {
    return 'no vsock loopback here (module vsock_loopback)';
  } finally {
    sock.close();
  }
};
