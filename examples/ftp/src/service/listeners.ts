// The listening sockets of a server: taken over from the process before this one, passed by systemd, or opened here.
import { AF_INET, AF_INET6, create_server, from_socket, type ListeningSocket } from 'bsd-sockets/promises';
import { type Predecessor, systemd_sockets } from 'bsd-sockets/socketserver';
import type { Config, ListenConfig } from '../config/config.js';

/** A listening socket and what the configuration says of it. */
export interface Listener {
  readonly name: string;
  readonly listen: ListenConfig;
  readonly sock: ListeningSocket;
}

const BACKLOG = 512;

/** Returns the name by which a listener is handed over: it is the same in each process that has the configuration. */
function name_of(listen: ListenConfig, i: number): string {
  return `${i} ${listen.systemd ?? `${listen.host} ${listen.port}`}`;
}

async function open(listen: ListenConfig): Promise<ListeningSocket> {
  if (listen.systemd !== null) {
    const [passed] = systemd_sockets(listen.systemd);
    if (passed !== undefined) return from_socket(passed) as ListeningSocket;
  }
  const { host, port } = listen;
  const family = host.includes(':') ? AF_INET6 : AF_INET;
  const address: [string, number] = [host, port];
  return create_server(address, { family, backlog: BACKLOG, dualstack_ipv6: host === '::' });
}

/** Opens all sockets of a configuration; what was taken over and is not served any more is closed. @throws (rejects) OSError */
export async function open_listeners(config: Config, predecessor: Predecessor | null): Promise<Listener[]> {
  const taken = new Map(predecessor?.sockets);
  const listeners: Listener[] = [];
  try {
    for (const [i, listen] of config.listen.entries()) {
      const name = name_of(listen, i);
      const passed = taken.get(name);
      taken.delete(name);
      const sock = passed === undefined ? await open(listen) : (from_socket(passed) as ListeningSocket);
      listeners.push({ name, listen, sock });
    }
    return listeners;
  } catch (error) {
    for (const { sock } of listeners) sock.close();
    throw error;
  } finally {
    for (const sock of taken.values()) sock.close();
  }
}

/** Returns 'ftp://127.0.0.1:2121', as a person reads it. */
export function url_of({ listen, sock }: Listener): string {
  const [host, port] = sock.getsockname() as [string, number];
  return `${listen.tls === 'implicit' ? 'ftps' : 'ftp'}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
