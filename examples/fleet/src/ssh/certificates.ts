// Certificates (OpenSSH's PROTOCOL.certkeys): who signed a key, for which names and times. Whether one vouches for a host is said here; whether one of a
// user lets in, its server says. How ssh2 takes them: ssh2.ts.

import { matches_list } from './config_file.js';
import type { KnownHosts } from './known_hosts.js';
import { CERTIFICATE_SUFFIX, is_signed } from './ssh2.js';
import { Reader, strings } from './wire.js';

/** Signatures of authorities; ssh-rsa (SHA-1) is none of them, as in OpenSSH. */
const SIGNATURES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
/** Values of `kind`. */
export const OF_USER = 1;
const OF_HOST = 2;

export interface Certificate {
  /** the plain key, as it would be sent without a certificate */
  readonly key: Buffer;
  /** 1: of users, 2: of hosts */
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
  const base = reader.string().toString('latin1').slice(0, -CERTIFICATE_SUFFIX.length);
  reader.string();
  const fields = base === 'ssh-ed25519' ? 1 : 2;
  const parts = [base, ...Array.from({ length: fields }, () => reader.string())];
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
    key: strings(...parts),
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
  if (!is_signed(authority, certificate.signed, certificate.signature, SIGNATURES))
    return `${of} is not signed by its authority`;
  if (kind !== OF_HOST) return `${of} is for users, not for hosts`;
  if (critical > 0) return `${of} has critical options that fleet does not know`;
  if (BigInt(now) < after) return `${of} is not valid yet`;
  if (BigInt(now) >= before) return `${of} has expired`;
  if (!principals.some((pattern) => matches_list([pattern.toLowerCase()], host.toLowerCase()))) {
    return `${of} is for ${principals.join(', ') || 'no host'}, not for ${host}`;
  }
  return undefined;
}
