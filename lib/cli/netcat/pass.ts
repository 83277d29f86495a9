// nc -F: the descriptor of the connection goes to the program that reads standard output, a UNIX socket (ssh's ProxyUseFdpass).
import { fstatSync } from 'node:fs';
import * as socket from '../../promises/index.js';
import { UsageError } from '../terminal/errors.js';
import type { Sock } from './sockets.js';

const STDOUT = 1;

/** Checks that standard output can carry descriptors. @throws UsageError */
export function check_stdout(): void {
  if (!fstatSync(STDOUT).isSocket())
    throw new UsageError('-F sends the descriptor over standard output, which is not a UNIX socket');
}

/** Sends the descriptor of a connected socket over standard output. @throws OSError */
export async function pass_descriptor(sock: Sock, signal: AbortSignal): Promise<void> {
  const output = socket.fromfd(STDOUT, socket.AF_UNIX, socket.SOCK_STREAM);
  // The program that gets it expects a descriptor that blocks.
  const blocking = sock.to_socket();
  blocking.settimeout(null);
  try {
    // One byte carries the descriptor.
    await socket.send_fds(output, [Buffer.of(0)], [blocking], 0, null, { signal });
  } finally {
    blocking.close();
    output.close();
  }
}
