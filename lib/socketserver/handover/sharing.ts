// Who else has the socket of a server. A listener that another process serves, too, must be neither shut down nor made to refuse
// connections, and the requests that wait on it are left to a successor.
import { SocketBase } from '../../calls/socket_base.js';

/** What a server knows of the other holders of its socket. */
export class Sharing {
  /** How many processes have the socket that this one took over, and have not ended. */
  predecessors = 0;
  /** How many processes have got the socket from this one. */
  successors = 0;
  /** True once connections are refused: nobody can take the socket over any more. */
  is_refusing = false;

  /** @param is_given true if the caller of the constructor had the socket: it may be held anywhere, at any time */
  constructor(private readonly is_given: boolean) {}

  /** Whether another process may have the socket. */
  get is_shared(): boolean {
    return this.is_given || this.predecessors > 0 || this.successors > 0;
  }

  /** Whether another process takes the requests from now on. */
  get has_successor(): boolean {
    return this.successors > 0;
  }
}

const inherited = new WeakMap<SocketBase, Sharing>();

/** Returns what is known of the socket that a server makes, or of the one that its constructor got. */
export function sharing_of(server_address: unknown): Sharing {
  if (!(server_address instanceof SocketBase)) return new Sharing(false);
  return inherited.get(server_address) ?? new Sharing(true);
}

/** Notes that a socket came from a predecessor, which has it still. */
export function inherit(sock: SocketBase): Sharing {
  const sharing = new Sharing(false);
  sharing.predecessors = 1;
  inherited.set(sock, sharing);
  return sharing;
}
