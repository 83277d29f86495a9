// The end of listening, so that no connection is lost: a server that drains handles those that its socket has, and no further
// ones may come meanwhile, for they would be reset when it closes.

import type { SocketBase } from '../calls/socket_base.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';

/** Requests that a draining server takes at most: as many as a backlog has by default (net.core.somaxconn). */
export const DRAIN_LIMIT = 4096;

const FLAGS_OFFSET = 13;
const SYN = 0x02;
/** Classic BPF on TCP segments: drops those that ask for a connection; what belongs to one passes. */
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
 * Lets no further connections come to a listening socket: who asks for one gets no answer, and is refused when the socket
 * closes. Where the kernel cannot do that, one at a time may still come. Meant for a socket that is closed soon.
 */
export function refuse_connections(listener: SocketBase): void {
  try {
    if (is_tcp(listener)) listener.attach_filter(NO_SYN);
    // Here this leaves those that wait to be accepted; of TCP they would be reset.
    else if (listener.family === c.AF_UNIX) listener._shutdown(c.SHUT_RD);
    else listener.listen(0);
  } catch (error) {
    // It is closed already, or a filter is locked to it.
    if (!(error instanceof OSError)) throw error;
  }
}
