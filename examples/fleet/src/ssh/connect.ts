// Connector: connections to hosts, through their jump hosts, each failure with its class. bsd-sockets makes the TCP connection, ssh2
// speaks SSH over its stream. One deadline holds for all of it: also for a host that accepts and says nothing, or never ends its banner.
// Host keys are checked by known_hosts.ts, and unknown ones refused; what is tried to authenticate: keys.ts.

import { createHash } from 'node:crypto';
import type { Client, ServerHostKeyAlgorithm } from 'ssh2';
import { FleetFailure, message_of } from '../failure.js';
import type { Host, Keepalive } from '../types.js';
import { read_certificate, refusal_of } from './certificates.js';
import { dial, forward } from './dial.js';
import { KnownHosts, type Verdict } from './known_hosts.js';
import { Link } from './link.js';
import { Attempt } from './login/attempt.js';
import { type Credentials, Keys } from './login/keys.js';
import type { Line } from './proxy.js';
import { CERTIFICATE_ALGORITHMS, is_certificate, NextKey, ssh2 } from './ssh2.js';
import { Wait } from './wait.js';
import { type_of } from './wire.js';

/** An SSH connection that is authenticated. */
export interface Connection {
  readonly host: Host;
  /** of ssh2: exec, sftp */
  readonly client: Client;
  /** Returns why it was lost; undefined: it was not. */
  lost(): FleetFailure | undefined;
  /** resolved with that when it was lost */
  readonly gone: Promise<FleetFailure>;
  /** Ends it and those to its jump hosts, at once. */
  close(): void;
}

export interface ConnectorOptions {
  readonly credentials: Credentials;
  /** add the keys of hosts that are not known to their first known_hosts file */
  readonly accept_new?: boolean | undefined;
}

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** Seconds to connect, if nothing else is said. */
const DEFAULT_TIMEOUT = 10;
/** A host that vanishes ends its connection in two minutes. */
export const DEFAULT_KEEPALIVE: Keepalive = { interval: 30, count: 3 };

/** Makes connections; it keeps the keys and known hosts that it has read. */
export class Connector {
  readonly #keys: Keys;
  readonly #accept_new: boolean;
  readonly #known = new Map<string, KnownHosts>();

  constructor({ credentials, accept_new = false }: ConnectorOptions) {
    this.#keys = new Keys(credentials);
    this.#accept_new = accept_new;
  }

  /** Returns the password that sudo asks for; undefined: there is none. It is asked for once for all hosts. */
  sudo_password(): Promise<string | undefined> {
    return this.#keys.password('sudo_password');
  }

  /**
   * Returns a connection.
   *
   * @param host with its jump hosts
   * @param timeout seconds for all of it, without those in which a person is asked; undefined: the host's, else 10
   * @param signal ends it
   * @throws FleetFailure unreachable, refused, host-key, authentication, timed-out, cut-off, protocol, stopped
   */
  async connect(host: Host, timeout: number | undefined, signal?: AbortSignal): Promise<Connection> {
    const seconds = timeout ?? host.connect_timeout ?? DEFAULT_TIMEOUT;
    const wait = new Wait(seconds, signal, this.#keys.questions);
    const hops: { readonly client: Client; readonly link: Link; readonly host: Host }[] = [];
    const close = () => {
      for (const { link } of hops.toReversed()) link.close();
    };
    const of_hop = (failure: FleetFailure, hop: Host) =>
      hop === host ? failure : new FleetFailure(failure.failure, `jump host ${hop.name}: ${failure.message}`);
    // A jump host that was lost is why the hosts behind it were.
    const lost = () => {
      const hop = hops.find(({ link }) => link.lost() !== undefined);
      const failure = hop?.link.lost();
      return hop && failure && of_hop(failure, hop.host);
    };
    for (const hop of [...host.jumps, host]) {
      try {
        const known = this.#known_hosts(hop);
        const before = hops.at(-1)?.client;
        const line = before ? await forward(before, hop, wait) : await dial(hop, wait);
        hops.push({ ...(await this.#handshake(line, hop, known, wait)), host: hop });
      } catch (error) {
        const cause = lost();
        close();
        throw cause ?? (error instanceof FleetFailure ? of_hop(error, hop) : error);
      }
    }
    const client = hops.at(-1)?.client;
    if (!client) throw new FleetFailure('unreachable', 'no host');
    const gone = Promise.race(
      hops.map(async ({ link, host: hop }) => lost() ?? of_hop(await link.gone, hop)),
    );
    return { host, client, lost, gone, close };
  }

  async #handshake(
    { stream, explain }: Line,
    host: Host,
    known: KnownHosts,
    wait: Wait,
  ): Promise<{ client: Client; link: Link }> {
    const client = new ssh2.Client();
    const over = new AbortController();
    const attempt = new Attempt(over.signal);
    const next_method = this.#keys.methods(host, attempt);
    let refused: string | undefined;
    const name = host.host_key_alias ?? host.address;
    const port = host.host_key_alias === undefined ? host.port : 22;
    const certificates = known.authorities(name, port).length > 0 ? CERTIFICATE_ALGORITHMS : [];
    const { interval, count } = host.keepalive ?? DEFAULT_KEEPALIVE;
    const link = new Link(client, stream, (error, is_ready) =>
      error instanceof NextKey
        ? undefined
        : is_ready
          ? failure_of_session(error, interval * (count + 1))
          : classify(error, refused, host, attempt),
    );
    client.connect({
      sock: stream,
      username: host.user,
      readyTimeout: 0,
      keepaliveInterval: interval * 1000,
      keepaliveCountMax: count,
      algorithms: { serverHostKey: [...certificates, ...preferred(known.types(name, port))] },
      hostVerifier: (key: Buffer) => {
        refused = this.#refusal_of_shown(key, known, host, name, port);
        return refused === undefined;
      },
      authHandler: (left, _partial, next) => {
        attempt.begin(left);
        next_method().then(
          // `false` says that there is no more; the types of ssh2 do not know it.
          (method) => next(method ?? (false as never)),
          () => next(false as never),
        );
      },
    });
    // ssh2 has paused the stream until it can begin.
    link.watch();
    try {
      const reason = () => `no SSH session within ${wait.timeout} s${attempt.waiting}`;
      await wait.until(link.ready, reason, 'timed-out');
      return { client, link };
    } catch (error) {
      const failure = error instanceof FleetFailure ? await explain(error) : error;
      link.close();
      throw failure;
    } finally {
      over.abort();
    }
  }

  /** Returns why what a host has shown is refused. A certificate of nobody known counts as its plain key, as in ssh. */
  #refusal_of_shown(
    shown: Buffer,
    known: KnownHosts,
    host: Host,
    name: string,
    port: number,
  ): string | undefined {
    if (!is_certificate(type_of(shown)))
      return this.#refusal(known.check(name, port, shown), host, name, port, shown);
    let certificate: ReturnType<typeof read_certificate>;
    let refusal: string | undefined;
    try {
      certificate = read_certificate(shown);
      refusal = refusal_of(certificate, known, name, port, Math.floor(Date.now() / 1000));
    } catch (error) {
      return `the host certificate cannot be read: ${message_of(error)}`;
    }
    const verdict = known.check(name, port, certificate.key);
    if (verdict.kind === 'revoked' || refusal === 'authority') {
      return this.#refusal(verdict, host, name, port, certificate.key);
    }
    return refusal;
  }

  /** Returns why a key is refused; undefined: it is not. */
  #refusal(verdict: Verdict, host: Host, name: string, port: number, key: Buffer): string | undefined {
    const shown = `${type_of(key)} SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
    switch (verdict.kind) {
      case 'known':
        return undefined;
      case 'revoked':
        return `the host key ${shown} is revoked by ${verdict.place}`;
      case 'changed':
        return `the host key is ${shown}, not the one of ${verdict.place}`;
      case 'unknown': {
        const [file] = host.known_hosts_files;
        if (!this.#accept_new || file === undefined) return `the host key ${shown} of ${name} is unknown`;
        try {
          KnownHosts.append(file, name, port, key, host.hash_known_hosts);
        } catch (error) {
          return `the host key ${shown} of ${name} cannot be added: ${message_of(error)}`;
        }
        this.#known.clear();
        return undefined;
      }
    }
  }

  /** @throws FleetFailure if the files cannot be read: without them nobody is known */
  #known_hosts({ known_hosts_files, revoked_keys_file }: Host): KnownHosts {
    const key = [...known_hosts_files, '', revoked_keys_file].join('\0');
    try {
      const known = this.#known.get(key) ?? KnownHosts.load(known_hosts_files, revoked_keys_file);
      this.#known.set(key, known);
      return known;
    } catch (error) {
      throw new FleetFailure('host-key', `the keys of hosts cannot be read: ${message_of(error)}`);
    }
  }
}

function classify(
  error: Error & { readonly level?: string; readonly code?: unknown },
  refused: string | undefined,
  { user }: Host,
  attempt: Attempt,
): FleetFailure {
  if (refused !== undefined) return new FleetFailure('host-key', refused);
  if (error.level === 'client-authentication')
    return new FleetFailure('authentication', attempt.reason(user));
  if (/signature verification failed$/.test(error.message))
    return new FleetFailure('host-key', 'the host has not the private half of the key that it shows');
  if (error.level === 'client-socket')
    return new FleetFailure('cut-off', `the connection broke: ${error.message}`);
  if (error.message.startsWith('Connection lost')) {
    return new FleetFailure('cut-off', 'the host closed the connection before it was ready');
  }
  // A message of the server that it disconnects: its reason is a number. Most servers do so after too many failures.
  if (attempt.has_begun && typeof error.code === 'number' && error.level === undefined)
    return new FleetFailure('authentication', attempt.reason(user, error.message));
  return new FleetFailure('protocol', `no SSH that fleet understands: ${error.message}`);
}

/** @param silent seconds in which a host that counts as gone has answered nothing */
function failure_of_session(
  error: Error & { readonly level?: string; readonly code?: unknown },
  silent: number,
): FleetFailure {
  if (error.level === 'client-timeout')
    return new FleetFailure('timed-out', `the host has answered nothing for ${silent} s`);
  if (error.level === 'client-socket')
    return new FleetFailure('cut-off', `the connection broke: ${error.message}`);
  // A message of the server that it disconnects: its reason is a number (RFC 4253, section 11.1).
  if (error.level === undefined && typeof error.code === 'number')
    return new FleetFailure('cut-off', `the host ended the connection: ${error.message}`);
  return new FleetFailure('protocol', `no SSH that fleet understands: ${error.message}`);
}

/** Types that are known come first: a host that has others too is asked for the key that can be compared. */
function preferred(known: readonly string[]): ServerHostKeyAlgorithm[] {
  const is_known = (algorithm: string) =>
    known.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
  return [...HOST_KEYS.filter(is_known), ...HOST_KEYS.filter((algorithm) => !is_known(algorithm))];
}
