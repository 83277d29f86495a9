// `ftpd user`: lists and changes the users of a user file. A password comes from the terminal without an echo, or from a descriptor; never from the
// arguments, which every user of the machine can read.
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { type CommandIO, EXIT, parse_arguments, run_command, UsageError } from '../guard/command.js';
import { read_password } from './password_input.js';
import { check_password, hash_password } from './passwords.js';
import { PERMISSIONS, PRESETS } from './permissions.js';
import { fault_of, is_user_name, UserFileError, type UserRecord, type UserRecords } from './user_file.js';
import { change_user_file, read_user_file } from './user_storage.js';

const HELP = `Usage: ftpd user add NAME --home DIR [OPTIONS]
       ftpd user set NAME [OPTIONS]
       ftpd user password NAME [--password-fd FD]
       ftpd user check NAME [--password-fd FD]
       ftpd user remove NAME
       ftpd user list [--json]

Lists and changes the users of a file. A server that runs takes the changes over with the next log-in.

add asks for a password; with --no-password the user logs in by certificate alone. check asks for a password, and
exits with 0 if it is the user's.

Options:
  --file FILE                the user file (FTPD_USERS)
  --home DIR                 the user's directory, which appears as /
  --permissions WHICH        ${Object.keys(PRESETS).join(', ')}, or some of
                             ${PERMISSIONS.join(',')}
  --max-sessions N           sessions at once
  --max-download-rate RATE   bytes a second over all sessions, with K, M or G for 1000, …, or Ki, Mi, Gi for 1024, …
  --max-upload-rate RATE
  --max-bytes SIZE           what the directory may hold
  --max-files N              files and directories
  --tls-required             no log-in and no data without TLS
  --certificate TEXT         SHA-256 fingerprint or subject of a client certificate; may be given again
  --welcome TEXT             the text of the log-in
  --disabled                 no log-in
  --anonymous                any password is right
  --no-password              with add: without a password
  --unset OPTION             with set: takes a setting away; may be given again
  --password-fd FD           reads the password from the first line of this descriptor
  --json                     with list: a line of JSON for each user, without the password
  -h, --help                 print this
`;

const OPTIONS = {
  file: { type: 'string' },
  home: { type: 'string' },
  permissions: { type: 'string' },
  'max-sessions': { type: 'string' },
  'max-download-rate': { type: 'string' },
  'max-upload-rate': { type: 'string' },
  'max-bytes': { type: 'string' },
  'max-files': { type: 'string' },
  'tls-required': { type: 'boolean' },
  certificate: { type: 'string', multiple: true },
  welcome: { type: 'string' },
  disabled: { type: 'boolean' },
  anonymous: { type: 'boolean' },
  'no-password': { type: 'boolean' },
  unset: { type: 'string', multiple: true },
  'password-fd': { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

type Values = ReturnType<typeof parse>['values'];

function parse(argv: readonly string[]) {
  return parse_arguments({ args: [...argv], options: OPTIONS, allowPositionals: true });
}

/** What a command works on. */
interface Call {
  readonly file: string;
  readonly values: Values;
  readonly io: CommandIO;
}

/** Options that name no setting of a user, and the commands that take them beside --file. */
const OTHERS: Partial<Record<keyof Values, readonly string[]>> = {
  'no-password': ['add'],
  unset: ['set'],
  'password-fd': ['add', 'password', 'check'],
  json: ['list'],
};

const COMMANDS: Readonly<
  Record<string, { name: boolean; run: (call: Call, name: string) => Promise<number> }>
> = {
  add: { name: true, run: add },
  set: { name: true, run: set },
  password: { name: true, run: password },
  check: { name: true, run: check },
  remove: { name: true, run: remove },
  list: { name: false, run: list },
};

/**
 * `ftpd user`.
 *
 * @param argv arguments behind "user"
 * @param options file: the user file if the arguments name none, that of the configuration
 * @returns the exit code: 0 done, 1 failed, 2 wrong arguments
 */
export function user_main(
  argv: readonly string[],
  io: CommandIO,
  options: { file?: string | undefined } = {},
): Promise<number> {
  return run_command('ftpd user', io, async () => {
    const { values, positionals } = parse(argv);
    if (values.help) {
      io.stdout.write(HELP);
      return EXIT.done;
    }
    const [command = '', name = '', ...more] = positionals;
    const row = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined;
    if (row === undefined) throw new UsageError(`the commands are ${Object.keys(COMMANDS).join(', ')}`);
    if (row.name !== (name !== '') || more.length > 0) {
      // A word too many may be a password: it is not printed.
      throw new UsageError(
        `${command} takes ${row.name ? 'one argument, the name of a user' : 'no arguments'}`,
      );
    }
    check_options(command, values);
    const file = values.file ?? process.env.FTPD_USERS ?? options.file;
    if (!file) throw new UsageError('name the user file: --file FILE');
    return row.run({ file: resolve(file), values, io }, name);
  });
}

function check_options(command: string, values: Values): void {
  for (const [option, value] of Object.entries(values)) {
    if (value === undefined || option === 'file') continue;
    const takers = is_other(option) ? OTHERS[option] : ['add', 'set'];
    if (!takers?.includes(command)) throw new UsageError(`${command} has no option --${option}`);
  }
}

function is_other(option: string): option is keyof typeof OTHERS {
  return Object.hasOwn(OTHERS, option);
}

async function add({ file, values, io }: Call, name: string): Promise<number> {
  check_name(name);
  if (values.home === undefined) throw new UsageError('add needs --home DIR');
  const record: UserRecord = { home: '', ...settings_of(values) };
  check_record(name, record);
  const exists = (users: UserRecords) => {
    if (users.has(name)) throw new UserFileError(`there is a user ${name} already`);
  };
  // Asked before the password, and once more when the file is locked.
  exists(await read_or_none(file));
  if (!record.anonymous && !values['no-password']) {
    record.password = await hash_password(await read_password(io, descriptor(values), true));
  }
  await change_user_file(file, (users) => {
    exists(users);
    users.set(name, record);
  });
  await note_home(record, io);
  return EXIT.done;
}

/** A home may be made later; but a wrong path is better known now than at the log-in. */
async function note_home({ home }: UserRecord, io: CommandIO): Promise<void> {
  const stats = await stat(home).catch(() => undefined);
  if (!stats?.isDirectory()) io.stderr.write(`ftpd user: note: there is no directory ${home} yet\n`);
}

async function set({ file, values, io }: Call, name: string): Promise<number> {
  const settings = settings_of(values);
  const unset = (values.unset ?? []).map(field_of);
  if (Object.keys(settings).length === 0 && unset.length === 0)
    throw new UsageError('set needs an option to set');
  await change_user_file(file, (users) => {
    const record: UserRecord = { ...existing(users, name), ...settings };
    for (const field of unset) delete record[field];
    check_record(name, record);
    users.set(name, record);
  });
  if (settings.home !== undefined) await note_home({ home: settings.home }, io);
  return EXIT.done;
}

async function password({ file, values, io }: Call, name: string): Promise<number> {
  existing(await read_user_file(file), name);
  const line = await hash_password(await read_password(io, descriptor(values), true));
  await change_user_file(file, (users) => {
    users.set(name, { ...existing(users, name), password: line });
  });
  return EXIT.done;
}

async function check({ file, values, io }: Call, name: string): Promise<number> {
  const users = await read_user_file(file);
  const given = await read_password(io, descriptor(values), false);
  const record = users.get(name);
  const right = await check_password(record?.password, given);
  const answer = record?.disabled ? 'the user is disabled' : right ? 'right' : 'wrong';
  io.stdout.write(`${answer}\n`);
  return answer === 'right' ? EXIT.done : EXIT.failed;
}

async function remove({ file }: Call, name: string): Promise<number> {
  await change_user_file(file, (users) => {
    existing(users, name);
    users.delete(name);
  });
  return EXIT.done;
}

async function list({ file, values, io }: Call): Promise<number> {
  const users = await read_user_file(file);
  for (const [name, { password: line, ...rest }] of [...users].sort(([one], [other]) =>
    one < other ? -1 : 1,
  )) {
    const shown = { name, ...rest, has_password: line !== undefined };
    io.stdout.write(`${values.json ? JSON.stringify(shown) : list_line(name, rest, line !== undefined)}\n`);
  }
  return EXIT.done;
}

function list_line(name: string, record: UserRecord, has_password: boolean): string {
  const { home, permissions, anonymous, disabled, certificates, welcome: _text, ...others } = record;
  const preset = permissions ?? (anonymous ? 'read-only' : 'full');
  const notes = [
    String(preset),
    anonymous ? 'anonymous' : has_password ? '' : 'no password',
    disabled ? 'disabled' : '',
    certificates === undefined ? '' : `certificates=${certificates.length}`,
    ...Object.entries(others).map(([field, value]) => `${field}=${value}`),
  ];
  return [name, home, ...notes.filter(Boolean)].join('  ');
}

async function read_or_none(file: string): Promise<UserRecords> {
  let users: UserRecords = new Map();
  try {
    users = await read_user_file(file);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
  return users;
}

function existing(users: UserRecords, name: string): UserRecord {
  const record = users.get(name);
  if (record === undefined) throw new UserFileError(`there is no user ${name}`);
  return record;
}

function check_name(name: string): void {
  if (!is_user_name(name)) throw new UsageError(fault_of(name, {}) ?? '');
}

function check_record(name: string, record: UserRecord): void {
  const fault = fault_of(name, record);
  if (fault !== undefined) throw new UsageError(fault);
}

/** Settings as options name them, each with the field of the file and the reading of its text. */
function settings_of(values: Values): Partial<UserRecord> {
  const settings: Partial<UserRecord> = {};
  if (values.home !== undefined) settings.home = resolve(values.home);
  if (values.permissions !== undefined) settings.permissions = permissions_of(values.permissions);
  if (values.certificate !== undefined) settings.certificates = values.certificate;
  if (values.welcome !== undefined) settings.welcome = values.welcome;
  if (values['tls-required']) settings.tls_required = true;
  if (values.disabled) settings.disabled = true;
  if (values.anonymous) settings.anonymous = true;
  for (const option of ['max-sessions', 'max-files'] as const) {
    const text = values[option];
    if (text !== undefined)
      settings[option === 'max-files' ? 'max_files' : 'max_sessions'] = number(option, text);
  }
  if (values['max-bytes'] !== undefined) settings.max_bytes = size('max-bytes', values['max-bytes']);
  for (const direction of ['download', 'upload'] as const) {
    const text = values[`max-${direction}-rate`];
    if (text !== undefined) settings[`max_${direction}_rate`] = size(`max-${direction}-rate`, text);
  }
  return settings;
}

function permissions_of(text: string): UserRecord['permissions'] {
  if (Object.hasOwn(PRESETS, text)) return text;
  const names = text.split(',').map((name) => name.trim());
  const known = PERMISSIONS.filter((permission) => names.includes(permission));
  const wrong = names.find((name) => !PERMISSIONS.some((permission) => permission === name));
  if (wrong === undefined) return known;
  throw new UsageError(
    `--permissions takes ${Object.keys(PRESETS).join(', ')}, or some of ${PERMISSIONS.join(',')}; not ${JSON.stringify(wrong)}`,
  );
}

function number(option: string, text: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text))
    throw new UsageError(`--${option} takes a whole number above 0, not ${JSON.stringify(text)}`);
  return Number(text);
}

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  K: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

function size(option: string, text: string): number {
  const [, digits, unit = ''] = /^(\d{1,15}(?:\.\d{1,3})?)([KMGT]i?)?B?$/.exec(text) ?? [];
  const value = Math.round(Number(digits) * (UNITS[unit] ?? Number.NaN));
  if (!Number.isSafeInteger(value) || value <= 0) {
    throw new UsageError(`--${option} takes a number of bytes as 500K or 2Gi, not ${JSON.stringify(text)}`);
  }
  return value;
}

/** Fields that --unset takes, by the name of their option. */
const UNSETTABLE: Readonly<Record<string, Exclude<keyof UserRecord, 'home'>>> = {
  permissions: 'permissions',
  'max-sessions': 'max_sessions',
  'max-download-rate': 'max_download_rate',
  'max-upload-rate': 'max_upload_rate',
  'max-bytes': 'max_bytes',
  'max-files': 'max_files',
  'tls-required': 'tls_required',
  certificate: 'certificates',
  welcome: 'welcome',
  disabled: 'disabled',
  anonymous: 'anonymous',
  password: 'password',
};

function field_of(option: string): Exclude<keyof UserRecord, 'home'> {
  const field = UNSETTABLE[option.replace(/^--/, '')];
  if (field === undefined) throw new UsageError(`--unset takes one of ${Object.keys(UNSETTABLE).join(', ')}`);
  return field;
}

function descriptor(values: Values): number | undefined {
  const text = values['password-fd'];
  if (text === undefined) return undefined;
  if (!/^\d{1,6}$/.test(text))
    throw new UsageError(`--password-fd takes a descriptor as 3, not ${JSON.stringify(text)}`);
  return Number(text);
}
