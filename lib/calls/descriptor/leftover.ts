// The parts of a socket that outlive the object: a socket that was collected without close() is closed by them. And the text that
// describes a socket, for toString() and for the warning of such a socket.
import * as c from '../../constants.js';
import { addon } from '../../native/addon.js';
import { decode } from '../address.js';

/** The parts of a socket that outlive it: a socket that was collected without close() is closed by them. */
export interface Leftover {
  readonly fd: number;
  readonly generation: number;
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  watcher: Watcher | undefined;
}

/** Watches the descriptor, and releases it before it is closed. It must not hold the socket, which would never be collected. @internal */
export interface Watcher {
  release(): void;
}

/** The two calls of a FinalizationRegistry, which the library of ES2020 lacks: declarations do not name it. */
interface Registry {
  register(target: object, leftover: Leftover, token: object): void;
  unregister(token: object): boolean;
}

export const collected: Registry = new FinalizationRegistry<Leftover>((leftover) => {
  leftover.watcher?.release();
  const description = describe(leftover);
  if (addon.close_later(leftover.fd, leftover.generation) === 0) {
    process.emitWarning(`unclosed ${description}`, 'ResourceWarning');
  }
});

/** <socket fd=3, family=AF_INET, type=SOCK_STREAM, proto=6, laddr=["127.0.0.1",80]>, as Python's repr(). */
export function describe({ fd, generation, family, type, proto }: Leftover): string {
  const parts = [`fd=${fd}`, `family=${c.AddressFamily[family] ?? family}`];
  parts.push(`type=${c.SocketKind[type] ?? type}`, `proto=${proto}`);
  const name = (label: string, result: number) => {
    const address = result >= 0 ? decode(family, proto) : null;
    if (address !== null && address !== '') parts.push(`${label}=${JSON.stringify(address)}`);
  };
  if (fd >= 0) {
    name('laddr', addon.getsockname(fd, generation));
    name('raddr', addon.getpeername(fd, generation));
  }
  return `<socket ${parts.join(', ')}>`;
}
