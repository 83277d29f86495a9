// Host names: one address to talk to, and the names of those that answer.
import type { Inet6Address, InetAddress } from '../../calls/address.js';
import * as socket from '../../promises/index.js';
import { UsageError } from '../terminal/errors.js';

/** A host as it was given, and what it stands for. */
export interface Target {
  /** As it was given. */
  readonly name: string;
  readonly family: typeof socket.AF_INET | typeof socket.AF_INET6;
  /** The numeric address, without an interface. */
  readonly host: string;
  /** The interface of a link-local address, or 0. */
  readonly scope: number;
}

interface Families {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/**
 * find_host(name, { ipv4, ipv6 }) -> the first address of a host, of one family if one is asked for.
 *
 * @throws gaierror; UsageError where both families are asked for
 */
export async function find_host(name: string, { ipv4, ipv6 }: Families): Promise<Target> {
  if (ipv4 && ipv6) throw new UsageError('-4 and -6 exclude each other');
  const wanted = ipv4 ? socket.AF_INET : ipv6 ? socket.AF_INET6 : socket.AF_UNSPEC;
  for (const [family, , , , address] of await socket.getaddrinfo(name, null, wanted, socket.SOCK_DGRAM)) {
    const [host, , , scope = 0] = address as [string, number, number?, number?];
    if (family === socket.AF_INET || family === socket.AF_INET6) return { name, family, host, scope };
  }
  throw new UsageError(`${name} has no IPv4 or IPv6 address`);
}

/** The address of a target as sockets take it. */
export function address_of({ family, host, scope }: Target, port = 0): InetAddress | Inet6Address {
  return family === socket.AF_INET6 ? [host, port, 0, scope] : [host, port];
}

/** The host of an address, with the interface where it is link-local: 'fe80::1%eth0'. */
export function host_of([host, , , scope = 0]: readonly [string, number, number?, number?]): string {
  return scope === 0 ? host : `${host}%${socket.if_indextoname(scope)}`;
}

/** The numeric address of a target, with the interface where it is link-local. */
export function numeric({ host, scope }: Target): string {
  return host_of([host, 0, 0, scope]);
}

/** Whether many may answer. */
export function is_multicast({ host, family }: Target): boolean {
  if (family === socket.AF_INET6) return host.toLowerCase().startsWith('ff');
  return /^(22[4-9]|23\d)\./.test(host);
}

/** Whether it is an address, not a name. */
export function is_numeric({ name, host }: Target): boolean {
  return name === host || name.includes(':') || /^[\d.]+$/.test(name);
}

/** HostNames of addresses, each looked up once. */
export class HostNames {
  readonly #known = new Map<string, Promise<string | undefined>>();

  /** @param numeric look nothing up */
  constructor(private readonly numeric: boolean) {}

  /** The name of an address; undefined where it has none, or nobody wants to know. */
  lookup(host: string): Promise<string | undefined> {
    if (this.numeric) return Promise.resolve(undefined);
    let name = this.#known.get(host);
    if (name === undefined) {
      name = socket.getnameinfo([host, 0], socket.NI_NAMEREQD, { timeout: 5 }).then(
        ([found]) => found,
        () => undefined,
      );
      this.#known.set(host, name);
    }
    return name;
  }

  /** "name (address)", or the address alone. */
  async name_and_address(host: string): Promise<string> {
    const name = await this.lookup(host);
    return name === undefined ? host : `${name} (${host})`;
  }
}
