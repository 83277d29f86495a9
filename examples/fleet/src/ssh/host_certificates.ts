// Host certificates (OpenSSH's PROTOCOL.certkeys): who signed a host's key, for which names and times. ssh2 1.17.0 knows none, so it is loaded
// here, with two additions: certificate types among its host key algorithms, and a parser that finds the plain key in a certificate. All of fleet
// imports ssh2 from here; if something loaded ssh2 before, the additions would come too late, and no certificates are asked for.
// test/ssh/certificates.test.ts fails if another version of ssh2 does these steps in another way. RSA host certificates are not asked for.

import { createRequire } from 'node:module';
import type { Client, ParsedKey, ServerHostKeyAlgorithm } from 'ssh2';
import { matches_list } from './config.js';
import type { KnownHosts } from './known_hosts.js';

const SUFFIX = '-cert-v01@openssh.com';
const BASES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'];
/** Signatures of authorities, with their hash; ssh-rsa (SHA-1) is none of them, as in OpenSSH. */
const SIGNATURES: Readonly<Record<string, string | undefined>> = {
  'rsa-sha2-512': 'sha512',
  'rsa-sha2-256': 'sha256',
  'ssh-ed25519': undefined,
  'ecdsa-sha2-nistp256': undefined,
  'ecdsa-sha2-nistp384': undefined,
  'ecdsa-sha2-nistp521': undefined,
};

type ParseDer = (data: Buffer, type: string) => ParsedKey | Error;

const require = createRequire(import.meta.url);
const loaded_before = Object.keys(require.cache).some((path) => path.endsWith('/ssh2/lib/protocol/kex.js'));
const key_parser: { parseDERKey: ParseDer } = require('ssh2/lib/protocol/keyParser.js');
const constants: { SUPPORTED_SERVER_HOST_KEY: string[] } = require('ssh2/lib/protocol/constants.js');
const {
  sigSSHToASN1,
}: {
  sigSSHToASN1: (signature: Buffer, type: string) => Buffer | undefined;
} = require('ssh2/lib/protocol/utils.js');

if (!loaded_before) {
  const plain = key_parser.parseDERKey;
  key_parser.parseDERKey = (data, type) => {
    if (!type.endsWith(SUFFIX)) return plain(data, type);
    const reader = new Reader(data);
    reader.string(); // the nonce; the plain key is behind it
    return plain(reader.rest(), type.slice(0, -SUFFIX.length));
  };
  constants.SUPPORTED_SERVER_HOST_KEY.push(...BASES.map((base) => base + SUFFIX));
}

/** The module, with the additions. */
export const ssh2: typeof import('ssh2') = require('ssh2');

/** The certificate types that can be asked for. The types of ssh2 do not know them. */
export const CERTIFICATE_TYPES = (
  loaded_before ? [] : BASES.map((base) => base + SUFFIX)
) as ServerHostKeyAlgorithm[];

/** Whether a key that a host has shown is a certificate. */
export const is_certificate = (type: string) => type.endsWith(SUFFIX);

/** Lets ssh2 take the signature of the handshake, which is of the plain type, for a certificate. */
export function expect_plain_signature(client: Client, certificate_type: string): void {
  const protocol: unknown = Reflect.get(client, '_protocol');
  const exchange: unknown =
    typeof protocol === 'object' && protocol ? Reflect.get(protocol, '_kex') : undefined;
  const negotiated: unknown =
    typeof exchange === 'object' && exchange ? Reflect.get(exchange, 'negotiated') : undefined;
  if (typeof negotiated === 'object' && negotiated) {
    Reflect.set(negotiated, 'serverHostKey', certificate_type.slice(0, -SUFFIX.length));
  }
}

export interface Certificate {
  /** the plain key, as it would be sent without a certificate */
  readonly key: Buffer;
  readonly kind: number;
  readonly id: string;
  readonly principals: readonly string[];
  /** seconds since 1970 */
  readonly after: bigint;
  readonly before: bigint;
  readonly critical: number;
  readonly authority: Buffer;
  /** what is signed */
  readonly signed: Buffer;
  readonly signature: Buffer;
}

/**
 * Reads a certificate.
 *
 * @throws RangeError if it is cut
 */
export function read_certificate(bytes: Buffer): Certificate {
  const reader = new Reader(bytes);
  const base = reader.string().toString('latin1').slice(0, -SUFFIX.length);
  reader.string();
  const fields = base === 'ssh-ed25519' ? 1 : 2;
  const parts = [Buffer.from(base, 'latin1'), ...Array.from({ length: fields }, () => reader.string())];
  reader.number64();
  const kind = reader.number32();
  const id = reader.string().toString('utf8');
  const names = new Reader(reader.string());
  const principals: string[] = [];
  while (names.rest().length > 0) principals.push(names.string().toString('utf8'));
  const [after, before] = [reader.number64(), reader.number64()];
  const critical = reader.string().length;
  reader.string();
  reader.string();
  const authority = reader.string();
  const signed = bytes.subarray(0, bytes.length - reader.rest().length);
  return {
    key: Buffer.concat(parts.flatMap(with_length)),
    kind,
    id,
    principals,
    after,
    before,
    critical,
    authority,
    signed,
    signature: reader.string(),
  };
}

/**
 * Returns why a certificate does not vouch for a host; undefined: it does. 'authority': nobody trusts who signed it.
 *
 * @param now seconds since 1970
 */
export function refusal_of(
  certificate: Certificate,
  known: KnownHosts,
  host: string,
  port: number,
  now: number,
): string | undefined {
  const { kind, id, principals, after, before, critical, authority } = certificate;
  if (!known.authorities(host, port).includes(authority.toString('base64'))) return 'authority';
  const of = `the host certificate "${id}"`;
  if (known.check(host, port, authority).kind === 'revoked') return `the authority of ${of} is revoked`;
  if (!is_signed(certificate)) return `${of} is not signed by its authority`;
  if (kind !== 2) return `${of} is for users, not for hosts`;
  if (critical > 0) return `${of} has critical options that fleet does not know`;
  if (BigInt(now) < after) return `${of} is not valid yet`;
  if (BigInt(now) >= before) return `${of} has expired`;
  if (!principals.some((pattern) => matches_list([pattern.toLowerCase()], host.toLowerCase()))) {
    return `${of} is for ${principals.join(', ') || 'no host'}, not for ${host}`;
  }
  return undefined;
}

function is_signed({ authority, signed, signature }: Certificate): boolean {
  const reader = new Reader(signature);
  const type = reader.string().toString('latin1');
  if (!Object.hasOwn(SIGNATURES, type)) return false;
  const key_type = new Reader(authority).string().toString('latin1');
  // A key signs by its own type only.
  if (key_type !== (type.startsWith('rsa-') ? 'ssh-rsa' : type)) return false;
  const key = ssh2.utils.parseKey(`${key_type} ${authority.toString('base64')}`);
  const value = sigSSHToASN1(reader.string(), type);
  if (key instanceof Error || Array.isArray(key) || !value) return false;
  return key.verify(signed, value, SIGNATURES[type]) === true;
}

function with_length(part: Buffer): Buffer[] {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(part.length);
  return [length, part];
}

/** Fields of RFC 4251, section 5. @throws RangeError at an end that comes too early */
class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number32(): number {
    const number = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return number;
  }

  number64(): bigint {
    const number = this.#bytes.readBigUInt64BE(this.#at);
    this.#at += 8;
    return number;
  }

  string(): Buffer {
    const length = this.number32();
    if (this.#at + length > this.#bytes.length) throw new RangeError('a field ends behind the certificate');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}
