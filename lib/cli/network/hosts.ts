// Hosts of ping and traceroute: the target, which a name or an address on the command line stands for, and the names of the
// hosts that answer.
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import type { Inet6Address, InetAddress } from '../../calls/address.js';
import * as socket from '../../promises/index.js';
import { UsageError } from '../terminal/errors.js';
import { flag, type Values } from '../terminal/options.js';
import { printable } from '../terminal/output.js';

/** A host of the command line, and its address. */
export interface Target {
  /** The text of the command line. */
  readonly name: string;
  readonly family: typeof socket.AF_INET | typeof socket.AF_INET6;
  /** The numeric address, without an interface. */
  readonly host: string;
  /** The index of the interface of a link-local address, or 0. */
  readonly scope: number;
}

/** The options -4 and -6. */
export const FAMILY_OPTIONS = {
  ipv4: flag('4', 'IPv4 only'),
  ipv6: flag('6', 'IPv6 only'),
};

type Families = Values<typeof FAMILY_OPTIONS>;

/** Returns the address family of -4 and -6; AF_UNSPEC without them. @throws UsageError if both are set */
export function family_of({ ipv4, ipv6 }: Families): number {
  if (ipv4 && ipv6) throw new UsageError('-4 and -6 exclude each other');
  return ipv4 ? socket.AF_INET : ipv6 ? socket.AF_INET6 : socket.AF_UNSPEC;
}

/**
 * find_host(name, { ipv4, ipv6 }, device) -> the first address of a host, of one family if an option is set.
 *
 * @param device the interface of a link-local address without one; left out: the only interface with such addresses
 * @throws gaierror; UsageError if both options are set, or for a link-local address that needs an interface
 */
export async function find_host(name: string, families: Families, device?: string): Promise<Target> {
  const wanted = family_of(families);
  for (const [family, , , , address] of await socket.getaddrinfo(name, null, wanted, socket.SOCK_DGRAM)) {
    const [host, , , scope = 0] = address as [string, number, number?, number?];
    if (family !== socket.AF_INET && family !== socket.AF_INET6) continue;
    const is_open = scope === 0 && LINK_LOCAL.test(host);
    return { name, family, host, scope: is_open ? link_of(host, device) : scope };
  }
  throw new UsageError(`${name} has no IPv4 or IPv6 address`);
}

/** fe80::/10. */
const LINK_LOCAL = /^fe[89ab]/i;

/** Returns the index of the interface for a link-local address. @throws UsageError */
function link_of(host: string, device: string | undefined): number {
  const links = Object.entries(networkInterfaces()).filter(([, rows = []]) =>
    rows.some(({ family, address, internal }) => family === 'IPv6' && !internal && LINK_LOCAL.test(address)),
  );
  const names = links.map(([name]) => name);
  if (device !== undefined && names.includes(device)) return socket.if_nametoindex(device);
  const [only, ...others] = names;
  if (only !== undefined && others.length === 0) return socket.if_nametoindex(only);
  const example = only === undefined ? '%INTERFACE' : `%${only}`;
  throw new UsageError(`${host} is a link-local address, on which link? ${host}${example}`);
}

/** Returns whether the target is the broadcast address of all networks, or of a network of this machine. */
export function is_broadcast({ host, family }: Target): boolean {
  if (family !== socket.AF_INET) return false;
  if (host === '255.255.255.255') return true;
  const rows = Object.values(networkInterfaces()).flatMap((each = []) => each);
  return rows.some((row) => row.family === 'IPv4' && host === broadcast_of(row.address, row.netmask));
}

/** Returns the broadcast address of a network; undefined for one of two addresses or one, which has none. */
function broadcast_of(address: string, netmask: string): string | undefined {
  const mask = netmask.split('.').map(Number);
  if ((mask[3] ?? 255) >= 254) return undefined;
  return address
    .split('.')
    .map((part, i) => Number(part) | (~(mask[i] ?? 255) & 255))
    .join('.');
}

/** Returns the address of a target in the form that sockets take. */
export function address_of({ family, host, scope }: Target, port = 0): InetAddress | Inet6Address {
  return family === socket.AF_INET6 ? [host, port, 0, scope] : [host, port];
}

/** Returns the host of an address; a link-local address with its interface: 'fe80::1%eth0'. */
export function host_of([host, , , scope = 0]: readonly [string, number, number?, number?]): string {
  return scope === 0 ? host : printable(`${host}%${socket.if_indextoname(scope)}`);
}

/** Returns the numeric address of a target; a link-local address with its interface. */
export function numeric({ host, scope }: Target): string {
  return host_of([host, 0, 0, scope]);
}

/** Returns whether the target is a multicast address, which several hosts may answer for. */
export function is_multicast({ host, family }: Target): boolean {
  if (family === socket.AF_INET6) return host.toLowerCase().startsWith('ff');
  return /^(22[4-9]|23\d)\./.test(host);
}

/** Returns whether the text is an IPv4 or IPv6 address, maybe with an interface. */
export function is_address(text: string): boolean {
  return isIP(text) !== 0;
}

/** Returns whether the text of the command line is an address, not a name. */
export function is_numeric({ name, host }: Target): boolean {
  return name === host || name.includes(':') || /^[\d.]+$/.test(name);
}

/** The names of addresses. Each address is looked up once. */
export class HostNames {
  readonly #known = new Map<string, Promise<string | undefined>>();

  /** @param numeric true: no address is looked up */
  constructor(private readonly numeric: boolean) {}

  /** Returns the name of an address; undefined if it has none, or if names are off. */
  lookup(host: string): Promise<string | undefined> {
    if (this.numeric) return Promise.resolve(undefined);
    let name = this.#known.get(host);
    if (name === undefined) {
      name = socket.getnameinfo([host, 0], socket.NI_NAMEREQD, { timeout: 5 }).then(
        ([found]) => printable(found),
        () => undefined,
      );
      this.#known.set(host, name);
    }
    return name;
  }

  /** Returns "name (address)", or the address alone. */
  async name_and_address(host: string): Promise<string> {
    const name = await this.lookup(host);
    return name === undefined ? host : `${name} (${host})`;
  }
}
