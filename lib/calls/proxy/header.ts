// The header of the PROXY protocol, versions 1 and 2: the first bytes of a connection, by which a proxy tells the server who the client
// is. See HAProxy's "The PROXY protocol" (doc/proxy-protocol.txt). tlv.ts has what else version 2 carries; reader.ts reads a header
// from a connection.
import * as c from '../../constants.js';
import { name_classes } from '../../errors/class_names.js';
import { addon } from '../../native/addon.js';
import { crc32c as checksum_of } from '../../util/crc32c.js';
import {
  array,
  type BytesLike,
  bytes as check_bytes,
  data,
  integer,
  options_of,
  shown,
} from '../../util/validate.js';
import { inet_ntop, inet_pton } from '../inet.js';
import { CRC32C_TYPE, decode_tlvs, encode_tlvs, type ProxyTlv, type ProxyTlvInit, TlvError } from './tlv.js';

/** An address in a PROXY header: `[host, port]` for IPv4 and IPv6, the path of an AF_UNIX socket. */
export type ProxyAddress = [host: string, port: number] | string | Buffer;

/** What a proxy says about a connection. */
export interface ProxyHeader {
  /** 1: a line of text; 2: bytes, with TLVs. */
  readonly version: 1 | 2;
  /** 'LOCAL': the proxy speaks for itself, as for a health check; the connection's own addresses count. */
  readonly command: 'PROXY' | 'LOCAL';
  /** AF_INET, AF_INET6 or AF_UNIX; AF_UNSPEC if the proxy does not say who the client is. */
  readonly family: number;
  /** SOCK_STREAM or SOCK_DGRAM: what the client speaks; 0 if the proxy does not say. */
  readonly type: number;
  /** The client's address; null if the proxy does not say. */
  readonly source: ProxyAddress | null;
  /** The address that the client connected to; null if the proxy does not say. */
  readonly destination: ProxyAddress | null;
  /** More about the connection; none in version 1. */
  readonly tlvs: readonly ProxyTlv[];
}

/** A PROXY header to write. */
export interface ProxyHeaderInit {
  /** 1, the default: a line of text, for TCP over IPv4 and IPv6. 2: bytes, for all else. */
  readonly version?: 1 | 2 | undefined;
  /** The client's address: `[host, port]` with a numeric host, or the path of an AF_UNIX socket. Left out: unknown. */
  readonly source?: ProxyAddressInit | null | undefined;
  /** The address that the client connected to, of the same family. */
  readonly destination?: ProxyAddressInit | null | undefined;
  /** SOCK_STREAM, the default, or SOCK_DGRAM. */
  readonly type?: number | undefined;
  /** True for the command LOCAL: the connection is the proxy's own, and has no source. */
  readonly local?: boolean | undefined;
  /** More about the connection, in version 2. */
  readonly tlvs?: Iterable<ProxyTlvInit> | undefined;
  /** True to add a checksum, in version 2. */
  readonly crc32c?: boolean | undefined;
}

/** An address to write. What follows the port, as in addresses of IPv6, is not written. */
export type ProxyAddressInit =
  | readonly [host: string, port: number, ...rest: unknown[]]
  | string
  | Uint8Array;

/** Bytes that are no PROXY header. */
export class ProxyHeaderError extends Error {}
name_classes({ ProxyHeaderError });

const TEXT = Buffer.from('PROXY ');
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1');
/** Bytes of the longest header of version 1. */
const MAX_TEXT = 107;
/** Bytes before the addresses of version 2. */
const HEAD = 16;
const UNIX_PATH = 108;
/** The address families of version 2 by their number there, and the bytes of one address. */
const FAMILIES = [
  { family: c.AF_UNSPEC, size: 0 },
  { family: c.AF_INET, size: 6 },
  { family: c.AF_INET6, size: 18 },
  { family: c.AF_UNIX, size: UNIX_PATH },
] as const;
const TYPES: readonly number[] = [0, c.SOCK_STREAM, c.SOCK_DGRAM];
const NOTHING = { family: c.AF_UNSPEC, type: 0, source: null, destination: null, tlvs: [] } as const;

/**
 * decode_proxy_header(bytes) -> [header, length]; null if the bytes end within the header. See HAProxy's
 * https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt.
 *
 * @param bytes the first bytes of a connection, or a datagram
 * @returns the header, and the number of its bytes
 * @throws ProxyHeaderError if they do not begin with a PROXY header; TypeError
 * @example
 * const bytes = Buffer.from('PROXY TCP4 192.0.2.1 192.0.2.9 5000 80\r\nGET /');
 * console.log(decode_proxy_header(bytes)?.[0].source); // [ '192.0.2.1', 5000 ]
 */
export function decode_proxy_header(bytes: BytesLike): [header: ProxyHeader, length: number] | null {
  const view = check_bytes(bytes, 'bytes');
  const all = Buffer.from(view.buffer, view.byteOffset, view.length);
  if (begins(all, SIGNATURE)) return all.length < SIGNATURE.length ? null : decode_bytes(all);
  if (begins(all, TEXT)) return decode_text(all);
  throw new ProxyHeaderError('the connection does not begin with a PROXY header');
}

/** Returns whether bytes begin with others, or are the beginning of those. */
function begins(bytes: Buffer, others: Buffer): boolean {
  const length = Math.min(bytes.length, others.length);
  return bytes.subarray(0, length).equals(others.subarray(0, length));
}

function decode_text(bytes: Buffer): [ProxyHeader, number] | null {
  const found = bytes.subarray(0, MAX_TEXT).indexOf('\r\n');
  if (found < 0) {
    if (bytes.length < MAX_TEXT) return null;
    throw new ProxyHeaderError(`a PROXY header of version 1 has at most ${MAX_TEXT} bytes`);
  }
  const line = bytes.toString('latin1', 0, found);
  return [{ version: 1, command: 'PROXY', ...decode_line(line), tlvs: [] }, found + 2];
}

function decode_line(line: string): Pick<ProxyHeader, 'family' | 'type' | 'source' | 'destination'> {
  const [, protocol, ...fields] = line.split(' ');
  if (protocol === 'UNKNOWN') return NOTHING;
  const family = protocol === 'TCP4' ? c.AF_INET : protocol === 'TCP6' ? c.AF_INET6 : c.AF_UNSPEC;
  const [source, destination, source_port, destination_port] = fields;
  const from = text_address(family, source, source_port);
  const to = text_address(family, destination, destination_port);
  if (from === undefined || to === undefined || fields.length !== 4)
    throw new ProxyHeaderError(`not a PROXY header of version 1: ${shown(line)}`);
  return { family, type: c.SOCK_STREAM, source: from, destination: to };
}

function text_address(family: number, host = '', port = ''): [host: string, port: number] | undefined {
  const is_port = /^(?:0|[1-9]\d{0,4})$/.test(port) && Number(port) <= 0xffff;
  return is_port && is_numeric(family, host) ? [host, Number(port)] : undefined;
}

/** Returns whether a host is an address of the family, as text. */
function is_numeric(family: number, host: string): boolean {
  return /^[\da-f:.]+$/i.test(host) && family !== c.AF_UNSPEC && addon.inet_pton(family, host) > 0;
}

function decode_bytes(bytes: Buffer): [ProxyHeader, number] | null {
  const [version_command, family_type] = [bytes[12], bytes[13]];
  if (version_command !== undefined && version_command !== 0x20 && version_command !== 0x21)
    throw new ProxyHeaderError(`unknown version or command of a PROXY header: ${version_command}`);
  if (bytes.length < HEAD) return null;
  const length = HEAD + bytes.readUInt16BE(14);
  if (bytes.length < length) return null;
  // What a LOCAL header carries is ignored, as section 2.2 says.
  if (version_command === 0x20) return [{ version: 2, command: 'LOCAL', ...NOTHING }, length];
  return [
    { version: 2, command: 'PROXY', ...decode_block(family_type as number, bytes.subarray(0, length)) },
    length,
  ];
}

/** Returns what is behind the head of a header of version 2. */
function decode_block(family_type: number, header: Buffer): Omit<ProxyHeader, 'version' | 'command'> {
  const known = FAMILIES[family_type >> 4];
  const type = TYPES[family_type & 0xf];
  if (known === undefined || type === undefined || (known.size === 0) !== (type === 0))
    throw new ProxyHeaderError(`unknown address family or protocol of a PROXY header: ${family_type}`);
  const { family, size } = known;
  const block = header.subarray(HEAD);
  if (block.length < 2 * size)
    throw new ProxyHeaderError(`a PROXY header of ${block.length} bytes has no room for its addresses`);
  const tlvs = tlvs_of(block.subarray(2 * size));
  check_crc(header, tlvs);
  if (size === 0) return { ...NOTHING, tlvs };
  const [source, destination] = decode_addresses(family, block);
  return { family, type, source, destination, tlvs };
}

function decode_addresses(family: number, block: Buffer): [source: ProxyAddress, destination: ProxyAddress] {
  if (family === c.AF_UNIX)
    return [unix_path(block.subarray(0, UNIX_PATH)), unix_path(block.subarray(UNIX_PATH, 2 * UNIX_PATH))];
  const size = family === c.AF_INET ? 4 : 16;
  const host = (at: number) => inet_ntop(family, block.subarray(at, at + size));
  return [
    [host(0), block.readUInt16BE(2 * size)],
    [host(size), block.readUInt16BE(2 * size + 2)],
  ];
}

/** Returns a path; an abstract name, which begins with a zero byte, as bytes. */
function unix_path(bytes: Buffer): string | Buffer {
  const end = bytes.indexOf(0, 1);
  const path = bytes.subarray(0, end < 0 ? bytes.length : end);
  return path[0] === 0 && path.length > 1 ? Buffer.from(path) : path.toString('utf8').replace(/\0$/, '');
}

function tlvs_of(bytes: Buffer): ProxyTlv[] {
  try {
    return decode_tlvs(bytes);
  } catch (error) {
    if (!(error instanceof TlvError)) throw error;
    throw new ProxyHeaderError(`a PROXY header is wrong: ${error.message}`);
  }
}

/** Checks the checksum, if there is one: it is made with zeros in its own place. */
function check_crc(header: Buffer, tlvs: readonly ProxyTlv[]): void {
  const given = tlvs.find(({ type }) => type === CRC32C_TYPE)?.value;
  if (given === undefined) return;
  const blank = Buffer.from(header);
  // Found from the end of the TLVs, whose lengths are right: decode_tlvs() has read them.
  let at = header.length;
  for (const { type, value } of tlvs.toReversed()) {
    at -= value.length;
    if (type === CRC32C_TYPE) blank.fill(0, at, at + value.length);
    at -= 3;
  }
  if (given.length !== 4 || given.readUInt32BE() !== checksum_of(blank))
    throw new ProxyHeaderError('the checksum of a PROXY header is wrong');
}

const INIT = ['version', 'source', 'destination', 'type', 'local', 'tlvs', 'crc32c'] as const;

/**
 * encode_proxy_header({ source, destination, version = 1, … }) -> the bytes to send before anything else. See HAProxy's
 * https://www.haproxy.org/download/2.6/doc/proxy-protocol.txt.
 *
 * @param init the header; addresses that are left out are written as unknown
 * @returns the bytes
 * @throws TypeError, RangeError for a wrong field, and for what version 1 cannot say
 * @example
 * const bytes = encode_proxy_header({ source: ['192.0.2.1', 5000], destination: ['192.0.2.9', 80] });
 * console.log(bytes.toString().trim()); // PROXY TCP4 192.0.2.1 192.0.2.9 5000 80
 */
export function encode_proxy_header(init: ProxyHeaderInit): Buffer {
  const header = options_of(init, INIT);
  const { version = 1, type = c.SOCK_STREAM, local = false, source = null, destination = null } = header;
  integer(version, 'version', 1, 2);
  integer(type, 'type');
  if (!TYPES.includes(type) || type === 0)
    throw new RangeError(`type must be SOCK_STREAM or SOCK_DGRAM, not ${type}`);
  if ((source === null) !== (destination === null))
    throw new TypeError('source and destination belong together: give both, or none');
  if (local && source !== null) throw new TypeError('a local header has no source: it is the proxy itself');
  const ends = source === null ? null : check_ends(source, destination as ProxyAddressInit);
  return version === 1 ? encode_text(header, ends) : encode_bytes(header, ends);
}

/** The two addresses of a header. */
interface Ends {
  readonly family: number;
  readonly source: Buffer;
  readonly destination: Buffer;
  /** The words of version 1; undefined for AF_UNIX. */
  readonly text?: string | undefined;
}

function check_ends(source: ProxyAddressInit, destination: ProxyAddressInit): Ends {
  const family = family_of(source, 'source');
  if (family_of(destination, 'destination') !== family)
    throw new RangeError('source and destination must be of one address family');
  if (family === c.AF_UNIX)
    return {
      family,
      source: unix_bytes(source, 'source'),
      destination: unix_bytes(destination, 'destination'),
    };
  const [from, from_port] = inet_bytes(family, source, 'source');
  const [to, to_port] = inet_bytes(family, destination, 'destination');
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(from_port);
  ports.writeUInt16BE(to_port, 2);
  const text = `${inet_ntop(family, from)} ${inet_ntop(family, to)} ${from_port} ${to_port}`;
  return { family, source: from, destination: Buffer.concat([to, ports]), text };
}

/** Returns AF_INET, AF_INET6 or AF_UNIX. @throws TypeError, RangeError */
function family_of(address: unknown, name: string): number {
  if (!Array.isArray(address)) return c.AF_UNIX;
  const [host] = array(address, name, 2, 4, '[host, port]');
  const family = [c.AF_INET, c.AF_INET6].find((one) => typeof host === 'string' && is_numeric(one, host));
  if (family !== undefined) return family;
  throw new RangeError(`${name}: host must be a numeric address, not ${shown(host)}`);
}

function inet_bytes(family: number, address: unknown, name: string): [host: Buffer, port: number] {
  const [host, port] = address as [string, number];
  return [inet_pton(family, host), integer(port, `${name}: port`, 0, 0xffff)];
}

function unix_bytes(address: unknown, name: string): Buffer {
  const path = data(address, `${name}: path`);
  if (path.length > UNIX_PATH)
    throw new RangeError(`${name}: path must have at most ${UNIX_PATH} bytes, not ${path.length}`);
  return Buffer.concat([path], UNIX_PATH);
}

/** Names what version 1 cannot say. */
function encode_text({ type, local, tlvs, crc32c }: ProxyHeaderInit, ends: Ends | null): Buffer {
  const needs =
    (type === c.SOCK_DGRAM && 'SOCK_DGRAM') ||
    (local && 'local') ||
    (tlvs !== undefined && 'tlvs') ||
    (crc32c && 'crc32c') ||
    (ends?.family === c.AF_UNIX && 'an AF_UNIX address');
  if (needs) throw new RangeError(`${needs} needs version 2 of the PROXY protocol: { version: 2 }`);
  if (ends === null) return Buffer.from('PROXY UNKNOWN\r\n');
  return Buffer.from(`PROXY ${ends.family === c.AF_INET ? 'TCP4' : 'TCP6'} ${ends.text}\r\n`);
}

function encode_bytes(init: ProxyHeaderInit, ends: Ends | null): Buffer {
  const { type = c.SOCK_STREAM, local = false, tlvs = [], crc32c = false } = init;
  const addresses = ends === null ? Buffer.alloc(0) : Buffer.concat([ends.source, ends.destination]);
  const checksum = Buffer.from(crc32c ? [CRC32C_TYPE, 0, 4, 0, 0, 0, 0] : []);
  const block = Buffer.concat([addresses, encode_tlvs(tlvs, 'tlvs'), checksum]);
  if (block.length > 0xffff)
    throw new RangeError(`tlvs: a PROXY header has at most 65535 bytes behind its head, not ${block.length}`);
  const head = Buffer.alloc(HEAD);
  SIGNATURE.copy(head);
  head[12] = local ? 0x20 : 0x21;
  const family = FAMILIES.findIndex((known) => known.family === (ends?.family ?? c.AF_UNSPEC));
  head[13] = ends === null ? 0 : (family << 4) | TYPES.indexOf(type);
  head.writeUInt16BE(block.length, 14);
  const header = Buffer.concat([head, block]);
  if (crc32c) header.writeUInt32BE(checksum_of(header), header.length - 4);
  return header;
}
