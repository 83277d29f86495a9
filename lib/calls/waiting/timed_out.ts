// The messages of time-outs: which call, on what, after how long: "recv from 127.0.0.1:5000 timed out after 2 s". The addresses
// are looked up only once a call has failed.
import * as c from '../../constants.js';
import { show_value } from '../../errors/names.js';
import { addon } from '../../native/addon.js';
import { decode } from '../address.js';

/** The fields of a socket by which its addresses are found. */
interface NamedSocket {
  readonly _fd: number;
  readonly _generation: number;
  readonly family: number;
  readonly proto: number;
}

/** Returns the message of a time-out. @param place the words behind the call: 'from 127.0.0.1:5000' */
export function timed_out(syscall: string, place: string, timeout_ms: number): string {
  // 12 digits: 0.3 s are 299.99999999999994 ms.
  return `${syscall} ${place} timed out after ${Number((timeout_ms / 1000).toPrecision(12))} s`;
}

/** The same for a lookup. @param name the host, address or service that was looked up */
export function lookup_timed_out(syscall: string, name: unknown, timeout_ms: number): string {
  const place = ArrayBuffer.isView(name) || typeof name === 'string' ? show_path(name) : show_address(name);
  return timed_out(syscall, `of ${place}`, timeout_ms);
}

/** The same for a call on a socket. @param address the address that the call got */
export function socket_timed_out(
  sock: NamedSocket,
  syscall: string,
  timeout_ms: number,
  address?: unknown,
): string {
  return timed_out(syscall, place_of(sock, syscall, address), timeout_ms);
}

const INET: ReadonlySet<number> = new Set([c.AF_INET, c.AF_INET6]);
/** The words before the address of the peer, by the call; other calls, and those without a peer, are on the socket's own. */
const WORDS: readonly [calls: RegExp, word: string][] = [
  [/^(recv|read)/, 'from'],
  [/^(send|write|connect)/, 'to'],
];

function place_of(sock: NamedSocket, syscall: string, address: unknown): string {
  if (address !== undefined && address !== null) return `to ${show_address(address)}`;
  const word = WORDS.find(([calls]) => calls.test(syscall))?.[1];
  const peer = word && name_of(sock, addon.getpeername(sock._fd, sock._generation));
  if (peer) return `${word} ${peer}`;
  return `on ${name_of(sock, addon.getsockname(sock._fd, sock._generation)) || `<socket fd=${sock._fd}>`}`;
}

/** Returns the address that a native call has just found, as text; '' for none: an unnamed socket, or a failure. */
function name_of({ family, proto }: NamedSocket, result: number): string {
  const address: unknown = result < 0 ? null : decode(family, proto);
  const is_unbound = INET.has(family) && Array.isArray(address) && address[1] === 0;
  return address === null || address === '' || is_unbound ? '' : show_address(address);
}

/** Returns an address as people write it: 127.0.0.1:80, [::1]:80, a path, @abstract; others as JavaScript. */
export function show_address(address: unknown): string {
  if (typeof address === 'string' || ArrayBuffer.isView(address)) return show_path(address);
  if (!Array.isArray(address)) return show_value(address);
  const [host, port]: unknown[] = address;
  if (typeof host !== 'string' || typeof port !== 'number') return show_value(address);
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Returns a path, or an abstract name of AF_UNIX, on one line. */
function show_path(path: string | ArrayBufferView): string {
  const text =
    typeof path === 'string'
      ? path
      : Buffer.from(path.buffer, path.byteOffset, path.byteLength).toString('utf8').replace(/^\0/, '@');
  // biome-ignore lint/suspicious/noControlCharactersInRegex: characters that would break the line
  return /[\0-\x1f\x7f]/.test(text) || text === '' ? show_value(text) : text;
}
