// What the inventory and ~/.ssh/config say together of a host. The inventory comes first, then the files of ssh, then ssh's defaults.

import { homedir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Inventory, Settings } from '../hosts/inventory.js';
import type { Host } from '../types.js';
import { expand, type HostConfig, type SshConfig, SshConfigError } from './config.js';

/** The files that ssh reads if it is told none. */
export const CONFIG_FILES = (home: string = homedir()) => [
  join(home, '.ssh', 'config'),
  '/etc/ssh/ssh_config',
];

const IDENTITIES = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];
const KNOWN_HOSTS = [
  '~/.ssh/known_hosts',
  '~/.ssh/known_hosts2',
  '/etc/ssh/ssh_known_hosts',
  '/etc/ssh/ssh_known_hosts2',
];
const MOST_JUMPS = 8;

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
 * @throws SshConfigError if a port is none, jump hosts go in a circle, or ProxyCommand is set
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
  const config = sources.config.of(name, overrides.user ?? set.user);
  const user = config.first('user') ?? userInfo().username;
  const port = overrides.port ?? set.port ?? port_of(config.first('port') ?? '22', name);
  const address = set.address ?? expand(config.first('hostname') ?? '%h', { h: name });
  const tokens = { h: address, n: name, p: String(port), r: user };
  const files = (
    own: readonly string[] | undefined,
    keywords: readonly string[],
    defaults: readonly string[],
  ) => {
    const configured = keywords.flatMap((keyword) => config.all(keyword)).filter((file) => file !== 'none');
    return (own ?? (configured.length > 0 ? configured : defaults)).map((file) => expand(file, tokens));
  };
  return {
    name,
    address,
    port,
    user,
    groups: sources.inventory.groups_of(name),
    variables: set.variables ?? {},
    jumps: jumps ?? jumps_of(name, set, config, sources, depth),
    identity_files: files(set.identity_files, ['identityfile'], IDENTITIES),
    known_hosts_files: files(
      set.known_hosts_files,
      ['userknownhostsfile', 'globalknownhostsfile'],
      KNOWN_HOSTS,
    ),
    host_key_alias: config.first('hostkeyalias'),
    keepalive: keepalive_of(config, name),
  };
}

/** Returns the hosts of `user@host:port,…`; only the first may have jump hosts of its own, as in ssh. */
function jumps_of(name: string, set: Settings, config: HostConfig, sources: Sources, depth: number): Host[] {
  const command = config.first('proxycommand');
  const written = set.jump ?? config.first('proxyjump');
  if (written === undefined && command !== undefined && command !== 'none') {
    throw new SshConfigError(`${name}: ProxyCommand is not supported; ProxyJump is`);
  }
  if (written === undefined || written.toLowerCase() === 'none') return [];
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

/** ServerAliveInterval and ServerAliveCountMax. ssh asks nothing unless it is told to, and waits for ever for a host that is gone. */
function keepalive_of(config: HostConfig, name: string): Host['keepalive'] {
  const interval = seconds_of('ServerAliveInterval', config.first('serveraliveinterval') ?? '30', name);
  const count = Number(config.first('serveralivecountmax') ?? '3');
  if (!Number.isSafeInteger(count) || count < 0)
    throw new SshConfigError(`${name}: ServerAliveCountMax must be an integer of 0 or more`);
  return { interval: count > 0 ? interval : 0, count };
}

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** Reads a time of sshd_config(5), TIME FORMATS: '90', '1m30s'. */
function seconds_of(keyword: string, text: string, name: string): number {
  const parts = [...text.toLowerCase().matchAll(/(\d{1,6})([smhdw]?)/g)];
  if (parts.length > 0 && parts.map(([part]) => part).join('') === text.toLowerCase())
    return parts.reduce((sum, [, number, unit = '']) => sum + Number(number) * (UNITS[unit] ?? 1), 0);
  throw new SshConfigError(`${name}: ${keyword} must be a time as 90 or 1m30s, not "${text}"`);
}

function port_of(text: string, name: string): number {
  const port = Number(text);
  if (/^\d+$/.test(text) && port >= 1 && port <= 65_535) return port;
  throw new SshConfigError(`${name}: the port must be an integer from 1 to 65535, not "${text}"`);
}
