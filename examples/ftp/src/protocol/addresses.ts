// Addresses of data connections in commands and replies: PORT and PASV (RFC 959), EPRT and EPSV (RFC 2428). Pure functions.
import { isIP, isIPv4, isIPv6 } from 'node:net';

/** An address of a data connection. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** Returns 'h1,h2,h3,h4,p1,p2'. @param host IPv4 @param port 1 to 65535 */
export function encode_host_port({ host, port }: HostPort): string {
  return `${host.replaceAll('.', ',')},${port >> 8},${port & 255}`;
}

/** Returns the address of 'h1,h2,h3,h4,p1,p2'; undefined if it is none. */
export function decode_host_port(text: string): HostPort | undefined {
  const fields = text.trim().split(',');
  if (fields.length !== 6 || !fields.every((field) => /^\d{1,3}$/.test(field) && Number(field) <= 255))
    return undefined;
  const numbers = fields.map(Number);
  const port = (numbers[4] ?? 0) * 256 + (numbers[5] ?? 0);
  return port === 0 ? undefined : { host: numbers.slice(0, 4).join('.'), port };
}

/** An address as EPRT says it; `family` is 1 for IPv4, 2 for IPv6. */
export interface ExtendedAddress extends HostPort {
  readonly family: number;
}

/** Returns '|1|192.0.2.1|6446|'. */
export function encode_extended({ host, port }: HostPort): string {
  return `|${isIPv6(host) ? 2 : 1}|${host}|${port}|`;
}

/**
 * Returns the address of '|1|192.0.2.1|6446|', with any printable delimiter; undefined if it is none. A family that is neither 1 nor 2 is
 * returned with its number, so that 522 can be told from 501.
 */
export function decode_extended(text: string): ExtendedAddress | undefined {
  const delimiter = text.charCodeAt(0);
  if (!(delimiter >= 33 && delimiter <= 126)) return undefined;
  const fields = text.trimEnd().split(text.charAt(0));
  if (fields.length !== 5 || fields[0] !== '' || fields[4] !== '') return undefined;
  const [, family = '', host = '', port_text = ''] = fields;
  if (!/^\d{1,5}$/.test(family) || !/^\d{1,5}$/.test(port_text)) return undefined;
  const port = Number(port_text);
  if (port === 0 || port > 65535) return undefined;
  const is_valid =
    family === '1' ? isIPv4(host) : family === '2' ? isIPv6(host) && !host.includes('%') : true;
  return is_valid ? { family: Number(family), host, port } : undefined;
}

/** Returns the port of the text of a 229 reply: '… (|||6446|)'; undefined if there is none. */
export function decode_epsv_reply(text: string): number | undefined {
  const found = /\(([!-~])\1\1(\d{1,5})\1\)/.exec(text);
  const port = Number(found?.[2]);
  return port > 0 && port <= 65535 ? port : undefined;
}

/** Returns the address of the text of a 227 reply, with or without parentheses; undefined if there is none. */
export function decode_pasv_reply(text: string): HostPort | undefined {
  const found = /(?<!\d)\d{1,3}(?:,\d{1,3}){5}(?!\d)/.exec(text);
  return found === null ? undefined : decode_host_port(found[0]);
}

/** Returns an address as the machine can reach it: one of a link is on the interface of our own address. */
export function with_interface(host: string, own: string): string {
  const at = own.indexOf('%');
  return at >= 0 && /^fe[89ab]/i.test(host) ? host + own.slice(at) : host;
}

/** Returns an address in one spelling: IPv4 within IPv6 is IPv4, and the scope of a link-local address is left out. */
export function plain_address(host: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  const without_scope = host.split('%', 1)[0] ?? host;
  return isIP(without_scope) === 6 ? canonical(without_scope) : without_scope;
}

/** The URL parser writes IPv6 as RFC 5952 says. */
function canonical(host: string): string {
  return new URL(`http://[${host}]/`).hostname.slice(1, -1);
}

/** Returns host and port of an address as sockets give it, of IPv4 or IPv6. */
export function host_port(address: unknown): readonly [host: string, port: number] {
  const [host, port] = Array.isArray(address) ? address : [];
  return [plain_address(String(host ?? '')), Number(port ?? 0)];
}

/** Returns the host of a socket's own address, to bind another one to: that of a link has its interface (fe80::1%3). */
export function local_host(address: unknown): string {
  const [host] = host_port(address);
  const scope = Array.isArray(address) ? Number(address[3] ?? 0) : 0;
  return scope > 0 ? `${host}%${scope}` : host;
}
