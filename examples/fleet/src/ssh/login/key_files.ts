// Files of private keys and of certificates, as ssh reads them: the public half of a key is known before its passphrase is, from the file itself or
// from FILE.pub. A file of a public key alone stands for the key that an agent has.

import { createPrivateKey } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { ParsedKey } from 'ssh2';
import { message_of } from '../../failure.js';
import { is_certificate, ssh2 } from '../ssh2.js';
import { Reader, type_of } from '../wire.js';

/** What a file has of a key. */
export interface KeyFile {
  readonly file: string;
  /** the public key, RFC 4253, section 6.6; undefined: only the opened file says it */
  readonly blob: Buffer | undefined;
  /** the private key; undefined: there is none, or it cannot be used */
  readonly key: ParsedKey | 'encrypted' | undefined;
  /** why it cannot be used, if there is a private key */
  readonly problem?: string | undefined;
}

/** Before the keys of an OpenSSH private key file. */
const MAGIC = 'openssh-key-v1\0';
/** Bits of a file's mode that let others in. */
const OTHERS = 0o077;

/** Returns what a file and FILE.pub have; undefined: neither exists. */
export function read_key_file(file: string): KeyFile | undefined {
  const beside = public_key_in(content_of(`${file}.pub`));
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    if (beside) return { file, blob: beside, key: undefined };
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    return missing ? undefined : { file, blob: undefined, key: undefined, problem: message_of(error) };
  }
  const blob = public_key_in(content) ?? public_half_of(content) ?? beside;
  const parsed = parse(content, undefined);
  if (!(parsed instanceof Error) && !parsed.isPrivateKey()) return { file, blob, key: undefined };
  const problem = (text: string): KeyFile => ({ file, blob, key: undefined, problem: text });
  if (blob && type_of(blob).startsWith('sk-'))
    return problem('it is a security key, which only an agent can use');
  const { mode, uid } = statSync(file);
  if (uid === process.getuid?.() && (mode & OTHERS) !== 0) {
    return problem(`others may read it, as its mode is 0${(mode & 0o777).toString(8)}`);
  }
  if (!(parsed instanceof Error)) return { file, blob: parsed.getPublicSSH(), key: parsed };
  if (/passphrase|encrypted/i.test(parsed.message)) return { file, blob, key: 'encrypted' };
  return problem(parsed.message);
}

/** Returns the private key of a file; undefined: the passphrase is wrong. */
export function open_key_file(file: string, passphrase: string): ParsedKey | undefined {
  const key = parse(readFileSync(file), passphrase);
  return key instanceof Error ? undefined : key;
}

/** Returns the certificate of a file such as id_ed25519-cert.pub; undefined: it has none. */
export function read_certificate_file(file: string): Buffer | undefined {
  const blob = public_key_in(content_of(file));
  return blob && is_certificate(type_of(blob)) ? blob : undefined;
}

function content_of(file: string): Buffer | undefined {
  try {
    return readFileSync(file);
  } catch {
    return undefined;
  }
}

/** Returns the key of a line such as `ssh-ed25519 AAAA… comment`, of any type. */
function public_key_in(content: Buffer | undefined): Buffer | undefined {
  const [, type, base64] =
    /^\s*([\w@.-]+) +([A-Za-z0-9+/]+={0,2})(?:\s|$)/.exec(content?.toString('latin1') ?? '') ?? [];
  const blob = Buffer.from(base64 ?? '', 'base64');
  return type !== undefined && type_of(blob) === type ? blob : undefined;
}

/** Returns the public key that an OpenSSH private key file has in plain text. */
function public_half_of(content: Buffer): Buffer | undefined {
  const text = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(content.toString('latin1'))?.[1];
  const bytes = Buffer.from(text ?? '', 'base64');
  if (bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  try {
    const reader = new Reader(bytes.subarray(MAGIC.length));
    for (const _field of ['cipher', 'function', 'options']) reader.string();
    return reader.number32() > 0 ? reader.string() : undefined;
  } catch {
    return undefined;
  }
}

function parse(content: Buffer, passphrase: string | undefined): ParsedKey | Error {
  const key: ParsedKey | Error = ssh2.utils.parseKey(content, passphrase);
  const is_pkcs8 = /-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(content.toString('latin1'));
  return key instanceof Error && is_pkcs8 ? parse_pkcs8(content, passphrase) : key;
}

/** PKCS #8, which ssh2 does not read. */
function parse_pkcs8(content: Buffer, passphrase: string | undefined): ParsedKey | Error {
  if (passphrase === undefined && content.includes('ENCRYPTED')) return new Error('it has a passphrase');
  try {
    const key = createPrivateKey(passphrase === undefined ? content : { key: content, passphrase });
    const type = key.asymmetricKeyType === 'ec' ? 'sec1' : 'pkcs1';
    return ssh2.utils.parseKey(key.export({ format: 'pem', type }));
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}
