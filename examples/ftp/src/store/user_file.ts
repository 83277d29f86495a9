// The user file as text: JSON, {"users": {"alice": {…}}}. What fields a user has, and a message for each mistake in them. user_storage.ts reads
// and writes the file, users.ts answers log-ins with it, users_command.ts changes it.
import { parse_password_line } from './passwords.js';
import { is_permission, is_preset, PERMISSIONS, PRESETS } from './permissions.js';
import type { Permission } from './types.js';

/** A user of the file. Sizes in bytes, rates in bytes a second. */
export interface UserRecord {
  /** scrypt line of passwords.ts; without one the user logs in by certificate, or not at all */
  password?: string | undefined;
  /** takes any password, as the user `anonymous` does */
  anonymous?: boolean | undefined;
  /** path of the machine */
  home: string;
  /** a preset (full, read-only, drop-box) or a list. Default full; read-only for an anonymous user */
  permissions?: string | Permission[] | undefined;
  /** fingerprints (SHA-256, hexadecimal) or subjects ("CN=alice") of client certificates */
  certificates?: string[] | undefined;
  welcome?: string | undefined;
  max_download_rate?: number | undefined;
  max_upload_rate?: number | undefined;
  max_sessions?: number | undefined;
  tls_required?: boolean | undefined;
  max_bytes?: number | undefined;
  max_files?: number | undefined;
  disabled?: boolean | undefined;
}

export type UserRecords = Map<string, UserRecord>;

/** What is wrong with a user file. */
export class UserFileError extends Error {
  override readonly name = 'UserFileError';
}

/** What a field holds: its test, and how a message says it. */
interface Kind {
  is(value: unknown): boolean;
  readonly text: string;
}

const TEXT: Kind = { is: (value) => typeof value === 'string', text: 'a string' };
const FLAG: Kind = { is: (value) => typeof value === 'boolean', text: 'true or false' };
const COUNT: Kind = {
  is: (value) => typeof value === 'number' && Number.isSafeInteger(value) && value > 0,
  text: 'a whole number above 0',
};

/** The fields, each with its kind. */
const FIELDS: Readonly<Record<keyof UserRecord, Kind>> = {
  password: {
    is: (value) => typeof value === 'string' && parse_password_line(value) !== undefined,
    text: 'a scrypt line that "ftpd user password" has written',
  },
  anonymous: FLAG,
  home: { is: (value) => typeof value === 'string' && value.startsWith('/'), text: 'an absolute path' },
  permissions: {
    is: (value) =>
      Array.isArray(value)
        ? value.every((one) => typeof one === 'string' && is_permission(one))
        : typeof value === 'string' && is_preset(value),
    text: `${Object.keys(PRESETS).join(', ')}, or a list of ${PERMISSIONS.join(', ')}`,
  },
  certificates: {
    is: (value) => Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== ''),
    text: 'a list of fingerprints and subjects',
  },
  welcome: TEXT,
  max_download_rate: COUNT,
  max_upload_rate: COUNT,
  max_sessions: COUNT,
  tls_required: FLAG,
  max_bytes: COUNT,
  max_files: COUNT,
  disabled: FLAG,
};

/** The names of the fields. */
export const USER_FIELDS: readonly string[] = Object.keys(FIELDS);

/** A name is what USER can carry, and what no log mistakes. */
export function is_user_name(name: string): boolean {
  return /^[\p{L}\p{N}_][\p{L}\p{N}_.@+-]{0,63}$/u.test(name);
}

/** @returns what is wrong with a user; undefined if nothing is */
export function fault_of(name: string, record: object): string | undefined {
  if (!is_user_name(name)) {
    return `${JSON.stringify(name)} is no user name: up to 64 letters, digits and _ . @ + -, a letter, digit or _ first`;
  }
  for (const [field, value] of Object.entries(record)) {
    if (!is_field(field)) return `user ${name}: there is no field ${JSON.stringify(field)}`;
    if (!FIELDS[field].is(value)) return `user ${name}: ${field} must be ${FIELDS[field].text}`;
  }
  return 'home' in record ? undefined : `user ${name}: home is missing`;
}

function is_field(name: string): name is keyof UserRecord {
  return Object.hasOwn(FIELDS, name);
}

function is_record(name: string, value: unknown): value is UserRecord {
  if (typeof value !== 'object' || value === null) throw new UserFileError(`user ${name} must be an object`);
  const fault = fault_of(name, value);
  if (fault !== undefined) throw new UserFileError(fault);
  return true;
}

/** @throws UserFileError */
export function parse_user_file(text: string): UserRecords {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    // The message of JSON.parse() quotes the text, and with it perhaps a password's line.
    throw new UserFileError('the user file is no JSON', { cause: error });
  }
  const users = typeof parsed === 'object' && parsed !== null && 'users' in parsed ? parsed.users : undefined;
  if (typeof users !== 'object' || users === null || Array.isArray(users)) {
    throw new UserFileError('the user file must be {"users": {"NAME": {…}}}');
  }
  const records: UserRecords = new Map();
  for (const [name, value] of Object.entries(users)) if (is_record(name, value)) records.set(name, value);
  return records;
}

export function print_user_file(records: UserRecords): string {
  return `${JSON.stringify({ users: Object.fromEntries(records) }, null, 2)}\n`;
}
