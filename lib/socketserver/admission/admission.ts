// Admission: what a request has to pass between its arrival and its handler. That is the PROXY header of a trusted proxy, after
// which the client's address is the one that the proxy says, and then the limits of that client.
//
// A request that is refused ends here: RequestRefused says why. No handler and no hook sees it.
import type { BlockList } from 'node:net';
import type { AnyReturnedAddress } from '../../calls/address.js';
import { decode_proxy_header, type ProxyHeader, ProxyHeaderError } from '../../calls/proxy/header.js';
import { PEEK, ProxyHeaderReader } from '../../calls/proxy/reader.js';
import { SocketBase } from '../../calls/socket_base.js';
import { AF_INET, AF_INET6, AF_UNIX, AF_UNSPEC, MSG_PEEK } from '../../constants.js';
import { OSError } from '../../errors/index.js';
import type { socket as AsyncSocket } from '../../promises/index.js';
import { socket as Socket } from '../../socket/index.js';
import { Deadline } from '../../util/deadline.js';
import { Limits, type WorkerLimits } from '../limits/limits.js';
import { type LimitConfig, type LimitOptions, limit_config } from '../limits/options.js';
import { note_proxied } from './proxied.js';
import {
  check_proxy_protocol,
  type ProxyProtocol,
  type ProxyProtocolOptions,
  trusted_list,
} from './proxy_protocol.js';
import { RequestRefused } from './refused.js';

/** The address of a client; null of a datagram without one. */
type ClientAddress = AnyReturnedAddress | null;
/** A connection, or a datagram and the socket to answer by. */
type Request<Sock> = Sock | [packet: Buffer, socket: Sock];

/** The settings of an admission, which are cloned for workers. */
export interface AdmissionConfig {
  readonly proxy_protocol: ProxyProtocol | undefined;
  readonly limits: LimitConfig | undefined;
}

/** The options of a server that concern admission. */
export interface AdmissionOptions extends LimitOptions {
  readonly proxy_protocol?: ProxyProtocolOptions | undefined;
}

/** Returns the settings of a server's options; undefined if all requests are admitted. @throws TypeError, RangeError */
export function admission_config(
  options: AdmissionOptions,
  is_datagram: boolean,
): AdmissionConfig | undefined {
  const proxy_protocol = check_proxy_protocol(options.proxy_protocol);
  const limits = limit_config(options, is_datagram);
  return proxy_protocol || limits ? { proxy_protocol, limits } : undefined;
}

export class Admission {
  readonly #proxy: ProxyProtocol | undefined;
  readonly #trusted: BlockList | undefined;

  /** The limits of clients; undefined: none. */
  readonly limits: Limits | undefined;

  /** @param shared in a pool: the limits' table of all workers */
  constructor({ proxy_protocol, limits }: AdmissionConfig, shared?: WorkerLimits) {
    this.limits = limits && new Limits(limits, shared);
    this.#proxy = proxy_protocol;
    this.#trusted = proxy_protocol && trusted_list(proxy_protocol.trusted);
  }

  /** Admits a request, and blocks until its header has come. Returns the address of the client. @throws RequestRefused */
  admit(request: Request<Socket<number>>, peer_address: ClientAddress): ClientAddress {
    let client_address = peer_address;
    if (this.#expects_header(request, peer_address)) {
      const header = request instanceof Socket ? this.#read(request) : take_header(request);
      client_address = believe(request, header, peer_address);
    }
    this.limits?.enter(request, client_address);
    return client_address;
  }

  /** Admits a request, and waits for its header on the event loop. Returns the address of the client. @throws RequestRefused */
  async admit_async(
    request: Request<AsyncSocket<number>>,
    peer_address: ClientAddress,
  ): Promise<ClientAddress> {
    let client_address = peer_address;
    if (this.#expects_header(request, peer_address)) {
      const header = Array.isArray(request) ? take_header(request) : await this.#read_async(request);
      client_address = believe(request, header, peer_address);
    }
    this.limits?.enter(request, client_address);
    return client_address;
  }

  /** Returns whether a request must begin with a header. @throws RequestRefused */
  #expects_header(request: Request<SocketBase<number>>, peer_address: ClientAddress): boolean {
    if (this.#proxy === undefined) return false;
    const sock = request instanceof SocketBase ? request : request[1];
    if (this.#is_trusted(sock.family, peer_address)) return true;
    if (this.#proxy.others === 'serve') return false;
    throw new RequestRefused('the client is none of the trusted proxies', { reason: 'proxy_protocol' });
  }

  #is_trusted(family: number, peer_address: ClientAddress): boolean {
    if (family === AF_UNIX) return this.#proxy?.trusted.includes('unix') === true;
    if (!Array.isArray(peer_address) || (family !== AF_INET && family !== AF_INET6)) return false;
    const host = String(peer_address[0]).replace(/%.*/, '');
    return this.#trusted?.check(host, family === AF_INET ? 'ipv4' : 'ipv6') === true;
  }

  #read(sock: Socket<number>): ProxyHeader {
    const reader = new ProxyHeaderReader();
    const deadline = new Deadline(this.#proxy?.timeout_ms ?? 0);
    const timeout = sock.gettimeout();
    try {
      while (reader.header === undefined) {
        // A deadline that has passed must not make the socket non-blocking.
        sock.settimeout(Math.max(deadline.left_ms(), 1) / 1000);
        const peeked = sock.recv(PEEK, MSG_PEEK);
        if (peeked.length === 0) throw new ProxyHeaderError('the connection ended within its PROXY header');
        const length = reader.take(peeked);
        if (length > 0) sock.recv(length);
      }
      return reader.header;
    } catch (error) {
      throw refusal(error);
    } finally {
      sock.settimeout(timeout);
    }
  }

  async #read_async(sock: AsyncSocket<number>): Promise<ProxyHeader> {
    const reader = new ProxyHeaderReader();
    const deadline = new Deadline(this.#proxy?.timeout_ms ?? 0);
    try {
      while (reader.header === undefined) {
        const timeout = Math.max(deadline.left_ms(), 1) / 1000;
        const peeked = await sock.recv(PEEK, MSG_PEEK, { timeout });
        if (peeked.length === 0) throw new ProxyHeaderError('the connection ended within its PROXY header');
        const length = reader.take(peeked);
        if (length > 0) await sock.recv(length);
      }
      return reader.header;
    } catch (error) {
      throw refusal(error);
    }
  }
}

/** Returns the refusal for an error of reading a header; any other error as it is. */
function refusal(error: unknown): unknown {
  if (!(error instanceof ProxyHeaderError) && !(error instanceof OSError)) return error;
  return new RequestRefused(error.message, { cause: error, reason: 'proxy_protocol' });
}

/** Takes the header off a datagram. @throws RequestRefused */
function take_header(request: [packet: Buffer, socket: unknown]): ProxyHeader {
  try {
    const found = decode_proxy_header(request[0]);
    if (found === null) throw new ProxyHeaderError('the datagram ends within its PROXY header');
    const [header, length] = found;
    request[0] = request[0].subarray(length);
    return header;
  } catch (error) {
    throw refusal(error);
  }
}

/** Notes what a proxy has said. Returns the address of the client. */
function believe(request: object, header: ProxyHeader, peer_address: ClientAddress): ClientAddress {
  note_proxied(request, { header, peer_address });
  const { family, source } = header;
  if (source === null || family === AF_UNSPEC) return peer_address;
  if (family !== AF_INET6 || !Array.isArray(source)) return source;
  return [source[0], source[1], 0, 0];
}
