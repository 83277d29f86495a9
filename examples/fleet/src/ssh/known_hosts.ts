// known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT): which keys a host may have. Plain and hashed names, `[host]:port`,
// wildcards and `!`, @revoked and @cert-authority. Unknown hosts are refused by connect.ts; append() is for --accept-new.

import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { matches_list } from './config_file.js';
import { type_of } from './wire.js';

interface Entry {
  readonly marker: string | undefined;
  readonly names: string;
  readonly type: string;
  /** base64 */
  readonly key: string;
  readonly place: string;
}

/** What the files say of a key that a host has shown. */
export type Verdict =
  | { readonly kind: 'known' }
  | { readonly kind: 'revoked'; readonly place: string }
  /** another key of this type is known */
  | { readonly kind: 'changed'; readonly place: string }
  | { readonly kind: 'unknown' };

/** The entries of some files. */
export class KnownHosts {
  readonly #entries: readonly Entry[];
  /** The entries of keys by each name that is written as it is. The others are hashes and patterns: each has to be compared with a name. */
  readonly #plain = new Map<string, Entry[]>();
  readonly #others: readonly Entry[];
  /** What was found for a name: a host is looked up some times while a connection is made. */
  readonly #found = new Map<string, readonly Entry[]>();

  private constructor(entries: readonly Entry[]) {
    this.#entries = entries;
    const others: Entry[] = [];
    this.#others = others;
    for (const entry of entries) {
      if (entry.marker !== undefined) continue;
      if (/[|*?!]/.test(entry.names)) {
        others.push(entry);
        continue;
      }
      for (const name of entry.names.toLowerCase().split(',')) {
        const known = this.#plain.get(name);
        if (known) known.push(entry);
        else this.#plain.set(name, [entry]);
      }
    }
  }

  /**
   * Reads files; those that do not exist are empty, and lines that are no entries are passed over, as by ssh.
   *
   * @param revoked a file of keys that no host may have, one a line: RevokedHostKeys of ssh_config(5)
   * @throws Error of fs if a file exists and cannot be read, or `revoked` does not exist; Error if that is a KRL
   */
  static load(files: readonly string[], revoked?: string): KnownHosts {
    return new KnownHosts([...files.flatMap(read), ...(revoked === undefined ? [] : read_revoked(revoked))]);
  }

  /**
   * Returns what is known of a key.
   *
   * @param host the name or address that is connected to, or HostKeyAlias
   * @param port 1 to 65535
   * @param key as it was sent: RFC 4253, section 6.6
   */
  check(host: string, port: number, key: Uint8Array): Verdict {
    const type = type_of(key);
    const text = Buffer.from(key).toString('base64');
    const revoked = this.#entries.find(
      (entry) => entry.marker === '@revoked' && entry.key === text && this.#names(entry, host, port),
    );
    if (revoked) return { kind: 'revoked', place: revoked.place };
    const plain = this.#keys(host, port).filter((entry) => entry.type === type);
    if (plain.some((entry) => entry.key === text)) return { kind: 'known' };
    const [other] = plain;
    return other ? { kind: 'changed', place: other.place } : { kind: 'unknown' };
  }

  /** Returns the types of the keys that are known of a host: it should be asked for one of these. */
  types(host: string, port: number): string[] {
    return [...new Set(this.#keys(host, port).map(({ type }) => type))];
  }

  /** Returns the keys, in base64, whose certificates are trusted for a host. */
  authorities(host: string, port: number): string[] {
    const trusted = this.#entries.filter(
      (entry) => entry.marker === '@cert-authority' && this.#names(entry, host, port),
    );
    return trusted.map(({ key }) => key);
  }

  /** An entry without a port is for all ports if none is for this one, as in ssh. */
  #keys(host: string, port: number): readonly Entry[] {
    const exact = this.#find(name_of(host, port));
    return exact.length > 0 ? exact : this.#find(host.toLowerCase());
  }

  #find(name: string): readonly Entry[] {
    const found = this.#found.get(name) ?? [
      ...(this.#plain.get(name) ?? []),
      ...this.#others.filter(({ names }) => has_name(names, name)),
    ];
    this.#found.set(name, found);
    return found;
  }

  #names(entry: Entry, host: string, port: number): boolean {
    return has_name(entry.names, name_of(host, port)) || has_name(entry.names, host.toLowerCase());
  }

  /**
   * Adds a key to a file, which is made if it is missing.
   *
   * @param is_hashed the name is written as a hash
   * @throws Error of fs
   */
  static append(file: string, host: string, port: number, key: Uint8Array, is_hashed = false): void {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const name = name_of(host, port);
    const line = `${is_hashed ? hashed(name) : name} ${type_of(key)} ${Buffer.from(key).toString('base64')}\n`;
    const fd = openSync(file, 'a+', 0o600);
    try {
      // A last line without an end would become one with it.
      const last = Buffer.alloc(1);
      const { size } = fstatSync(fd);
      const is_open = size > 0 && readSync(fd, last, 0, 1, size - 1) === 1 && last[0] !== NEWLINE;
      writeSync(fd, is_open ? `\n${line}` : line);
    } finally {
      closeSync(fd);
    }
  }
}

const NEWLINE = 10;

/** Returns a name as HashKnownHosts has it written. */
function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${hash_of(name, salt).toString('base64')}`;
}

const hash_of = (name: string, salt: Buffer) => createHmac('sha1', salt).update(name).digest();

/** Returns the name under which a host and port are known. */
export function name_of(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

function has_name(names: string, name: string): boolean {
  const parts = /^\|1\|([^|]+)\|([^|]+)$/.exec(names);
  if (!parts) return matches_list(names.toLowerCase().split(','), name);
  const [, salt = '', hash = ''] = parts;
  const expected = Buffer.from(hash, 'base64');
  const actual = hash_of(name, Buffer.from(salt, 'base64'));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function read(file: string): Entry[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return text.split('\n').flatMap((line, index) => {
    const fields = line.trim().split(/\s+/);
    const marker = fields[0]?.startsWith('@') ? fields.shift() : undefined;
    const [names, type, key] = fields;
    if (!names || names.startsWith('#') || !type || !key) return [];
    return [{ marker, names, type, key, place: `${file}:${index + 1}` }];
  });
}

/** Returns the keys of lines such as `ssh-ed25519 AAAA… comment`. */
function read_revoked(file: string): Entry[] {
  const content = readFileSync(file);
  if (content.toString('latin1', 0, 6) === 'SSHKRL') {
    throw new Error(`${file} is a KRL, which fleet does not read; a file of keys, one a line, it does`);
  }
  return content
    .toString('utf8')
    .split('\n')
    .flatMap((line, index) => {
      const [type, key] = line.trim().split(/\s+/);
      if (!type || type.startsWith('#') || !key) return [];
      return [{ marker: '@revoked', names: '*', type, key, place: `${file}:${index + 1}` }];
    });
}
