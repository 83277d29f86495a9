// ssh2 with what it lacks: certificates, and keys that sign elsewhere. ssh2 1.17.0 knows no certificates, and asks a key for its signature at
// once, whereas an agent or a person who is asked for a passphrase takes a while. So it is loaded here, and given three additions:
//
//   - certificate types among the host key algorithms, and a parser that finds the plain key in a certificate;
//   - a key exchange that takes the signature of a certificate's plain key;
//   - an `Identity` as a key to authenticate with (RFC 4252, section 7; OpenSSH's PROTOCOL.certkeys).
//
// All of fleet imports ssh2 from here. If something loaded ssh2 before, the first addition comes too late, and no host certificates are asked
// for. test/ssh/certificates.test.ts and identities.test.ts fail if another version of ssh2 does these steps in another way.

import { createRequire } from 'node:module';
import type { ParsedKey, ServerHostKeyAlgorithm } from 'ssh2';
import { Reader, strings } from './wire.js';

/** A key to be let in with. Its private half may be in a file, in an agent, or wait for a passphrase. */
export interface Identity {
  /** what the server is shown: a public key or a certificate, RFC 4253, section 6.6 */
  readonly blob: Buffer;
  /** its type: the first field of `blob` */
  readonly type: string;
  /**
   * Returns the signature with its format, RFC 4253, section 6.6.
   *
   * @param data what is signed
   * @param format such as `rsa-sha2-512`: the algorithm without the suffix of certificates
   * @throws Error if that cannot be done: the next key is tried
   */
  sign(data: Buffer, format: string): Promise<Buffer>;
}

/** ssh2 reports it if a key cannot sign, and goes on with the next one. */
export class NextKey extends Error {
  override name = 'NextKey';
}

/** How ssh2 keeps what the additions need; see its lib/protocol/. */
interface Exchange {
  readonly negotiated: { serverHostKey: string };
  readonly sessionID: Buffer;
  finish: (only?: boolean) => unknown;
}
interface Packets {
  readonly allocStart: number;
  alloc(length: number): Buffer;
  finalize(packet: Buffer): Buffer;
}
interface Protocol {
  readonly _kex: Exchange;
  readonly _packetRW: { readonly write: Packets };
  readonly _authsQueue: string[];
}
/** Asks the key for its signature, and gives it to the callback. */
type Sign = (request: Buffer, send: (signature: Buffer) => void) => void;
type AuthPK = (
  this: Protocol,
  username: string,
  key: ParsedKey,
  algorithm: string | undefined,
  sign?: Sign,
) => void;
type ParseDer = (data: Buffer, type: string) => ParsedKey | Error;

export const CERTIFICATE_SUFFIX = '-cert-v01@openssh.com';
/** Algorithms of host certificates, without the suffix, the best first. */
const BASES = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];
const RSA_HASHES: Readonly<Record<string, string>> = { 'rsa-sha2-512': 'sha512', 'rsa-sha2-256': 'sha256' };
const USERAUTH_REQUEST = 50;

const require = createRequire(import.meta.url);
const loaded_before = Object.keys(require.cache).some((path) => path.endsWith('/ssh2/lib/protocol/kex.js'));
const key_parser: { parseDERKey: ParseDer } = require('ssh2/lib/protocol/keyParser.js');
const constants: { SUPPORTED_SERVER_HOST_KEY: string[] } = require('ssh2/lib/protocol/constants.js');
const utilities: {
  sendPacket: (protocol: Protocol, packet: Buffer) => void;
  sigSSHToASN1: (signature: Buffer, type: string) => Buffer | undefined;
  convertSignature: (signature: Buffer, type: string) => Buffer | false | undefined;
} = require('ssh2/lib/protocol/utils.js');

if (!loaded_before) {
  const plain = key_parser.parseDERKey;
  key_parser.parseDERKey = (data, type) => {
    if (!is_certificate(type)) return plain(data, type);
    const reader = new Reader(data);
    reader.string(); // the nonce; the plain key is behind it
    return plain(reader.rest(), type.slice(0, -CERTIFICATE_SUFFIX.length));
  };
  constants.SUPPORTED_SERVER_HOST_KEY.push(...BASES.map((base) => base + CERTIFICATE_SUFFIX));
}

/** The module, with the additions. */
export const ssh2: typeof import('ssh2') = require('ssh2');
const protocol: { prototype: { authPK: AuthPK } } = require('ssh2/lib/protocol/Protocol.js');

/** The certificate algorithms that can be asked for. The types of ssh2 do not know them. */
export const CERTIFICATE_ALGORITHMS = (
  loaded_before ? [] : BASES.map((base) => base + CERTIFICATE_SUFFIX)
) as ServerHostKeyAlgorithm[];

/** Whether a key of this type is a certificate. */
export function is_certificate(type: string): boolean {
  return type.endsWith(CERTIFICATE_SUFFIX);
}

/**
 * Returns whether a signature, with its format, is the key's.
 *
 * @param key as it was sent
 * @param formats those that are taken
 */
export function is_signed(key: Buffer, data: Buffer, signature: Buffer, formats: readonly string[]): boolean {
  const reader = new Reader(signature);
  const format = reader.string().toString('latin1');
  if (!formats.includes(format)) return false;
  const type = new Reader(key).string().toString('latin1');
  // A key signs by its own type only.
  if (type !== key_type_of(format)) return false;
  const parsed = ssh2.utils.parseKey(`${type} ${key.toString('base64')}`);
  const value = utilities.sigSSHToASN1(reader.string(), format);
  if (parsed instanceof Error || Array.isArray(parsed) || !value) return false;
  return parsed.verify(data, value, hash_of(format)) === true;
}

/** Returns the signature of a private key, with its format. @throws Error if ssh2 cannot sign with it */
export function signature_of(key: ParsedKey, data: Buffer, format: string): Buffer {
  const bare: Buffer | Error = key.sign(data, hash_of(format));
  if (bare instanceof Error) throw bare;
  const value = utilities.convertSignature(bare, key.type);
  if (!value) throw new Error('the signature has no form that SSH knows');
  return strings(format, value);
}

/** Returns the identity as a key for ssh2's `publickey`. */
export function key_of(identity: Identity): ParsedKey {
  const key: IdentityKey = Object.assign(Object.create(A_KEY), {
    identity,
    type: identity.type,
    isPrivateKey: () => true,
    getPublicSSH: () => identity.blob,
    // Until it has signed, nobody may ask.
    sign: () => {
      throw new Error('the signature is not there');
    },
  });
  return key;
}

interface IdentityKey extends ParsedKey {
  readonly identity: Identity;
}

/** ssh2 takes what inherits of a key for one. */
const A_KEY = ssh2.utils.parseKey(
  `ssh-ed25519 ${strings('ssh-ed25519', Buffer.alloc(32)).toString('base64')}`,
);

/** The hash that the format names; undefined: it is the key's own. */
const hash_of = (format: string): string | undefined => RSA_HASHES[format];
const key_type_of = (format: string): string => (format.startsWith('rsa-sha2-') ? 'ssh-rsa' : format);

// The key exchange: `_kex` of a Protocol is set when it begins.
const exchanges = new WeakMap<object, Exchange | undefined>();
Object.defineProperty(protocol.prototype, '_kex', {
  get(this: Protocol): Exchange | undefined {
    return exchanges.get(this);
  },
  set(this: Protocol, exchange: Exchange | undefined) {
    exchanges.set(this, exchange);
    if (exchange) expect_certificate(exchange);
  },
});

/** ssh2 expects a key, and then a signature, of the type that was agreed on: of certificates, the two are different. */
function expect_certificate(exchange: Exchange): void {
  const { negotiated, finish } = exchange;
  if (!is_certificate(negotiated.serverHostKey)) return;
  const format = negotiated.serverHostKey.slice(0, -CERTIFICATE_SUFFIX.length);
  negotiated.serverHostKey = key_type_of(format) + CERTIFICATE_SUFFIX;
  exchange.finish = (only) => {
    negotiated.serverHostKey = format;
    return finish.call(exchange, only);
  };
}

// Authentication: the question whether a key would do, and, if it would, the request with its signature.
const plain_request = protocol.prototype.authPK;
protocol.prototype.authPK = function authPK(username, key, algorithm, sign) {
  const identity = (key as Partial<IdentityKey>).identity;
  if (!identity) return plain_request.call(this, username, key, algorithm, sign);
  const chosen = algorithm ?? algorithm_of(identity.type);
  const request = Buffer.concat([
    Buffer.from([USERAUTH_REQUEST]),
    strings(username, 'ssh-connection', 'publickey'),
    Buffer.from([sign ? 1 : 0]),
    strings(chosen, identity.blob),
  ]);
  if (!sign) return send_request(this, request);
  const data = Buffer.concat([strings(this._kex.sessionID), request]);
  const go_on = (result: Buffer | Error) => {
    // ssh2 goes on with the next key if this returns an error.
    key.sign = () => result as Buffer;
    try {
      sign(request, (signature) => send_request(this, Buffer.concat([request, strings(signature)])));
    } catch {
      // The connection has ended, or a server that keeps no order has refused the key before: ssh2 is at another one.
    }
  };
  identity
    .sign(data, chosen.replace(CERTIFICATE_SUFFIX, ''))
    .then(go_on, () => go_on(new NextKey('the key does not sign')));
};

/** ssh2 chooses for plain RSA keys what the server takes; every server that knows certificates takes this. */
const algorithm_of = (type: string): string =>
  type === `ssh-rsa${CERTIFICATE_SUFFIX}` ? `rsa-sha2-512${CERTIFICATE_SUFFIX}` : type;

function send_request(protocol: Protocol, request: Buffer): void {
  const { write } = protocol._packetRW;
  const start = write.allocStart;
  const packet = write.alloc(request.length);
  packet.set(request, start);
  protocol._authsQueue.push('publickey');
  utilities.sendPacket(protocol, write.finalize(packet));
}
