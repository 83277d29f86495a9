// The options of the commands: read, checked and named as they are written. What a command does with them is in its own file.

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Inventory } from '../hosts/inventory.js';
import type { FailureClass, Limits } from '../types.js';
import { OF_CLASS } from './exit_codes.js';

/** The command line is wrong. */
export class UsageError extends Error {
  override name = 'UsageError';
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;

const HOSTS = {
  inventory: { ...TEXT, short: 'i' },
  exclude: { ...TEXT, short: 'x' },
  pick: TEXT,
} as const;

const COMMON = {
  ...HOSTS,
  user: { ...TEXT, short: 'l' },
  port: { ...TEXT, short: 'p' },
  config: { ...TEXT, short: 'F' },
  fanout: { ...TEXT, short: 'f' },
  'connect-timeout': { ...TEXT, short: 't' },
  timeout: { ...TEXT, short: 'u' },
  inactivity: TEXT,
  serial: TEXT,
  canary: TEXT,
  'max-failures': TEXT,
  retry: TEXT,
  json: FLAG,
  'dry-run': FLAG,
  'accept-new': FLAG,
  password: FLAG,
  'password-fd': TEXT,
  log: TEXT,
  'no-log': FLAG,
} as const;

const RUN = {
  ...COMMON,
  stdin: FLAG,
  pty: FLAG,
  sudo: FLAG,
  'sudo-user': TEXT,
  'sudo-password-fd': TEXT,
  gather: { ...FLAG, short: 'b' },
  diff: FLAG,
  ordered: { ...FLAG, short: 'L' },
  'no-prefix': { ...FLAG, short: 'N' },
} as const;

const MOVE = { ...COMMON, 'no-delta': FLAG, 'max-bytes': TEXT } as const;

const NODES = { ...HOSTS, fold: FLAG, expand: FLAG, count: FLAG, json: FLAG } as const;

const LOG = {
  log: TEXT,
  host: TEXT,
  group: TEXT,
  who: TEXT,
  action: TEXT,
  operation: TEXT,
  since: TEXT,
  until: TEXT,
  text: TEXT,
  class: TEXT,
  last: TEXT,
  first: TEXT,
  expect: TEXT,
  json: FLAG,
} as const;

const CLEAN = { ...COMMON, older: TEXT, here: FLAG } as const;
const RETRY = { ...RUN, ...MOVE, older: TEXT, class: TEXT } as const;

/** Options by name, as parseArgs() takes them. */
export type OptionTable = Readonly<
  Record<string, { readonly type: 'string' | 'boolean'; readonly short?: string }>
>;

/** The options of each command. */
export const OPTIONS: Readonly<Record<string, OptionTable>> = {
  run: RUN,
  put: MOVE,
  get: MOVE,
  clean: CLEAN,
  retry: RETRY,
  nodes: NODES,
  log: LOG,
};

export const parse_run = (args: readonly string[]) =>
  parsed(() => parseArgs({ args: [...args], options: RUN, allowPositionals: true }));
/** Those of put and get. */
export const parse_move = (args: readonly string[]) =>
  parsed(() => parseArgs({ args: [...args], options: MOVE, allowPositionals: true }));
export const parse_clean = (args: readonly string[]) =>
  parsed(() => parseArgs({ args: [...args], options: CLEAN, allowPositionals: true }));
export const parse_retry = (args: readonly string[]) =>
  parsed(() => parseArgs({ args: [...args], options: RETRY, allowPositionals: false }));
export const parse_nodes = (args: readonly string[]) =>
  parsed(() => parseArgs({ args: [...args], options: NODES, allowPositionals: true }));
export const parse_log = (args: readonly string[]) =>
  parsed(() => parseArgs({ args: [...args], options: LOG, allowPositionals: true }));

export type RunValues = ReturnType<typeof parse_run>['values'];
/** Those of all operations. */
export type OperationValues = Omit<ReturnType<typeof parse_retry>['values'], 'class'>;

/** What options of clush and pdsh, which fingers know, are here, and one that is a command. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  '-w': "the hosts are the first word, as in: fleet run 'web[1-3]' -- uptime",
  '-g': 'a group is a word, as in: fleet run @web -- uptime',
  '-a': "all hosts are '@*', as in: fleet run '@*' -- uptime",
  '-X': 'groups are left out as hosts are: -x @group',
  '-c': 'files go by fleet put, and come by fleet get',
  '-o': 'options of ssh are read from ~/.ssh/config, or from -F FILE',
  '-O': 'options are in ~/.ssh/config and in the inventory',
  '-R': 'there is one way to hosts, which is SSH',
  '-S': 'the exit code says how hosts failed, always',
  '--retry-failed': 'the last operation goes again to the hosts where it failed by: fleet retry',
  '-q': 'the summary goes to standard error, the output of hosts to standard output',
};

function parsed<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // parseArgs puts advice for programmers behind its first sentence.
    const message = error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error);
    const option = /^Unknown option '(-[\w-]+)'$/.exec(message)?.[1] ?? '';
    const here = ELSEWHERE[option];
    throw new UsageError(here === undefined ? message : `${message}: ${here}`);
  }
}

/** Returns a number; undefined: the option is not given. */
export function number_of(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw new UsageError(`--${option} must be a number, not "${text}"`);
}

/** Returns an integer of 1 or more, or of `least`. */
export function integer_of(option: string, text: string | undefined, least = 1): number | undefined {
  const number = number_of(option, text);
  if (number === undefined || (Number.isSafeInteger(number) && number >= least)) return number;
  throw new UsageError(`--${option} must be an integer of ${least} or more, not "${text}"`);
}

const UNITS: Readonly<Record<string, number>> = { '': 0, k: 1, M: 2, G: 3, T: 4 };

/** Returns bytes: '5000', '20M' (by thousands), '1.5GiB' (by 1024). */
export function bytes_of(option: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, number, letter = '', binary] = /^(\d+(?:\.\d+)?)(?:([kKMGT])(i)?)?B?$/.exec(text) ?? [];
  const power = UNITS[letter === 'K' ? 'k' : letter];
  const bytes = Math.round(Number(number) * (binary ? 1024 : 1000) ** (power ?? 0));
  if (number !== undefined && Number.isSafeInteger(bytes) && bytes >= 1) return bytes;
  throw new UsageError(`--${option} must be bytes as 5000, 20M or 1.5GiB, not "${text}"`);
}

/** Returns the limits that are given. */
export function limits_of(values: RunValues): Partial<Limits> {
  const given = {
    fanout: integer_of('fanout', values.fanout),
    connect_timeout: number_of('connect-timeout', values['connect-timeout']),
    command_timeout: number_of('timeout', values.timeout),
    inactivity_timeout: number_of('inactivity', values.inactivity),
    serial: integer_of('serial', values.serial),
    canary: integer_of('canary', values.canary),
    retries: integer_of('retry', values.retry, 0),
    max_failures: max_failures_of(values['max-failures']),
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

function max_failures_of(text: string | undefined): Limits['max_failures'] {
  if (text === undefined) return undefined;
  const percent = /^(\d+(?:\.\d+)?)%$/.exec(text)?.[1];
  if (percent !== undefined) return `${Number(percent)}%`;
  if (/^\d+$/.test(text)) return Number(text);
  throw new UsageError(`--max-failures must be a number, or a percentage as 10%, not "${text}"`);
}

/** Returns what --class selects: failure classes, `ok`, and `failed` for all classes; undefined: the option is not given. */
export function results_of(text: string | undefined): Set<'ok' | 'failed' | FailureClass> | undefined {
  return text === undefined ? undefined : new Set(text.split(',').map(result_of));
}

function result_of(text: string): 'ok' | 'failed' | FailureClass {
  if (text === 'ok' || text === 'failed' || is_class(text)) return text;
  throw new UsageError(`--class must be of ok, failed, ${Object.keys(OF_CLASS).join(', ')}, not "${text}"`);
}

const is_class = (text: string): text is FailureClass => Object.hasOwn(OF_CLASS, text);

/** Returns the inventory of --inventory, else of FLEET_INVENTORY, else of ~/.config/fleet/inventory.json; else it is empty. */
export async function inventory_of(
  path: string | undefined,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Inventory> {
  const given = path ?? env.FLEET_INVENTORY;
  if (given) return Inventory.load(given);
  const usual = join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'fleet', 'inventory.json');
  return existsSync(usual) ? Inventory.load(usual) : Inventory.empty();
}

/** Returns the path of the log: --log, else FLEET_LOG, else ~/.local/state/fleet/log.jsonl. */
export function log_path_of(path: string | undefined, env: NodeJS.ProcessEnv = process.env): string {
  return (
    path ??
    env.FLEET_LOG ??
    join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'fleet', 'log.jsonl')
  );
}
