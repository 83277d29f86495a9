// The end of listening, without losing a connection: a server that drains handles the connections that its socket has. Further
// ones must be refused meanwhile, because they would be reset when the socket closes.

import type { SocketBase } from '../../calls/socket_base.js';
import * as c from '../../constants.js';
import { OSError } from '../../errors/index.js';

/** Requests that a draining server takes at most: as many as a backlog has by default (net.core.somaxconn). */
export const DRAIN_LIMIT = 4096;

/** Offset of the flags in a TCP header. */
const FLAGS_OFFSET = 13;
const SYN = 0x02;
/** A classic BPF program on TCP segments: drops segments with SYN, which ask for a connection, and passes all others. */
const NO_SYN = [
  [0x30, 0, 0, FLAGS_OFFSET],
  [0x45, 0, 1, SYN],
  [0x06, 0, 0, 0],
  [0x06, 0, 0, 0xffffffff],
] as const;

function is_tcp({ family, type, proto }: SocketBase): boolean {
  const is_inet = family === c.AF_INET || family === c.AF_INET6;
  return is_inet && type === c.SOCK_STREAM && (proto === 0 || proto === c.IPPROTO_TCP);
}

/**
 * Refuses further connections to a listening socket: a client that asks for one gets no answer, and is refused when the socket
 * closes. If the kernel cannot do that, one connection at a time may still come. Meant for a socket that is closed soon.
 */
export function refuse_connections(listener: SocketBase): void {
  try {
    if (is_tcp(listener)) listener.attach_filter(NO_SYN);
    // On AF_UNIX this keeps the connections that wait to be accepted; on TCP it would reset them.
    else if (listener.family === c.AF_UNIX) listener._shutdown(c.SHUT_RD);
    else listener.listen(0);
  } catch (error) {
    // The socket is closed already, or its filter is locked.
    if (!(error instanceof OSError)) throw error;
  }
}
