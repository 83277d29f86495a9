// Data connections: passive (EPSV, then PASV) and active (EPRT, PORT). The other side is always the control connection's peer: an address in an
// answer to PASV is not used, since it may be a third host, or one behind a router; and who connects to an active port is checked.
import {
  AF_INET6,
  create_connection,
  create_server,
  type InetFamily,
  type ListeningSocket,
} from 'bsd-sockets/promises';
import { extended_passive_port, passive_port } from '../protocol/reply_parser.js';
import type { Control } from './control.js';
import { FTPError, message_of, refusal } from './errors.js';
import { options_of, type Sock } from './link.js';

export interface DataSettings {
  readonly data_mode: 'passive' | 'active';
  /** seconds */
  readonly connect_timeout: number;
}

/** A data connection on its way. */
export interface Opening {
  /** The connection; at once in passive mode, when the server connects in active mode. */
  connected(signal: AbortSignal | undefined): Promise<Sock>;
  close(): void;
}

/** Commands that this server has refused. */
export interface Refused {
  epsv: boolean;
  eprt: boolean;
}

type Listener = ListeningSocket<InetFamily>;

/** Begins a data connection. @throws (rejects) FTPError; the signal's reason */
export function open_data(
  control: Control,
  settings: DataSettings,
  refused: Refused,
  signal: AbortSignal | undefined,
): Promise<Opening> {
  return settings.data_mode === 'active'
    ? active(control, settings, refused, signal)
    : passive(control, settings, refused, signal);
}

/** The first two fields of an address, which is one of IPv4 or IPv6. */
function host_of(address: unknown): string {
  const [host] = address as readonly [string, number];
  return host;
}

async function passive(
  control: Control,
  { connect_timeout }: DataSettings,
  refused: Refused,
  signal: AbortSignal | undefined,
): Promise<Opening> {
  const port = await passive_port_of(control, refused, signal);
  const peer = control.sock.getpeername() as readonly unknown[];
  // The scope of a link-local address stays.
  const address = [peer[0], port, ...peer.slice(2)] as unknown as [string, number];
  let sock: Sock;
  try {
    sock = await create_connection(address, { timeout: connect_timeout, ...options_of({ signal }) });
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw new FTPError('transfer', `data connection to port ${port}: ${message_of(error)}`, { cause: error });
  }
  sock.settimeout(null);
  return { connected: () => Promise.resolve(sock), close: () => sock.close() };
}

async function passive_port_of(
  control: Control,
  refused: Refused,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (!refused.epsv) {
    const reply = await control.command('EPSV', { signal });
    if (reply.code === 229) {
      const port = extended_passive_port(reply);
      if (port !== undefined) return port;
      throw new FTPError('protocol', `EPSV: no port in ${JSON.stringify(reply.lines.join(' '))}`, { reply });
    }
    if (reply.code < 500 || control.sock.family === AF_INET6) throw refusal('EPSV', reply);
    refused.epsv = true;
  }
  const reply = await control.command('PASV', { signal });
  if (reply.code !== 227) throw refusal('PASV', reply);
  const port = passive_port(reply);
  if (port === undefined)
    throw new FTPError('protocol', `PASV: no port in ${JSON.stringify(reply.lines.join(' '))}`, { reply });
  return port;
}

async function active(
  control: Control,
  { connect_timeout }: DataSettings,
  refused: Refused,
  signal: AbortSignal | undefined,
): Promise<Opening> {
  const host = host_of(control.sock.getsockname());
  const listener = (await create_server([host, 0] as [string, number], {
    family: control.sock.family,
    backlog: 4,
  })) as Listener;
  try {
    const [, port] = listener.getsockname() as readonly [string, number];
    await announce(control, host, port, refused, signal);
  } catch (error) {
    listener.close();
    throw error;
  }
  const peer = host_of(control.sock.getpeername());
  return {
    connected: (later) => accepted(listener, peer, connect_timeout, later),
    close: () => listener.close(),
  };
}

async function announce(
  control: Control,
  host: string,
  port: number,
  refused: Refused,
  signal: AbortSignal | undefined,
): Promise<void> {
  const is_ipv6 = control.sock.family === AF_INET6;
  if (!refused.eprt) {
    const plain = host.replace(/%.*$/, '');
    const reply = await control.command(`EPRT |${is_ipv6 ? 2 : 1}|${plain}|${port}|`, { signal });
    if (reply.code < 400) return;
    if (reply.code < 500 || is_ipv6) throw refusal('EPRT', reply);
    refused.eprt = true;
  }
  const reply = await control.command(`PORT ${host.replaceAll('.', ',')},${port >> 8},${port & 255}`, {
    signal,
  });
  if (reply.code >= 400) throw refusal('PORT', reply);
}

async function accepted(
  listener: Listener,
  peer: string,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<Sock> {
  const deadline = Date.now() + timeout * 1000;
  try {
    for (;;) {
      const left = Math.max(0.001, (deadline - Date.now()) / 1000);
      const [sock, address] = await listener.accept({ timeout: left, ...options_of({ signal }) });
      if (host_of(address) === peer) {
        sock.settimeout(null);
        return sock;
      }
      // Somebody else found the port.
      sock.close();
    }
  } catch (error) {
    if (signal?.aborted === true) throw signal.reason;
    throw new FTPError('transfer', `the server did not connect to the active port: ${message_of(error)}`, {
      cause: error,
    });
  } finally {
    listener.close();
  }
}
