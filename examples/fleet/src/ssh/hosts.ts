// What the inventory and ~/.ssh/config say together of a host. The inventory comes first, then the files of ssh, then ssh's defaults.

import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Inventory, Settings } from '../hosts/inventory.js';
import type { AuthMethod, Host, Keepalive } from '../types.js';
import {
  expand,
  expand_command,
  expand_file,
  type HostConfig,
  local_user,
  type SshConfig,
  SshConfigError,
  tokens_of,
} from './config.js';
import { DEFAULT_KEEPALIVE } from './connect.js';

/** The files that ssh reads if it is told none. */
export const CONFIG_FILES = (home: string = homedir()) => [
  join(home, '.ssh', 'config'),
  '/etc/ssh/ssh_config',
];

const IDENTITIES = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];
const USER_KNOWN_HOSTS = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
const GLOBAL_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
const MOST_JUMPS = 8;
/** Ways to be let in, in the order of ssh, each with the keywords that forbid it. */
const AUTH_METHODS: readonly (readonly [method: AuthMethod, ...keywords: string[]])[] = [
  ['publickey', 'pubkeyauthentication'],
  ['keyboard-interactive', 'kbdinteractiveauthentication', 'challengeresponseauthentication'],
  ['password', 'passwordauthentication'],
];

/** Overrides of the command line. */
export interface Overrides {
  readonly user?: string | undefined;
  readonly port?: number | undefined;
}

/**
 * Returns how a host is reached.
 *
 * @param name as in the inventory, or any name that ssh would take
 * @param overrides what comes before all else
 * @throws SshConfigError if a port or a time is none, or jump hosts go in a circle
 */
export function host_of(
  name: string,
  inventory: Inventory,
  config: SshConfig,
  overrides: Overrides = {},
): Host {
  return build(name, { inventory, config }, overrides, undefined, 0);
}

interface Sources {
  readonly inventory: Inventory;
  readonly config: SshConfig;
}

function build(
  name: string,
  sources: Sources,
  overrides: Overrides,
  jumps: readonly Host[] | undefined,
  depth: number,
): Host {
  if (depth > MOST_JUMPS)
    throw new SshConfigError(`${name}: more than ${MOST_JUMPS} jump hosts; ProxyJump may lead in a circle`);
  const set = sources.inventory.settings_of(name);
  const config = sources.config.of(name, {
    user: overrides.user ?? set.user,
    port: overrides.port ?? set.port,
  });
  const user = config.first('user') ?? local_user();
  const port = port_of(config.first('port') ?? '22', name);
  const address = set.address ?? expand(config.first('hostname') ?? '%h', { h: name });
  const host_key_alias = config.first('hostkeyalias');
  const tokens = tokens_of({ name, address, port: String(port), user, alias: host_key_alias });
  const expanded = (paths: readonly string[]) =>
    paths.filter((path) => path !== 'none').map((path) => expand_file(path, tokens));
  const configured = (keyword: string, defaults: readonly string[]) => {
    const paths = config.all(keyword);
    return paths.length > 0 ? paths : defaults;
  };
  const known_hosts_files = set.known_hosts_files ?? [
    ...configured('userknownhostsfile', USER_KNOWN_HOSTS),
    ...configured('globalknownhostsfile', GLOBAL_KNOWN_HOSTS),
  ];
  const certificate_files = expanded(config.all('certificatefile'));
  const way = jumps ? { jumps } : way_of(name, set, config, sources, tokens, depth);
  return {
    name,
    address,
    port,
    user,
    groups: sources.inventory.groups_of(name),
    variables: set.variables ?? {},
    jumps: way.jumps,
    proxy_command: way.proxy_command,
    identity_files: expanded(set.identity_files ?? configured('identityfile', IDENTITIES)),
    known_hosts_files: expanded(known_hosts_files),
    host_key_alias,
    revoked_keys_file: expanded(config.all('revokedhostkeys'))[0],
    hash_known_hosts: is_yes(config, 'hashknownhosts'),
    certificate_files: certificate_files.length > 0 ? certificate_files : undefined,
    identities_only: is_yes(config, 'identitiesonly'),
    agent: agent_of(config.first('identityagent'), tokens),
    auth_methods: auth_methods_of(config),
    connect_timeout: seconds_of(config, 'connecttimeout', name),
    keepalive: keepalive_of(config, name),
    address_family: address_family_of(config.first('addressfamily')),
    bind_address: config.first('bindaddress'),
  };
}

/** Returns how the host is reached, if not directly. */
function way_of(
  name: string,
  set: Settings,
  config: HostConfig,
  sources: Sources,
  tokens: Readonly<Record<string, string>>,
  depth: number,
): Pick<Host, 'jumps' | 'proxy_command'> {
  const jump = set.jump ?? config.first('proxyjump');
  if (jump !== undefined && jump.toLowerCase() !== 'none')
    return { jumps: jumps_of(name, jump, sources, depth) };
  const command = config.first('proxycommand');
  if (set.jump !== undefined || command === undefined || command.toLowerCase() === 'none')
    return { jumps: [] };
  if (is_yes(config, 'proxyusefdpass')) throw new SshConfigError(`${name}: ProxyUseFdpass is not supported`);
  return { jumps: [], proxy_command: expand_command(command, tokens, `ProxyCommand of ${name}`) };
}

/** Returns the hosts of `user@host:port,…`; only the first may have jump hosts of its own, as in ssh. */
function jumps_of(name: string, written: string, sources: Sources, depth: number): Host[] {
  const jumps: Host[] = [];
  for (const [index, text] of written.split(',').entries()) {
    const match = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:@]+)(?::(\d+))?$/.exec(text.trim());
    if (!match) throw new SshConfigError(`${name}: ProxyJump "${text}" must be as user@host:port`);
    const [, user, host = '', port] = match;
    const overrides = { user, port: port === undefined ? undefined : port_of(port, name) };
    const plain = host.replace(/^\[|\]$/g, '');
    const jump = build(plain, sources, overrides, index === 0 ? undefined : [], depth + 1);
    jumps.push(...jump.jumps, { ...jump, jumps: [] });
  }
  return jumps;
}

function port_of(text: string, name: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new SshConfigError(`${name}: the port must be an integer from 1 to 65535, not "${text}"`);
}

const is_yes = (config: HostConfig, keyword: string) => config.first(keyword)?.toLowerCase() === 'yes';

/** Units of a time, in seconds: TIME FORMATS of sshd_config(5). */
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Returns a time such as `90` or `1m30s` in seconds; undefined: none is set. */
function seconds_of(config: HostConfig, keyword: string, name: string): number | undefined {
  const text = config.first(keyword)?.toLowerCase();
  if (text === undefined || text === 'none') return undefined;
  if (!/^(\d+[smhdw]?)+$/.test(text)) {
    throw new SshConfigError(`${name}: ${keyword} must be a time as 90 or 1m30s, not "${text}"`);
  }
  const parts = [...text.matchAll(/(\d+)([smhdw]?)/g)];
  return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 1), 0);
}

function keepalive_of(config: HostConfig, name: string): Keepalive | undefined {
  const interval = seconds_of(config, 'serveraliveinterval', name);
  const written = config.first('serveralivecountmax');
  if (written !== undefined && !/^\d{1,9}$/.test(written)) {
    throw new SshConfigError(`${name}: ServerAliveCountMax must be an integer, not "${written}"`);
  }
  if (interval === undefined && written === undefined) return undefined;
  return {
    interval: interval ?? DEFAULT_KEEPALIVE.interval,
    count: Number(written ?? DEFAULT_KEEPALIVE.count),
  };
}

/** Returns the path of the agent's socket; null: there is none; undefined: it is not set. */
function agent_of(
  written: string | undefined,
  tokens: Readonly<Record<string, string>>,
): string | null | undefined {
  if (written === undefined || written === 'SSH_AUTH_SOCK') return undefined;
  if (written === 'none') return null;
  if (/^\$\w/.test(written)) return process.env[written.slice(1)] ?? null;
  return expand_file(written, tokens);
}

/** Returns the ways of PreferredAuthentications that fleet knows, without those that are forbidden. */
function auth_methods_of(config: HostConfig): AuthMethod[] | undefined {
  const preferred = config.first('preferredauthentications')?.split(',');
  const allowed = AUTH_METHODS.filter(([, ...keywords]) => {
    const written = keywords.flatMap((keyword) => config.first(keyword) ?? [])[0];
    return written?.toLowerCase() !== 'no';
  }).map(([method]) => method);
  if (preferred === undefined) return allowed.length < AUTH_METHODS.length ? allowed : undefined;
  return preferred.flatMap((method) => allowed.filter((known) => known === method));
}

function address_family_of(written: string | undefined): Host['address_family'] {
  const family = written?.toLowerCase();
  return family === 'inet' || family === 'inet6' ? family : undefined;
}
