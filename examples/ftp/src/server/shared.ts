// What all sessions of one event loop share: the configuration, users, the registry, certificates, ports.
import { readFileSync } from 'node:fs';
import { type SSLOptions, SSLServerContext } from 'bsd-sockets/promises';
import type { Config, ListenConfig } from '../config/config.js';
import type { Registry } from '../guard/types.js';
import type { UserDatabase } from '../store/types.js';
import { PassivePorts } from './data/ports.js';

/** A session, as those see it who end it. */
export interface EndableSession {
  /** Ends it as soon as no transfer runs. */
  drain(): void;
  /** Closes its connections at once. */
  destroy(): void;
}

/** The settings of TLS with the files read; undefined without TLS. @throws Error of node:fs, or OpenSSL's for what the files hold */
export function tls_options(config: Config): SSLOptions | undefined {
  const { tls } = config;
  if (tls === null) return undefined;
  const options: SSLOptions = {
    key: readFileSync(tls.key),
    cert: readFileSync(tls.cert),
    minVersion: tls.min_version,
    maxVersion: tls.max_version,
    ...(tls.ciphers === null ? {} : { ciphers: tls.ciphers }),
    ...(tls.ca === null ? {} : { ca: readFileSync(tls.ca) }),
    requestCert: tls.client_certificates !== 'none',
    rejectUnauthorized: tls.client_certificates === 'require',
  };
  // Wrong files are told here, and not by each client's handshake.
  new SSLServerContext(options);
  return options;
}

export class Shared {
  readonly #sessions = new Set<EndableSession>();
  readonly users: UserDatabase;
  readonly registry: Registry;
  #config: Config;
  #tls: SSLOptions | undefined;
  #ports: PassivePorts;
  #state: 'serving' | 'draining' | 'destroyed' = 'serving';

  /** @throws as tls_options */
  constructor(config: Config, users: UserDatabase, registry: Registry) {
    this.users = users;
    this.registry = registry;
    this.#config = config;
    this.#tls = tls_options(config);
    this.#ports = new PassivePorts(config.passive.ports);
  }

  get config(): Config {
    return this.#config;
  }

  get tls(): SSLOptions | undefined {
    return this.#tls;
  }

  get ports(): PassivePorts {
    return this.#ports;
  }

  /** A session begins; one that comes late is ended as the others were. */
  join(session: EndableSession): void {
    this.#sessions.add(session);
    if (this.#state === 'draining') session.drain();
    else if (this.#state === 'destroyed') session.destroy();
  }

  leave(session: EndableSession): void {
    this.#sessions.delete(session);
  }

  /** Takes another configuration for what begins from now on; if it is wrong, nothing changes. @throws as tls_options */
  reload(config: Config): void {
    this.#tls = tls_options(config);
    this.#config = config;
    this.#ports = new PassivePorts(config.passive.ports);
  }

  /** Tells of an error that is none of a client's. */
  report(error: unknown): void {
    console.error(error);
  }

  /** Ends all sessions soon: each when its transfer is done, or nothing comes. */
  drain(): void {
    this.#state = 'draining';
    for (const session of this.#sessions) session.drain();
  }

  /** Ends all sessions at once. */
  destroy(): void {
    this.#state = 'destroyed';
    for (const session of this.#sessions) session.destroy();
  }
}

/** What a session knows of how its client came. */
export interface Arrival {
  readonly listen: ListenConfig;
  /** the client's address: behind a proxy what the proxy says */
  readonly address: string;
  readonly port: number;
  /** the address of the connection itself: the proxy's, or the client's */
  readonly peer: string;
  /** the address that the client has connected to, if a proxy says so */
  readonly destination: string | undefined;
}
