// The autonomous systems that an address belongs to, as a routing registry knows them (-A): a query in the protocol of whois, RFC 3912,
// whose answer has objects of RPSL, RFC 2622. The environment variables RA_SERVER and RA_SERVICE name another registry, as for traceroute(8).
import * as socket from '../../promises/index.js';
import { UsageError } from '../terminal/errors.js';
import { printable } from '../terminal/output.js';

const SERVER = 'whois.radb.net';
const SERVICE = 'nicname';
/** Milliseconds for an answer. */
const WAIT_MS = 10_000;
/** The most bytes of an answer: one that is longer is no answer of a registry. */
const ANSWER_MAX = 1_000_000;

type ServerAddress = readonly [host: string, port: number];

/** What is shown of an address that the registry does not know, and of a registry that does not answer. */
const UNKNOWN = '*';
const FAILED = '!!';

/** Returns the origins of the routes with the longest prefix, each once, in their order. */
export function origins_of(answer: string): readonly string[] {
  let longest = 0;
  let prefix = 0;
  let origins: string[] = [];
  for (const line of answer.split('\n')) {
    const [, name, value = ''] = /^(route6?|origin):\s*(\S*)/.exec(line) ?? [];
    if (name === undefined) continue;
    if (name !== 'origin') {
      prefix = Number(/\/(\d+)/.exec(value)?.[1] ?? 0);
    } else if (value !== '' && prefix >= longest) {
      if (prefix > longest) origins = [];
      longest = prefix;
      if (!origins.includes(value)) origins.push(value);
    }
  }
  return origins;
}

export class Registry {
  /** What was asked for already: a registry refuses who asks too often. */
  readonly #known = new Map<string, Promise<string>>();

  private constructor(
    readonly addresses: readonly ServerAddress[],
    readonly signal: AbortSignal,
  ) {}

  /** Returns the registry that the environment names. @throws UsageError if there is no such host or service */
  static async find(signal: AbortSignal): Promise<Registry> {
    const { RA_SERVER: server = SERVER, RA_SERVICE: service = SERVICE } = process.env;
    try {
      const rows = await socket.getaddrinfo(server, service, 0, socket.SOCK_STREAM, 0, 0, { signal });
      const addresses = rows.map(([, , , , [host, port]]) => [host, port] as ServerAddress);
      return new Registry(addresses, signal);
    } catch (error) {
      if (!(error instanceof socket.gaierror)) throw error;
      throw new UsageError(`${server}/${service}: ${error.strerror}`);
    }
  }

  /** Returns the systems of an address, such as AS64500/AS64501, safe to print; * if it has none, !! if the registry does not tell. */
  systems_of(address: string): Promise<string> {
    let systems = this.#known.get(address);
    if (systems === undefined) {
      systems = this.#ask(address);
      this.#known.set(address, systems);
    }
    return systems;
  }

  async #ask(address: string): Promise<string> {
    const signal = AbortSignal.any([this.signal, AbortSignal.timeout(WAIT_MS)]);
    for (const server of this.addresses) {
      try {
        const origins = origins_of(await query(server, address, signal));
        return origins.length === 0 ? UNKNOWN : printable(origins.join('/'));
      } catch {
        this.signal.throwIfAborted();
      }
    }
    return FAILED;
  }
}

async function query([host, port]: ServerAddress, address: string, signal: AbortSignal): Promise<string> {
  const sock = await socket.create_connection([host, port], { signal });
  try {
    await sock.sendall(`${address}\r\n`, { signal });
    const parts: Buffer[] = [];
    for (let size = 0; size <= ANSWER_MAX; ) {
      const part = await sock.recv(65_536, { signal });
      if (part.length === 0) return Buffer.concat(parts).toString();
      parts.push(part);
      size += part.length;
    }
    throw new RangeError('the answer of the registry does not end');
  } finally {
    sock.close();
  }
}
