// The configuration file: its keys, their meaning and what stands for those that are left out (README.md has the table). Plain JSON, so
// that every tool can write it. Paths in it are relative to the file.
import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { dirname, resolve } from 'node:path';
import {
  boolean,
  type Check,
  type Checked,
  ConfigError,
  integer,
  list,
  nullable,
  object,
  one_of,
  or,
  range,
  seconds,
  section,
  text,
} from './check.js';

const port = integer(0, 65_535);

const ipv4: Check<string> = (value, key) => {
  if (typeof value === 'string' && isIPv4(value)) return value;
  throw new ConfigError(`${key} must be an IPv4 address, not ${JSON.stringify(value)}`);
};

const listener = object({
  host: or((value, key) => (value === '' ? '' : text('an address, or "" for all of IPv4')(value, key)), ''),
  port,
  /** implicit: TLS from the first byte; explicit: by AUTH TLS; none: AUTH is refused */
  tls: or(one_of('none', 'explicit', 'implicit'), 'none'),
  /** the name of a socket of systemd (FileDescriptorName=), which is taken in place of host and port */
  systemd: or(nullable(text('the name of a socket')), null),
});

const file = object({
  listen: list(listener, 1),
  kind: or(one_of('loop', 'threads', 'processes'), 'loop'),
  workers: or(integer(1, 256), 2),
  users: text('the path of the file of users'),
  welcome: or(text('the text of the greeting'), 'FTP server ready.'),
  tls: or(
    nullable(
      object({
        key: text('the path of a private key (PEM)'),
        cert: text('the path of a certificate (PEM)'),
        ca: or(nullable(text('the path of certificates of authorities (PEM)')), null),
        client_certificates: or(one_of('none', 'allow', 'require'), 'none'),
        required: or(one_of('no', 'login', 'data'), 'no'),
        require_session_reuse: or(boolean, true),
        min_version: or(one_of('TLSv1.2', 'TLSv1.3'), 'TLSv1.2'),
        max_version: or(one_of('TLSv1.2', 'TLSv1.3'), 'TLSv1.3'),
        ciphers: or(nullable(text('ciphers as of openssl-ciphers(1)')), null),
      }),
    ),
    null,
  ),
  passive: section({
    ports: or(nullable(range(1, 65_535)), null),
    address: or(nullable(ipv4), null),
  }),
  active: section({
    enabled: or(boolean, true),
    port: or(nullable(integer(1, 65_535)), null),
  }),
  timeouts: section({
    idle: or(seconds(0.01), 300),
    login: or(seconds(0.01), 60),
    session: or(nullable(seconds(0.01)), null),
    data_connect: or(seconds(0.01), 30),
    stall: or(seconds(0.01), 60),
    handshake: or(seconds(0.01), 30),
    drain: or(seconds(0), 600),
    drain_idle: or(seconds(0), 3),
  }),
  limits: section({
    line: or(integer(64, 65_536, 'bytes'), 4096),
    commands_ahead: or(integer(1, 1000), 32),
    max_connections: or(integer(1, 1_000_000), 1000),
    max_connections_per_address: or(integer(1, 1_000_000), 100),
    failed_logins: or(integer(1, 1000), 3),
    min_rate: or(integer(0, 1e9, 'bytes a second'), 0),
  }),
  bans: section({
    failures: or(integer(1, 1_000_000), 10),
    forget: or(seconds(1), 600),
    ban: or(seconds(0), 600),
    max_ban: or(seconds(0), 86_400),
    delay: or(seconds(0), 1),
    max_delay: or(seconds(0), 16),
  }),
  uploads: section({ keep_partial: or(boolean, true) }),
  proxy_protocol: or(
    nullable(
      object({
        trusted: list(text('an address or a network'), 1),
        others: or(one_of('refuse', 'serve'), 'refuse'),
        timeout: or(seconds(0.01), 3),
      }),
    ),
    null,
  ),
  audit: or(nullable(text('the path of a file')), null),
  control: or(nullable(text('the path of an AF_UNIX socket')), null),
  handover: or(nullable(text('the path of an AF_UNIX socket')), null),
  state: or(nullable(text('the path of a file')), null),
  sd_notify: or(boolean, true),
});

/** A configuration, complete, with absolute paths. */
export type Config = Checked<typeof file>;
export type ListenConfig = Config['listen'][number];

/**
 * Returns the configuration of a value.
 *
 * @param value what the JSON says
 * @param folder what paths in it are relative to
 * @throws ConfigError
 */
export function check_config(value: unknown, folder: string): Config {
  const config = file(value, '');
  const absolute = (path: string) => resolve(folder, path);
  const maybe = (path: string | null) => (path === null ? null : absolute(path));
  config.listen.forEach(({ tls }, i) => {
    if (tls !== 'none' && config.tls === null)
      throw new ConfigError(
        `tls is missing: listen[${i}].tls is "${tls}", so a key and a certificate are needed`,
      );
  });
  const { tls } = config;
  if (tls !== null) {
    if (tls.client_certificates !== 'none' && tls.ca === null)
      throw new ConfigError('tls.ca is missing: it verifies the certificates of clients');
    if (tls.min_version > tls.max_version)
      throw new ConfigError('tls.min_version must not be above tls.max_version');
    Object.assign(tls, { key: absolute(tls.key), cert: absolute(tls.cert), ca: maybe(tls.ca) });
    if (tls.required !== 'no')
      config.listen.forEach((one, i) => {
        if (one.tls === 'none')
          throw new ConfigError(
            `listen[${i}].tls must be "explicit" or "implicit": tls.required is "${tls.required}"`,
          );
      });
  }
  return {
    ...config,
    users: absolute(config.users),
    audit: maybe(config.audit),
    control: maybe(config.control),
    handover: maybe(config.handover),
    state: maybe(config.state),
  };
}

/** Reads a configuration file. @throws ConfigError, which names the file */
export function read_config(path: string): Config {
  try {
    const value: unknown = JSON.parse(readFileSync(path, 'utf8'));
    return check_config(value, dirname(resolve(path)));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new ConfigError(`${path}: ${error.message}`, { cause: error });
  }
}
