// Connector: connections to hosts, through their jump hosts, each failure with its class. bsd-sockets makes the TCP connection, ssh2
// speaks SSH over its stream. One deadline holds for all of it: also for a host that accepts and says nothing, or never ends its banner.
// Host keys are checked by known_hosts.ts, and unknown ones refused; what is tried to authenticate: keys.ts.

import { createHash } from 'node:crypto';
import type { Duplex } from 'node:stream';
import {
  ConnectionRefusedError,
  create_connection,
  gaierror,
  IPPROTO_TCP,
  TCP_NODELAY,
  TimeoutError,
} from 'bsd-sockets/promises';
import type { Client, ServerHostKeyAlgorithm } from 'ssh2';
import { FleetFailure, message_of } from '../failure.js';
import type { Host } from '../types.js';
import {
  CERTIFICATE_TYPES,
  expect_plain_signature,
  is_certificate,
  read_certificate,
  refusal_of,
  ssh2,
} from './host_certificates.js';
import { type Credentials, Keys } from './keys.js';
import { KnownHosts, type_of, type Verdict } from './known_hosts.js';

/** An SSH connection that is authenticated. */
export interface Connection {
  readonly host: Host;
  /** of ssh2: exec, sftp */
  readonly client: Client;
  /** Returns why it was lost; undefined: it was not. Known when the client emits 'end' or 'close'. */
  lost(): FleetFailure | undefined;
  /** Ends it and those to its jump hosts, at once. */
  close(): void;
}

/** One of the connections on the way to a host. */
interface Hop {
  readonly client: Client;
  lost(): FleetFailure | undefined;
  close(): void;
}

export interface ConnectorOptions {
  readonly credentials: Credentials;
  /** add the keys of hosts that are not known to their first known_hosts file */
  readonly accept_new?: boolean | undefined;
}

/** Bytes that may wait to be sent to a host. Windows of SSH keep what is meant to be sent far below that. */
const MOST_UNSENT = 32 << 20;

const HOST_KEYS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

/** Makes connections; it keeps the keys and known hosts that it has read. */
export class Connector {
  readonly #keys: Keys;
  readonly #accept_new: boolean;
  readonly #known = new Map<string, KnownHosts>();

  constructor({ credentials, accept_new = false }: ConnectorOptions) {
    this.#keys = new Keys(credentials);
    this.#accept_new = accept_new;
  }

  /**
   * Returns a connection.
   *
   * @param host with its jump hosts
   * @param timeout seconds for all of it
   * @param signal ends it
   * @throws FleetFailure unreachable, refused, host-key, authentication, timed-out, cut-off, protocol, stopped
   */
  async connect(host: Host, timeout: number, signal?: AbortSignal): Promise<Connection> {
    const deadline = performance.now() + timeout * 1000;
    const hops: Hop[] = [];
    const close = () => {
      for (const hop of hops.toReversed()) hop.close();
    };
    // A jump host that was lost is why the hosts behind it were.
    const lost = () => hops.map((hop) => hop.lost()).find((failure) => failure !== undefined);
    for (const next of [...host.jumps, host]) {
      const of_hop = (failure: FleetFailure) =>
        next === host
          ? failure
          : new FleetFailure(failure.failure, `jump host ${next.name}: ${failure.message}`);
      try {
        const wait = { timeout, deadline, signal, is_asking: () => this.#keys.is_asking };
        const before = hops.at(-1)?.client;
        const stream = before ? await forward(before, next, wait) : await dial(next, wait);
        const hop = await this.#handshake(stream, next, wait);
        const lost_hop = () => {
          const failure = hop.lost();
          return failure && of_hop(failure);
        };
        hops.push({ ...hop, lost: lost_hop });
      } catch (error) {
        const before = lost();
        close();
        throw before ?? (error instanceof FleetFailure ? of_hop(error) : error);
      }
    }
    const client = hops.at(-1)?.client;
    if (!client) throw new FleetFailure('unreachable', 'no host');
    return { host, client, lost, close };
  }

  async #handshake(stream: Duplex, host: Host, wait: Wait): Promise<Hop> {
    const client = new ssh2.Client();
    const tried: string[] = [];
    const methods = this.#keys.methods(host, tried);
    let refused: string | undefined;
    const name = host.host_key_alias ?? host.address;
    const port = host.host_key_alias === undefined ? host.port : 22;
    const known = this.#known_hosts(host);
    const certificates = known.authorities(name, port).length > 0 ? CERTIFICATE_TYPES : [];
    const { interval, count } = host.server_alive ?? { interval: 0, count: 0 };
    let lost: FleetFailure | undefined;
    const ready = new Promise<void>((resolve, reject) => {
      const lose = (failure: FleetFailure) => {
        // The first one says why. After the connection is ready, who uses it hears of its end by its events.
        lost ??= failure;
        reject(lost);
      };
      const on_end = () => lose(new FleetFailure('cut-off', 'the host closed the connection'));
      client.on('error', (error) => lose(classify(error, refused, host, tried, interval * count)));
      // 'close' does not come if the host takes nothing of what is still to be sent.
      client.on('end', on_end).on('close', on_end);
      client.on('ready', resolve);
    });
    // ssh2 answers whatever is asked, and keeps the answers that the host does not take.
    const guard = setInterval(() => {
      if (stream.writableLength <= MOST_UNSENT) return;
      client.emit('error', new Error('the host asks without an end, and takes no answer'));
      close();
    }, 1000);
    // ssh2 leaves a stream open whose other side has ended.
    const close = () => {
      clearInterval(guard);
      client.destroy();
      stream.destroy();
    };
    client.connect({
      sock: stream,
      username: host.user,
      readyTimeout: 0,
      keepaliveInterval: interval * 1000,
      keepaliveCountMax: count,
      algorithms: { serverHostKey: [...certificates, ...preferred(known.types(name, port))] },
      hostVerifier: (key: Buffer) => {
        const type = type_of(key);
        if (is_certificate(type)) expect_plain_signature(client, type);
        refused = this.#refusal_of_shown(key, known, host, name, port);
        return refused === undefined;
      },
      authHandler: (left, _partial, next) => {
        next_method(methods, left).then(
          // `false` says that there is no more; the types of ssh2 do not know it.
          (method) => next(method ?? (false as never)),
          () => next(false as never),
        );
      },
    });
    try {
      await within(ready, wait, `no SSH session within ${wait.timeout} s`, 'timed-out');
      return { client, lost: () => lost, close };
    } catch (error) {
      close();
      throw error;
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
        KnownHosts.append(file, name, port, key);
        this.#known.clear();
        return undefined;
      }
    }
  }

  #known_hosts(host: Host): KnownHosts {
    const key = host.known_hosts_files.join('\0');
    const known = this.#known.get(key) ?? KnownHosts.load(host.known_hosts_files);
    this.#known.set(key, known);
    return known;
  }
}

interface Wait {
  readonly timeout: number;
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  /** whether a person is being asked for a secret */
  readonly is_asking: () => boolean;
}

async function dial(host: Host, { timeout, deadline, signal }: Wait): Promise<Duplex> {
  if (signal?.aborted) throw stopped();
  const left = Math.max(0.001, (deadline - performance.now()) / 1000);
  try {
    const options = signal ? { timeout: left, signal } : { timeout: left };
    const sock = await create_connection([host.address, host.port], options);
    sock.settimeout(null);
    // As ssh does once it has a session: requests of SFTP are small, and each waits for its answer.
    sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
    return sock.to_stream();
  } catch (error) {
    if (signal?.aborted) throw stopped();
    const at = `${host.address} port ${host.port}`;
    if (error instanceof ConnectionRefusedError)
      throw new FleetFailure('refused', `${at}: nobody listens there`);
    if (error instanceof TimeoutError)
      throw new FleetFailure('unreachable', `${at}: no answer within ${timeout} s`);
    if (error instanceof gaierror)
      throw new FleetFailure('unreachable', `the name ${host.address} is unknown: ${error.message}`);
    throw new FleetFailure('unreachable', `${at}: ${message_of(error)}`);
  }
}

/** Opens a stream to the next host from the one before it. */
function forward(client: Client, host: Host, wait: Wait): Promise<Duplex> {
  const opened = new Promise<Duplex>((resolve, reject) => {
    const on_lost = () => reject(new FleetFailure('cut-off', 'the jump host closed the connection'));
    client.once('end', on_lost).once('close', on_lost);
    try {
      client.forwardOut('127.0.0.1', 0, host.address, host.port, (error, channel) => {
        if (!error) return resolve(channel);
        const refused = /refused/i.test(error.message);
        reject(new FleetFailure(refused ? 'refused' : 'unreachable', `from the jump host: ${error.message}`));
      });
    } catch {
      // ssh2 throws where there is no connection any more.
      on_lost();
    }
  });
  return within(opened, wait, `no answer by way of the jump host within ${wait.timeout} s`, 'unreachable');
}

/** Waits for a promise until the deadline, or until the signal. */
async function within<T>(
  promise: Promise<T>,
  wait: Wait,
  reason: string,
  failure: 'timed-out' | 'unreachable',
): Promise<T> {
  const { promise: ended, reject } = promise_with_reject();
  const expire = () => {
    // Who types slowly should not find the hosts gone: as much time again, until the answer is there.
    if (wait.is_asking()) timer = setTimeout(expire, wait.timeout * 1000);
    else reject(new FleetFailure(failure, reason));
  };
  let timer = setTimeout(expire, Math.max(0, wait.deadline - performance.now()));
  const on_abort = () => reject(stopped());
  if (wait.signal?.aborted) on_abort();
  wait.signal?.addEventListener('abort', on_abort);
  try {
    return await Promise.race([promise, ended]);
  } finally {
    clearTimeout(timer);
    wait.signal?.removeEventListener('abort', on_abort);
  }
}

function promise_with_reject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, fail) => {
    reject = fail;
  });
  // It may be rejected when nobody waits for it any more.
  promise.catch(() => {});
  return { promise, reject };
}

const stopped = () => new FleetFailure('stopped', 'stopped while connecting');

async function next_method(methods: ReturnType<Keys['methods']>, left: readonly string[] | null) {
  for (;;) {
    const { value, done } = await methods.next();
    if (done || !value) return undefined;
    const name = value.type === 'agent' ? 'publickey' : value.type;
    if (left === null || left.includes(name)) return value;
  }
}

/** @param silent seconds after which a host that answers nothing counts as gone */
function classify(
  error: Error & { level?: string; code?: unknown },
  refused: string | undefined,
  host: Host,
  tried: readonly string[],
  silent: number,
): FleetFailure {
  if (refused !== undefined) return new FleetFailure('host-key', refused);
  const { message } = error;
  switch (error.level) {
    case 'client-authentication': {
      const what = tried.length === 0 ? 'there was nothing to try' : `tried ${tried.join(', ')}`;
      return new FleetFailure('authentication', `${host.user} was not let in; ${what}`);
    }
    case 'client-socket':
      return new FleetFailure('cut-off', `the connection broke: ${message}`);
    case 'client-timeout':
      return new FleetFailure('timed-out', `the host has answered nothing for ${silent} s`);
  }
  // A number: the host has said why it ends the connection (RFC 4253, section 11.1).
  if (typeof error.code === 'number') {
    const failure = /authentication fail/i.test(message) ? 'authentication' : 'cut-off';
    return new FleetFailure(failure, `the host ended the connection: ${message}`);
  }
  if (message.startsWith('Connection lost')) {
    return new FleetFailure('cut-off', 'the host closed the connection');
  }
  return new FleetFailure('protocol', `no SSH that fleet understands: ${message}`);
}

/** Types that are known come first: a host that has others too is asked for the key that can be compared. */
function preferred(known: readonly string[]): ServerHostKeyAlgorithm[] {
  const is_known = (algorithm: string) =>
    known.includes(algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm);
  return [...HOST_KEYS.filter(is_known), ...HOST_KEYS.filter((algorithm) => !is_known(algorithm))];
}
