// The command line of ftpc: commands, options, their checks and the text of --help.
import { parseArgs } from 'node:util';
import { UsageError } from './exit_codes.js';

interface OptionRow {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly multiple?: true;
  /** what stands for the value in --help */
  readonly value?: string;
  readonly help: string;
}

const OPTIONS = {
  user: {
    type: 'string',
    short: 'u',
    value: 'NAME',
    help: 'log in as NAME (default: that of the URL, of ~/.netrc, or anonymous)',
  },
  'password-fd': {
    type: 'string',
    value: 'N',
    help: 'read the password from the first line of descriptor N',
  },
  netrc: { type: 'string', value: 'FILE', help: 'in place of ~/.netrc' },
  'no-netrc': { type: 'boolean', help: 'no netrc file' },
  tls: {
    type: 'string',
    value: 'off|explicit|implicit',
    help: 'for ftp:// URLs (ftpes:// is explicit, ftps:// implicit)',
  },
  ca: { type: 'string', value: 'FILE', help: 'trust these authorities (PEM) in place of the system’s' },
  servername: { type: 'string', value: 'NAME', help: 'the name that the certificate must have' },
  fingerprint: {
    type: 'string',
    value: 'SHA256',
    help: 'trust the certificate with this fingerprint, and no other',
  },
  insecure: { type: 'boolean', help: 'trust any certificate: whoever is on the way can read and change all' },
  cert: { type: 'string', value: 'FILE', help: 'the client’s certificate (PEM)' },
  key: { type: 'string', value: 'FILE', help: 'its key (PEM)' },
  'clear-data': { type: 'boolean', help: 'over TLS: data connections in the clear (PROT C)' },
  active: { type: 'boolean', help: 'the server connects for data (EPRT, PORT)' },
  compress: { type: 'boolean', short: 'z', help: 'MODE Z, if the server has it' },
  latin1: { type: 'boolean', help: 'the server’s names are ISO 8859-1, not UTF-8' },
  'connect-timeout': { type: 'string', value: 'S', help: 'seconds for a connection (30)' },
  timeout: { type: 'string', value: 'S', help: 'seconds for an answer (60)' },
  'data-timeout': { type: 'string', value: 'S', help: 'seconds without a byte within a transfer (60)' },
  retries: { type: 'string', value: 'N', help: 'connect again, and go on, N times after a loss (0)' },
  json: { type: 'boolean', help: 'one object a line on standard output' },
  quiet: { type: 'boolean', short: 'q', help: 'print results and failures only' },
  verbose: { type: 'boolean', short: 'v', help: 'print the conversation' },
  output: { type: 'string', short: 'o', value: 'PATH', help: 'the local file, or folder' },
  continue: { type: 'boolean', short: 'c', help: 'go on from what is there, verified by hash' },
  recursive: { type: 'boolean', short: 'r', help: 'folders, too' },
  parallel: { type: 'string', short: 'P', value: 'N', help: 'transfers at a time (1)' },
  'no-verify': { type: 'boolean', help: 'do not compare hashes after a transfer' },
  'no-times': { type: 'boolean', help: 'do not set times of files' },
  exclude: {
    type: 'string',
    short: 'x',
    multiple: true,
    value: 'GLOB',
    help: 'leave out: NAME*, dir/, path/**',
  },
  delete: { type: 'boolean', help: 'delete what the source does not have' },
  'dry-run': { type: 'boolean', short: 'n', help: 'print what would be done' },
  long: { type: 'boolean', short: 'l', help: 'type, size and time of each' },
  parents: {
    type: 'boolean',
    short: 'p',
    help: 'make the folders above, too; none is an error if it is there',
  },
  algorithm: { type: 'string', short: 'a', value: 'NAME', help: 'SHA-256, SHA-512, SHA-1, MD5, CRC32' },
  help: { type: 'boolean', short: 'h', help: 'this text' },
} as const satisfies Record<string, OptionRow>;

type OptionName = keyof typeof OPTIONS;

const COMMON: readonly OptionName[] = [
  'user',
  'password-fd',
  'netrc',
  'no-netrc',
  'tls',
  'ca',
  'servername',
  'fingerprint',
  'insecure',
  'cert',
  'key',
  'clear-data',
  'active',
  'compress',
  'latin1',
  'connect-timeout',
  'timeout',
  'data-timeout',
  'retries',
  'json',
  'quiet',
  'verbose',
  'help',
];

interface CommandRow {
  readonly arguments: string;
  readonly help: string;
  readonly least: number;
  readonly most: number;
  readonly options: readonly OptionName[];
}

const MOVING: readonly OptionName[] = ['continue', 'parallel', 'no-verify', 'no-times', 'exclude'];

export const COMMANDS = {
  get: {
    arguments: 'URL…',
    help: 'download files, or folders with -r',
    least: 1,
    most: 1000,
    options: ['output', 'recursive', ...MOVING],
  },
  put: {
    arguments: 'FILE… URL',
    help: 'upload files (- is standard input), or folders with -r; a URL that ends with / is a folder',
    least: 2,
    most: 1000,
    options: ['recursive', ...MOVING],
  },
  mirror: {
    arguments: 'FROM TO',
    help: 'make a folder like another one; one of both is a URL',
    least: 2,
    most: 2,
    options: ['delete', 'dry-run', ...MOVING],
  },
  verify: {
    arguments: 'LOCAL URL',
    help: 'compare a file or a folder with the server’s, by hash',
    least: 2,
    most: 2,
    options: ['exclude'],
  },
  ls: { arguments: 'URL', help: 'list a folder', least: 1, most: 1, options: ['long'] },
  cat: { arguments: 'URL…', help: 'write files to standard output', least: 1, most: 1000, options: [] },
  rm: {
    arguments: 'URL…',
    help: 'delete files, or folders with -r',
    least: 1,
    most: 1000,
    options: ['recursive'],
  },
  mkdir: { arguments: 'URL…', help: 'make folders', least: 1, most: 1000, options: ['parents'] },
  rmdir: { arguments: 'URL…', help: 'delete empty folders', least: 1, most: 1000, options: [] },
  mv: {
    arguments: 'URL PATH',
    help: 'rename; PATH is one on the same server, as in the URL',
    least: 2,
    most: 2,
    options: [],
  },
  hash: {
    arguments: 'URL…',
    help: 'the server’s hash of files',
    least: 1,
    most: 1000,
    options: ['algorithm'],
  },
  shell: {
    arguments: 'URL',
    help: 'commands one after the other, from a terminal or standard input',
    least: 1,
    most: 1,
    options: ['continue', 'no-verify', 'no-times'],
  },
} as const satisfies Record<string, CommandRow>;

export type CommandName = keyof typeof COMMANDS;

/** The options, checked; numbers are numbers. */
export interface CommandOptions {
  readonly user: string | undefined;
  readonly password_fd: number | undefined;
  readonly netrc: string | null | undefined;
  readonly tls: false | 'explicit' | 'implicit' | undefined;
  readonly ca: string | undefined;
  readonly servername: string | undefined;
  readonly fingerprint: string | undefined;
  readonly insecure: boolean;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly clear_data: boolean;
  readonly active: boolean;
  readonly compress: boolean;
  readonly latin1: boolean;
  readonly connect_timeout: number | undefined;
  readonly timeout: number | undefined;
  readonly data_timeout: number | undefined;
  readonly retries: number;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly output: string | undefined;
  readonly resume: boolean;
  readonly recursive: boolean;
  readonly parallel: number;
  readonly verify: boolean;
  readonly keep_times: boolean;
  readonly exclude: readonly string[];
  readonly delete: boolean;
  readonly dry_run: boolean;
  readonly long: boolean;
  readonly parents: boolean;
  readonly algorithm: string | undefined;
}

export type Parsed =
  | { readonly help: string }
  | {
      readonly command: CommandName;
      readonly arguments: readonly string[];
      readonly options: CommandOptions;
    };

const is_command = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

/** Parses the command line, without node and the program. @throws UsageError */
export function parse_arguments(line: readonly string[]): Parsed {
  const [name] = line;
  if (name === undefined) throw new UsageError(`a command is missing: ${Object.keys(COMMANDS).join(', ')}`);
  if (name === '--help' || name === '-h' || name === 'help') return { help: help_text() };
  if (name.startsWith('-'))
    throw new UsageError(`the command comes first, then its options: ftpc COMMAND ${name} …`);
  if (!is_command(name))
    throw new UsageError(
      `no such command: ${JSON.stringify(name)} (there are ${Object.keys(COMMANDS).join(', ')})`,
    );
  const row: CommandRow = COMMANDS[name];
  const allowed = new Set<string>([...COMMON, ...row.options]);
  let values: Record<string, string | boolean | (string | boolean)[] | undefined>;
  let positionals: string[];
  try {
    ({ values, positionals } = parseArgs({ args: line.slice(1), options: OPTIONS, allowPositionals: true }));
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${text.split('. ')[0]} (ftpc ${name} --help)`);
  }
  if (values.help === true) return { help: help_text(name) };
  for (const option of Object.keys(values))
    if (!allowed.has(option))
      throw new UsageError(`ftpc ${name} has no option --${option} (ftpc ${name} --help)`);
  if (positionals.length < row.least || positionals.length > row.most)
    throw new UsageError(`usage: ftpc ${name} [OPTIONS] ${row.arguments}`);
  return { command: name, arguments: positionals, options: options_of(values) };
}

function options_of(values: Record<string, unknown>): CommandOptions {
  const text = (name: OptionName) => {
    const value = values[name];
    return typeof value === 'string' ? value : undefined;
  };
  const flag = (name: OptionName) => values[name] === true;
  const number = (name: OptionName, least: number, most: number, integer = true) => {
    const value = text(name);
    if (value === undefined) return undefined;
    const parsed = Number(value);
    if (value.trim() === '' || !(parsed >= least && parsed <= most) || (integer && !Number.isInteger(parsed)))
      throw new UsageError(
        `--${name} must be ${integer ? 'an integer' : 'a number'} from ${least} to ${most}, not ${value}`,
      );
    return parsed;
  };
  const tls = text('tls');
  if (tls !== undefined && tls !== 'off' && tls !== 'explicit' && tls !== 'implicit')
    throw new UsageError(`--tls must be off, explicit or implicit, not ${tls}`);
  if (flag('insecure') && text('fingerprint') !== undefined)
    throw new UsageError('--insecure and --fingerprint exclude each other');
  if (flag('no-netrc') && text('netrc') !== undefined)
    throw new UsageError('--netrc and --no-netrc exclude each other');
  const { exclude } = values;
  return {
    user: text('user'),
    password_fd: number('password-fd', 0, 1_000_000),
    netrc: flag('no-netrc') ? null : text('netrc'),
    tls: tls === undefined ? undefined : tls === 'off' ? false : tls,
    ca: text('ca'),
    servername: text('servername'),
    fingerprint: text('fingerprint'),
    insecure: flag('insecure'),
    cert: text('cert'),
    key: text('key'),
    clear_data: flag('clear-data'),
    active: flag('active'),
    compress: flag('compress'),
    latin1: flag('latin1'),
    connect_timeout: number('connect-timeout', 0.01, 86_400, false),
    timeout: number('timeout', 0.01, 86_400, false),
    data_timeout: number('data-timeout', 0.01, 86_400, false),
    retries: number('retries', 0, 1000) ?? 0,
    json: flag('json'),
    quiet: flag('quiet'),
    verbose: flag('verbose'),
    output: text('output'),
    resume: flag('continue'),
    recursive: flag('recursive'),
    parallel: number('parallel', 1, 64) ?? 1,
    verify: !flag('no-verify'),
    keep_times: !flag('no-times'),
    exclude: Array.isArray(exclude) ? exclude.map(String) : [],
    delete: flag('delete'),
    dry_run: flag('dry-run'),
    long: flag('long'),
    parents: flag('parents'),
    algorithm: text('algorithm'),
  };
}

/** Returns the text of --help: of all commands, or of one. */
export function help_text(name?: CommandName): string {
  if (name === undefined)
    return [
      'ftpc COMMAND [OPTIONS] …',
      '',
      ...Object.entries(COMMANDS).map(
        ([command, row]) => `  ${`${command} ${row.arguments}`.padEnd(22)} ${row.help}`,
      ),
      '',
      'ftpc COMMAND --help has the options. Exit codes: 0 done, 2 usage, 3 connection, 4 TLS, 5 log-in, 6 not found, 7 transfer,',
      '8 verification, 9 protocol, 10 time-out, 11 refused, 12 local file, 130 interrupted.',
    ].join('\n');
  const row: CommandRow = COMMANDS[name];
  const line = (option: OptionName) => {
    const { short, value, help }: OptionRow = OPTIONS[option];
    const left = `${short === undefined ? '    ' : `-${short}, `}--${option}${value === undefined ? '' : ` ${value}`}`;
    return `  ${left.padEnd(34)} ${help}`;
  };
  return [
    `ftpc ${name} [OPTIONS] ${row.arguments}: ${row.help}`,
    '',
    ...row.options.map(line),
    ...(row.options.length > 0 ? [''] : []),
    ...COMMON.map(line),
  ].join('\n');
}
