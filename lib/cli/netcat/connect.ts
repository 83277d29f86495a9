// How nc connects: the addresses of a host, one after the other, and on request a proxy on the way. -v prints what happens.
import * as socket from '../../promises/index.js';
import { family_of } from '../network/hosts.js';
import { Failure, UsageError } from '../terminal/errors.js';
import { print_stderr } from '../terminal/output.js';
import type { Options } from './options.js';
import { read_password } from './password.js';
import { AuthenticationRequired, negotiate, type ProxyProtocol } from './proxy.js';
import {
  type IpAddress,
  open_socket,
  protocol_of,
  type Sock,
  service_text,
  set_signature,
  type_of,
  unix_address,
} from './sockets.js';

/** The message of OpenBSD's nc. */
const TIMED_OUT_TEXT = 'timed out: Operation now in progress';
/** Seconds for the error that reports a closed UDP port. */
const UDP_SILENCE_S = 1;
/** Seconds for a proxy's answer without -w: longer than the kernel tries to connect. */
const PROXY_WAIT_S = 150;
/** How often a password may be wrong. */
const PASSWORDS = 3;

/** An address to connect to, and its text for messages. */
interface Target {
  readonly family: number;
  readonly address: socket.Address;
  /** The host of the command line; a name with its address: "localhost (127.0.0.1)". */
  readonly host: string;
}

/** Returns the addresses of a host, with the port 0. @throws gaierror; UsageError */
export async function look_up(
  host: string | null,
  options: Options,
  { port = null as string | null, flags = 0 } = {},
): Promise<Target[]> {
  const numeric = options.numeric ? socket.AI_NUMERICHOST | socket.AI_NUMERICSERV : 0;
  const family = family_of(options);
  const rows = await socket.getaddrinfo(host, port, family, type_of(options), 0, flags | numeric);
  return rows.map(([row_family, , , , address]) => ({
    family: row_family,
    address: address as socket.Address,
    host: host === null || host === address[0] ? String(address[0]) : `${host} (${address[0]})`,
  }));
}

function with_port(address: socket.Address, port: number): socket.Address {
  const [host, , ...rest] = address as [string, number];
  return [host, port, ...rest] as unknown as socket.Address;
}

/** A proxy of -x. */
interface Proxy {
  readonly protocol: ProxyProtocol;
  readonly host: string;
  readonly port: string;
}

/** Returns the proxy of `HOST`, `HOST:PORT` or `[HOST]:PORT`. @throws UsageError */
function parse_proxy({ proxy = '', proxy_protocol }: Options): Proxy {
  const [, bracketed, host = bracketed, port] =
    /^(?:\[([^\]]+)\]|([^:[\]]+))(?::([^:]+))?$/.exec(proxy) ?? [];
  if (host === undefined)
    throw new UsageError(`option -x takes HOST, HOST:PORT or [ADDRESS]:PORT, not ${JSON.stringify(proxy)}`);
  const protocol = proxy_protocol as ProxyProtocol;
  return { protocol, host, port: port ?? (protocol === 'connect' ? '3128' : '1080') };
}

/** Waits for an error that reports a closed UDP port. An open port need not answer. @throws ConnectionRefusedError */
async function probe(sock: Sock, signal: AbortSignal): Promise<void> {
  for (let i = 0; i < 2; i++) {
    await sock.send('X', { signal });
    await sock.recv(1, { signal, timeout: UDP_SILENCE_S / 2 }).catch((error: unknown) => {
      if (!(error instanceof socket.TimeoutError)) throw error;
    });
  }
}

/** The connections of one command: to the same host, on several ports. */
export class Connector {
  readonly #options: Options;
  readonly #interrupted: AbortSignal;
  readonly #host: string;
  readonly #proxy: Proxy | undefined;
  #targets: readonly Target[] | undefined;
  #key: string | undefined;

  /** @param host the destination; with -U a path */
  constructor(host: string, options: Options, interrupted: AbortSignal) {
    this.#host = host;
    this.#options = options;
    this.#interrupted = interrupted;
    this.#proxy = options.proxy === undefined ? undefined : parse_proxy(options);
  }

  /**
   * Connects to the first address that accepts; -v prints the error of each that does not.
   *
   * @param port left out with -U
   * @returns the connected socket; null if no address accepts
   * @throws gaierror, OSError; Failure if a proxy refuses
   */
  async connect(port = 0): Promise<Sock | null> {
    const sock = await this.#connect(port);
    const { proxy_header } = this.#options;
    if (sock === null || proxy_header === undefined) return sock;
    const [source, destination] = [sock.getsockname(), sock.getpeername()] as socket.ProxyAddressInit[];
    const header = socket.encode_proxy_header({ version: proxy_header === '2' ? 2 : 1, source, destination });
    await sock.sendall(header, 0, { signal: this.#interrupted, timeout: this.#options.wait ?? null });
    return sock;
  }

  async #connect(port: number): Promise<Sock | null> {
    const options = this.#options;
    if (this.#proxy !== undefined) return this.#connect_by_proxy(this.#proxy, port);
    this.#targets ??= options.unix
      ? [{ family: socket.AF_UNIX, address: unix_address(this.#host), host: this.#host }]
      : await look_up(this.#host, options);
    return this.#connect_to(this.#targets, port, async (sock, { host }) => {
      if (options.udp && options.scan) await probe(sock, this.#interrupted);
      if (options.verbose && !options.unix) await this.#tell(host, port);
    });
  }

  /** @param connected what is done with the connected socket; its error tries the next address, too */
  async #connect_to(
    targets: readonly Target[],
    port: number | undefined,
    connected: (sock: Sock, target: Target) => Promise<void>,
  ): Promise<Sock | null> {
    const options = this.#options;
    for (const target of targets) {
      const { family, host } = target;
      const address = port && !options.unix ? with_port(target.address, port) : target.address;
      const sock = await open_socket(family, options);
      try {
        if (options.signature) set_signature(sock, address as IpAddress, await this.#signature_key());
        await sock.connect(address, { signal: this.#interrupted, timeout: options.wait ?? null });
        await connected(sock, target);
        return sock;
      } catch (error) {
        sock.close();
        if (!(error instanceof socket.OSError) || this.#interrupted.aborted) throw error;
        // An error without errno is the time-out of -w.
        const why = error.errno === undefined ? TIMED_OUT_TEXT : `failed: ${error.strerror}`;
        const shown_port = Array.isArray(address) ? address[1] : '';
        if (options.unix) print_stderr(`nc: ${host}: ${error.strerror ?? 'timed out'}`);
        else if (options.verbose)
          print_stderr(`nc: connect to ${host} port ${shown_port} (${protocol_of(options)}) ${why}`);
      }
    }
    return null;
  }

  async #connect_by_proxy(proxy: Proxy, port: number): Promise<Sock | null> {
    const options = this.#options;
    this.#targets ??= await look_up(proxy.host, options, { port: proxy.port });
    let credentials: string | undefined;
    for (let passwords = 0; ; passwords++) {
      const sock = await this.#connect_to(this.#targets, undefined, async () => {});
      if (sock === null) return null;
      try {
        await negotiate(
          sock,
          { host: this.#host, port, numeric: options.numeric },
          {
            protocol: proxy.protocol,
            credentials,
            timeout: options.wait || PROXY_WAIT_S,
            signal: this.#interrupted,
          },
        );
        if (options.verbose) await this.#tell(this.#host, port);
        return sock;
      } catch (error) {
        sock.close();
        if (!(error instanceof AuthenticationRequired)) throw error;
        if (options.proxy_user === undefined || passwords === PASSWORDS)
          throw new Failure(`Proxy error: "${error.message}"`);
        const prompt = `Proxy password for ${options.proxy_user}@${proxy.host}: `;
        credentials = `${options.proxy_user}:${await read_password(prompt, this.#interrupted)}`;
      }
    }
  }

  async #signature_key(): Promise<string> {
    this.#key ??= await read_password('TCP MD5SIG password: ', this.#interrupted);
    return this.#key;
  }

  async #tell(host: string, port: number): Promise<void> {
    print_stderr(`Connection to ${host} ${port} port ${await service_text(port, this.#options)} succeeded!`);
  }
}
