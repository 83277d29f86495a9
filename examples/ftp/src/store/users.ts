// Users of a file (user_file.ts): the UserDatabase that comes with the server. The file is read again when it has changed; one that has become
// wrong is reported, and the users stay as they were.
import { type Stats, statSync } from 'node:fs';
import type { Quota, QuotaLimits } from '../guard/types.js';
import { DiskFileSystem, type DiskOptions } from './disk.js';
import { code_of } from './errors.js';
import { check_password } from './passwords.js';
import { is_preset, PRESETS } from './permissions.js';
import type { Permission, User, UserDatabase } from './types.js';
import type { UserRecord, UserRecords } from './user_file.js';
import { read_user_file } from './user_storage.js';

/** The two names of the user who needs no password. */
const ANONYMOUS = ['anonymous', 'ftp'];

/** How often the file is looked at, ms: a log-in takes less time than the look. */
const LOOK_MS = 100;

/** What a FileUserDatabase may be told. */
export interface FileUserDatabaseOptions {
  /** the registry's method; without it, max_bytes and max_files of a user are not counted */
  quota?: ((limits: QuotaLimits) => Quota) | undefined;
  /** hears why a changed file was not taken */
  report?: ((error: unknown) => void) | undefined;
  /** for the file systems of all users */
  disk?: Pick<DiskOptions, 'sync' | 'leftovers_s' | 'in_place_bytes'> | undefined;
}

/** The users of a JSON file. */
export class FileUserDatabase implements UserDatabase {
  readonly #path: string;
  readonly #options: FileUserDatabaseOptions;
  #records: UserRecords = new Map();
  #looked_ms = Number.NEGATIVE_INFINITY;
  readonly #limited_homes = new Set<string>();
  /** of the file that the records are from, or that was refused */
  #seen: Stats | undefined;

  private constructor(path: string, options: FileUserDatabaseOptions) {
    this.#path = path;
    this.#options = options;
  }

  /**
   * Reads the file.
   *
   * @param path of the user file, which has mode 0600
   * @throws UserFileError; errors of the kernel
   */
  static async open(path: string, options: FileUserDatabaseOptions = {}): Promise<FileUserDatabase> {
    const users = new FileUserDatabase(path, options);
    users.#seen = statSync(path);
    users.#take(await read_user_file(path));
    return users;
  }

  async authenticate(name: string, password: string): Promise<User | undefined> {
    await this.#refresh();
    const record = this.#record(name);
    if (record?.anonymous) return this.#user(name, record);
    // Also without a user or a password: the answer takes as long.
    const right = await check_password(record?.password, password);
    return right && record !== undefined ? this.#user(name, record) : undefined;
  }

  async of_certificate(
    name: string,
    certificate: { fingerprint256: string; subject: string },
  ): Promise<User | undefined> {
    await this.#refresh();
    const record = this.#record(name);
    const matches = record?.certificates?.some((wanted) => is_certificate(wanted, certificate));
    return record !== undefined && matches ? this.#user(name, record) : undefined;
  }

  /**
   * Removes what broken uploads have left in all homes: for the start of a server, and now and then.
   *
   * @throws the signal's reason
   */
  async clear(signal?: AbortSignal): Promise<void> {
    await this.#refresh();
    const homes = new Map<string, DiskFileSystem>();
    for (const [name, record] of this.#records) homes.set(record.home, this.#files(name, record));
    for (const files of homes.values()) {
      try {
        await files.clear(signal);
      } catch (error) {
        signal?.throwIfAborted();
        // A home that is not there yet is none of this user's troubles before the log-in.
        if (code_of(error) !== 'ENOENT') this.#options.report?.(error);
      }
    }
  }

  #record(name: string): UserRecord | undefined {
    let record = this.#records.get(name);
    if (record === undefined && ANONYMOUS.includes(name)) {
      record = ANONYMOUS.map((one) => this.#records.get(one)).find((one) => one?.anonymous);
    }
    return record?.disabled ? undefined : record;
  }

  async #refresh(): Promise<void> {
    try {
      if (performance.now() - this.#looked_ms < LOOK_MS) return;
      this.#looked_ms = performance.now();
      // Not through the thread pool, for which the log-in would wait: the inode of this file is in memory.
      const now = statSync(this.#path);
      if (this.#seen !== undefined && is_same_file(now, this.#seen)) return;
      this.#seen = now;
      this.#take(await read_user_file(this.#path));
    } catch (error) {
      this.#options.report?.(error);
    }
  }

  #take(records: UserRecords): void {
    this.#records = records;
    this.#limited_homes.clear();
    for (const { home, max_bytes, max_files } of records.values()) {
      if (max_bytes !== undefined || max_files !== undefined) this.#limited_homes.add(home);
    }
  }

  #user(name: string, record: UserRecord): User {
    return {
      name,
      permissions: permissions_of(record),
      welcome: record.welcome,
      max_download_rate: record.max_download_rate,
      max_upload_rate: record.max_upload_rate,
      max_sessions: record.max_sessions,
      tls_required: record.tls_required,
      files: async () => this.#files(name, record),
    };
  }

  #files(name: string, record: UserRecord): DiskFileSystem {
    const { home, max_bytes = Infinity, max_files = Infinity } = record;
    const { quota, disk } = this.#options;
    return new DiskFileSystem(home, {
      ...disk,
      permissions: permissions_of(record),
      user: name,
      // Who has no limits is counted if another user of the same home has.
      quota: this.#limited_homes.has(home) ? quota?.({ home, max_bytes, max_files }) : undefined,
    });
  }
}

/** Returns what a user of the file may do. */
export function permissions_of({ permissions, anonymous = false }: UserRecord): ReadonlySet<Permission> {
  if (Array.isArray(permissions)) return new Set(permissions);
  const preset = permissions ?? (anonymous ? 'read-only' : 'full');
  return new Set(is_preset(preset) ? PRESETS[preset] : []);
}

function is_certificate(
  wanted: string,
  { fingerprint256, subject }: { fingerprint256: string; subject: string },
) {
  if (wanted.includes('=')) return normal_subject(wanted) === normal_subject(subject);
  return normal_fingerprint(wanted) === normal_fingerprint(fingerprint256);
}

/** OpenSSL, Node and people write fingerprints with and without colons, in both cases. */
function normal_fingerprint(text: string): string {
  return text
    .replace(/^sha-?256[:=]/i, '')
    .replaceAll(':', '')
    .toLowerCase();
}

/** Node has a line for each part, others commas: both orders of writing are kept. */
function normal_subject(text: string): string {
  return text
    .split(/[\n,]/)
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join('\n');
}

function is_same_file(one: Stats, other: Stats): boolean {
  return (
    one.ino === other.ino &&
    one.dev === other.dev &&
    one.size === other.size &&
    one.mtimeMs === other.mtimeMs &&
    one.ctimeMs === other.ctimeMs
  );
}
