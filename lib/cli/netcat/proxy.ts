// The client's side of proxies: SOCKS 4 and 5 without authentication (RFC 1928), and CONNECT of HTTP (RFC 9110). It asks a
// proxy on a connected socket for a connection, and reads no byte behind the proxy's answer: those are the destination's.
// No package is used for it: those that there are work on sockets of node:net.
import * as socket from '../../promises/index.js';
import { Failure, UsageError } from '../terminal/errors.js';

type Sock = socket.socket;

/** The protocols of -X. */
export type ProxyProtocol = '4' | '5' | 'connect';

/** The destination that a proxy is asked for. */
export interface Destination {
  readonly host: string;
  readonly port: number;
  /** True: a name is refused instead of looked up. */
  readonly numeric: boolean;
}

/** A proxy of HTTP wants a user and a password. */
export class AuthenticationRequired extends Error {}

/** The longest line of an answer of HTTP, and the most lines; OpenBSD's nc takes lines of 1,023 bytes. */
const LINE_MAX = 8192;
const LINES_MAX = 200;

// The texts of OpenBSD's nc.
const SOCKS4_ERRORS: Readonly<Record<number, string>> = {
  91: 'Request rejected or failed',
  92: 'SOCKS server cannot connect to identd on the client',
  93: 'Client program and identd report different user-ids',
};
const SOCKS5_ERRORS: readonly string[] = [
  '',
  'General SOCKS server failure',
  'Connection not allowed by ruleset',
  'Network unreachable',
  'Host unreachable',
  'Connection refused',
  'TTL expired',
  'Command not supported',
  'Address type not supported',
];

/** Returns the bytes of a numeric address; undefined for a name. */
function address_bytes(family: number, host: string): Buffer | undefined {
  try {
    return socket.inet_pton(family, host);
  } catch (error) {
    if (error instanceof socket.OSError) return undefined;
    throw error;
  }
}

function port_bytes(port: number): Buffer {
  return Buffer.from([port >> 8, port & 255]);
}

/** One conversation with a proxy, under one deadline. */
class Conversation {
  readonly #end: number;

  constructor(
    private readonly sock: Sock,
    private readonly signal: AbortSignal,
    timeout_s: number,
  ) {
    this.#end = performance.now() + timeout_s * 1000;
  }

  get #options(): { signal: AbortSignal; timeout: number } {
    return { signal: this.signal, timeout: Math.max(0.001, (this.#end - performance.now()) / 1000) };
  }

  send(data: Buffer | string): Promise<void> {
    return this.sock.sendall(data, this.#options);
  }

  receive(count: number): Promise<Buffer> {
    return this.sock.recv_exactly(count, this.#options);
  }

  /** Returns the next line without its end. */
  async line(): Promise<string> {
    const bytes: number[] = [];
    for (;;) {
      const [byte] = await this.receive(1);
      if (byte === 0x0a) break;
      if (bytes.length >= LINE_MAX) throw new Failure('proxy read too long');
      bytes.push(byte as number);
    }
    return Buffer.from(bytes).toString().replace(/\r$/, '');
  }
}

const is_time_out = (error: unknown) => error instanceof socket.TimeoutError && error.errno === undefined;

async function socks4(talk: Conversation, { host, port, numeric }: Destination): Promise<void> {
  // SOCKS 4 has addresses of IPv4 only, so a name is looked up here.
  const flags = numeric ? socket.AI_NUMERICHOST : 0;
  const rows = await socket.getaddrinfo(host, null, socket.AF_INET, socket.SOCK_STREAM, 0, flags);
  const address = rows[0]?.[4][0] as string;
  const user_end = Buffer.of(0);
  await talk.send(
    Buffer.concat([Buffer.of(4, 1), port_bytes(port), socket.inet_pton(socket.AF_INET, address), user_end]),
  );
  const [version, status = 0] = await talk.receive(8);
  if (version !== 0) throw new Failure(`the proxy does not speak SOCKS 4: its answer begins with ${version}`);
  if (status !== 90)
    throw new Failure(`connection failed, SOCKSv4 error: ${SOCKS4_ERRORS[status] ?? 'Unknown error'}`);
}

function socks5_address(host: string): Buffer {
  const ipv4 = address_bytes(socket.AF_INET, host);
  if (ipv4 !== undefined) return Buffer.concat([Buffer.of(1), ipv4]);
  const ipv6 = address_bytes(socket.AF_INET6, host);
  if (ipv6 !== undefined) return Buffer.concat([Buffer.of(4), ipv6]);
  const name = Buffer.from(host);
  if (name.length > 255) throw new UsageError('host name too long for SOCKS5');
  return Buffer.concat([Buffer.of(3, name.length), name]);
}

async function socks5(talk: Conversation, { host, port }: Destination): Promise<void> {
  const address = socks5_address(host);
  // One method is offered: no authentication.
  await talk.send(Buffer.of(5, 1, 0));
  const [version, method] = await talk.receive(2);
  if (version !== 5) throw new Failure(`the proxy does not speak SOCKS 5: its answer begins with ${version}`);
  if (method !== 0) throw new Failure('authentication method negotiation failed');
  await talk.send(Buffer.concat([Buffer.of(5, 1, 0), address, port_bytes(port)]));
  const [again, status = 0, , type] = await talk.receive(4);
  if (again !== 5) throw new Failure(`the proxy does not speak SOCKS 5: its answer begins with ${again}`);
  if (status !== 0)
    throw new Failure(`connection failed, SOCKSv5 error: ${SOCKS5_ERRORS[status] ?? 'Unknown error'}`);
  // The address by which the proxy connects; nobody asks for it.
  if (type === 1) await talk.receive(4 + 2);
  else if (type === 4) await talk.receive(16 + 2);
  else if (type === 3) await talk.receive(((await talk.receive(1))[0] as number) + 2);
  else throw new Failure('connection failed, unsupported address type');
}

async function http_connect(
  talk: Conversation,
  { host, port }: Destination,
  credentials: string | undefined,
): Promise<void> {
  if (/[\s\p{Cc}]/u.test(host)) throw new UsageError(`not a host: ${JSON.stringify(host)}`);
  const authority = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  const authorization =
    credentials === undefined
      ? ''
      : `Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}\r\n`;
  await talk.send(`CONNECT ${authority} HTTP/1.0\r\n${authorization}\r\n`);
  const status = await talk.line();
  if (/^HTTP\/1\.[01] 407\b/.test(status)) throw new AuthenticationRequired(status);
  if (!/^HTTP\/1\.[01] 200\b/.test(status)) throw new Failure(`Proxy error: "${status}"`);
  for (let i = 0; (await talk.line()) !== ''; i++) {
    if (i >= LINES_MAX) throw new Failure('the proxy sends headers without end');
  }
}

export interface ProxyOptions {
  readonly protocol: ProxyProtocol;
  /** "user:password" for HTTP. */
  readonly credentials?: string | undefined;
  /** Seconds for the whole conversation. */
  readonly timeout: number;
  readonly signal: AbortSignal;
}

/**
 * negotiate(sock, destination, options). Asks the proxy that the socket is connected to for a connection to the destination.
 * Afterwards the socket is connected to the destination.
 *
 * @throws AuthenticationRequired; Failure if the proxy refuses, does not speak the protocol, or is silent; OSError
 */
export async function negotiate(
  sock: Sock,
  destination: Destination,
  { protocol, credentials, timeout, signal }: ProxyOptions,
): Promise<void> {
  const talk = new Conversation(sock, signal, timeout);
  try {
    if (protocol === '4') await socks4(talk, destination);
    else if (protocol === '5') await socks5(talk, destination);
    else await http_connect(talk, destination, credentials);
  } catch (error) {
    if (is_time_out(error)) throw new Failure(`the proxy did not answer within ${timeout} s`);
    if (error instanceof socket.IncompleteReadError || error instanceof socket.ConnectionError)
      throw new Failure('the proxy closed the connection before its answer');
    throw error;
  }
}
