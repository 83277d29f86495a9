// The TLVs (type, length, value) of a PROXY header of version 2: what the proxy knows about the connection besides its addresses.
// See section 2.2 of HAProxy's "The PROXY protocol".

import { type Data, data, elements, integer, options_of, shown } from '../../util/validate.js';

/** The names of the types, without the prefix PP2_TYPE_ (and PP2_SUBTYPE_SSL_). */
const TYPES = {
  alpn: 0x01,
  authority: 0x02,
  crc32c: 0x03,
  noop: 0x04,
  unique_id: 0x05,
  ssl: 0x20,
  ssl_version: 0x21,
  ssl_cn: 0x22,
  ssl_cipher: 0x23,
  ssl_sig_alg: 0x24,
  ssl_key_alg: 0x25,
  netns: 0x30,
} as const;

/** The name of a type; 'unknown' of one that the protocol leaves to others. */
export type ProxyTlvName = keyof typeof TYPES | 'unknown';

const NAMES = new Map<number, ProxyTlvName>(
  Object.entries(TYPES).map(([name, type]) => [type, name as ProxyTlvName]),
);
/** The type of the checksum. */
export const CRC32C_TYPE = TYPES.crc32c;

/** What the proxy knows about the client's TLS: the value of the TLV 'ssl'. */
export interface ProxySsl {
  /** PP2_CLIENT_SSL (1): by TLS; PP2_CLIENT_CERT_CONN (2): a certificate in this connection; PP2_CLIENT_CERT_SESS (4): in its session. */
  readonly client: number;
  /** True if the client sent a certificate, and it was verified. */
  readonly verified: boolean;
  /** The TLVs within: 'ssl_version', 'ssl_cn', 'ssl_cipher', …. */
  readonly tlvs: readonly ProxyTlv[];
}

/** One TLV of a PROXY header. */
export interface ProxyTlv {
  /** 0 to 255: PP2_TYPE_…. */
  readonly type: number;
  /** The name of the type; 'unknown' of one that the protocol leaves to others. */
  readonly name: ProxyTlvName;
  /** The value as it came. */
  readonly value: Buffer;
  /** The decoded value of the type 'ssl'. */
  readonly ssl?: ProxySsl | undefined;
}

/** A TLV to write: its type by name or by number, and its value. */
export interface ProxyTlvInit {
  /** The name of the type, in place of its number. */
  readonly name?: Exclude<ProxyTlvName, 'unknown' | 'crc32c'> | undefined;
  /** 0 to 255: PP2_TYPE_…; those from 0xe0 on are for users. */
  readonly type?: number | undefined;
  /** Bytes, or a string for its UTF-8 bytes; not for an `ssl`. */
  readonly value?: Data | undefined;
  /** The value of the type 'ssl'. */
  readonly ssl?:
    | {
        readonly client: number;
        readonly verified: boolean;
        readonly tlvs?: Iterable<ProxyTlvInit> | undefined;
      }
    | undefined;
}

const MAX_VALUE = 0xffff;
const MAX_TLVS = 0x4000;
/** Bytes before the TLVs within an 'ssl': the client's flags, and the result of the verification. */
const SSL_HEAD = 5;

/** The error of a value in the TLVs, which decode_proxy_header() words. */
export class TlvError extends Error {}

/** Reads all TLVs of some bytes. @throws TlvError if they end within one */
export function decode_tlvs(bytes: Buffer): ProxyTlv[] {
  const tlvs: ProxyTlv[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (at + 3 > bytes.length) throw new TlvError('a TLV is cut');
    const type = bytes[at] as number;
    const end = at + 3 + bytes.readUInt16BE(at + 1);
    if (end > bytes.length) throw new TlvError(`the TLV of type ${type} is longer than the header`);
    tlvs.push(decode_tlv(type, Buffer.from(bytes.subarray(at + 3, end))));
    at = end;
  }
  return tlvs;
}

function decode_tlv(type: number, value: Buffer): ProxyTlv {
  const name = NAMES.get(type) ?? 'unknown';
  if (name !== 'ssl') return { type, name, value };
  if (value.length < SSL_HEAD) throw new TlvError('the TLV ssl is cut');
  const client = value[0] as number;
  const tlvs = decode_tlvs(value.subarray(SSL_HEAD));
  // A client without a certificate has the result 0, too.
  const verified = (client & 6) !== 0 && value.readUInt32BE(1) === 0;
  return { type, name, value, ssl: { client, verified, tlvs } };
}

/** Returns the bytes of TLVs. @param name of the argument, in messages @throws TypeError, RangeError */
export function encode_tlvs(tlvs: Iterable<ProxyTlvInit>, name: string): Buffer {
  return Buffer.concat(elements(tlvs, name, MAX_TLVS).map((tlv, i) => encode_tlv(tlv, `${name}[${i}]`)));
}

function encode_tlv(tlv: ProxyTlvInit, name: string): Buffer {
  const { name: type_name, type, value, ssl } = options_of(tlv, ['name', 'type', 'value', 'ssl']);
  const number = type_of(type_name, type, name);
  if ((ssl === undefined) === (value === undefined))
    throw new TypeError(`${name} must have either value or ssl`);
  if (ssl !== undefined && number !== TYPES.ssl)
    throw new TypeError(`${name}.ssl is for the type 'ssl' only`);
  const bytes = ssl === undefined ? data(value, `${name}.value`) : encode_ssl(ssl, `${name}.ssl`);
  if (bytes.length > MAX_VALUE)
    throw new RangeError(`${name}.value must have at most ${MAX_VALUE} bytes, not ${bytes.length}`);
  const head = Buffer.alloc(3);
  head[0] = number;
  head.writeUInt16BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function type_of(type_name: unknown, type: unknown, name: string): number {
  if ((type_name === undefined) === (type === undefined))
    throw new TypeError(`${name} must have either name or type`);
  const number =
    type_name === undefined ? integer(type, `${name}.type`, 0, 255) : type_of_name(type_name, name);
  if (number === CRC32C_TYPE)
    throw new RangeError(`${name}: the checksum is made by the option crc32c of the header`);
  return number;
}

function type_of_name(type_name: unknown, name: string): number {
  const known = Object.entries(TYPES).find(([one]) => one === type_name);
  if (known !== undefined) return known[1];
  throw new RangeError(
    `${name}.name must be one of ${Object.keys(TYPES).join(', ')}, not ${shown(type_name)}`,
  );
}

function encode_ssl(ssl: NonNullable<ProxyTlvInit['ssl']>, name: string): Buffer {
  const { client, verified, tlvs = [] } = options_of(ssl, ['client', 'verified', 'tlvs']);
  const head = Buffer.alloc(SSL_HEAD);
  head[0] = integer(client, `${name}.client`, 0, 255);
  head.writeUInt32BE(verified ? 0 : 1, 1);
  return Buffer.concat([head, encode_tlvs(tlvs, `${name}.tlvs`)]);
}
