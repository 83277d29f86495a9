// Streams to a host, before SSH: TCP by bsd-sockets, a ProxyCommand (proxy.ts), or a channel of the jump host before it. Failures have their class.

import type { Duplex } from 'node:stream';
import {
  AF_INET,
  AF_INET6,
  type ConnectedSocket,
  ConnectionRefusedError,
  create_connection,
  gaierror,
  getaddrinfo,
  type InetFamily,
  IPPROTO_TCP,
  SO_KEEPALIVE,
  SOCK_STREAM,
  SOL_SOCKET,
  TCP_NODELAY,
  TimeoutError,
} from 'bsd-sockets/promises';
import type { Client } from 'ssh2';
import { FleetFailure, message_of } from '../failure.js';
import type { Host } from '../types.js';
import { type Line, run_proxy } from './proxy.js';
import { stopped, type Wait } from './wait.js';

const line_of = (stream: Duplex): Line => ({ stream, explain: async (failure) => failure });

/** Returns a stream to the host: of its ProxyCommand, or a TCP connection. @throws FleetFailure */
export async function dial(host: Host, wait: Wait): Promise<Line> {
  if (wait.signal?.aborted) throw stopped();
  return host.proxy_command === undefined
    ? line_of(await connect(host, wait))
    : run_proxy(host.proxy_command);
}

/** Opens a stream to the next host from the one before it. @throws FleetFailure */
export async function forward(client: Client, host: Host, wait: Wait): Promise<Line> {
  const opened = new Promise<Duplex>((resolve, reject) => {
    const on_lost = () => reject(new FleetFailure('cut-off', 'the jump host closed the connection'));
    client.once('close', on_lost);
    try {
      client.forwardOut('127.0.0.1', 0, host.address, host.port, (error, channel) => {
        if (!error) return resolve(channel);
        const refused = /refused/i.test(error.message);
        reject(new FleetFailure(refused ? 'refused' : 'unreachable', `from the jump host: ${error.message}`));
      });
    } catch {
      // ssh2 throws where there is no connection any more.
      on_lost();
    }
  });
  const reason = () => `no answer by way of the jump host within ${wait.timeout} s`;
  return line_of(await wait.until(opened, reason, 'unreachable'));
}

async function connect(host: Host, wait: Wait): Promise<Duplex> {
  const at = `${host.address} port ${host.port}`;
  try {
    const sock = await connected(host, wait);
    sock.settimeout(null);
    // As ssh does once it has a session: requests of SFTP are small, and each waits for its answer.
    sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    sock.setsockopt(SOL_SOCKET, SO_KEEPALIVE, 1);
    return sock.to_stream();
  } catch (error) {
    if (wait.signal?.aborted) throw stopped();
    if (error instanceof ConnectionRefusedError)
      throw new FleetFailure('refused', `${at}: nobody listens there`);
    if (error instanceof TimeoutError)
      throw new FleetFailure('unreachable', `${at}: no answer within ${wait.timeout} s`);
    if (error instanceof gaierror)
      throw new FleetFailure('unreachable', `the name ${host.address} is unknown: ${error.message}`);
    throw new FleetFailure('unreachable', `${at}: ${message_of(error)}`);
  }
}

/** Connects to the host, or to its addresses of one family, one after another. */
async function connected(host: Host, wait: Wait): Promise<ConnectedSocket<InetFamily>> {
  const { address, port, address_family, bind_address } = host;
  const options = () => ({
    timeout: Math.max(0.001, wait.left_ms / 1000),
    ...(wait.signal ? { signal: wait.signal } : {}),
  });
  const from = bind_address === undefined ? null : ([bind_address, 0] as const);
  const to = (name: string) => create_connection([name, port], undefined, from, options());
  if (address_family === undefined) return to(address);
  const family = address_family === 'inet' ? AF_INET : AF_INET6;
  let failure: unknown;
  for (const [, , , , [name]] of await getaddrinfo(address, port, family, SOCK_STREAM, 0, 0, options())) {
    try {
      return await to(String(name));
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}
