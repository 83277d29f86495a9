// The state of one connection to a server: what it can do, which type and mode it is in, and the start of it, up to the log-in.
import { features_of, type Reply } from '../protocol/reply_parser.js';
import { Control } from './control.js';
import type { Refused } from './data.js';
import { FTPError, refusal } from './errors.js';
import type { Link } from './link.js';
import { command_path } from './names.js';
import type { Settings } from './options.js';
import { TLSClient } from './tls.js';
import { type TransferRequest, transfer } from './transfer.js';

export interface Credentials {
  /** Default: 'anonymous' */
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly account?: string | undefined;
}

export class Session {
  readonly control: Control;
  readonly settings: Settings;
  readonly greeting: Reply;
  /** of the control connection: protocol and cipher */
  readonly tls_description: string | undefined;
  readonly #tls: TLSClient | undefined;
  readonly #refused: Refused = { epsv: false, eprt: false };
  features: ReadonlyMap<string, string> = new Map();
  #type = 'A';
  #is_mode_z = false;

  private constructor(
    control: Control,
    settings: Settings,
    greeting: Reply,
    tls?: TLSClient,
    description?: string,
  ) {
    this.control = control;
    this.settings = settings;
    this.greeting = greeting;
    this.#tls = tls;
    this.tls_description = description;
  }

  /** Connects, with TLS if the settings say so. @throws (rejects) FTPError; the signal's reason */
  static async open(settings: Settings, signal: AbortSignal | undefined): Promise<Session> {
    const waits = { timeout: settings.connect_timeout, signal };
    const control = await Control.open(settings.host, settings.port, settings, waits);
    try {
      const tls = settings.tls === false ? undefined : new TLSClient(settings.host, settings.tls_options);
      let description: string | undefined;
      if (tls !== undefined && settings.tls === 'implicit') description = await control.start_tls(tls, waits);
      let greeting = await control.reply({ signal }, 'the connection');
      // 120: ready in some minutes.
      if (greeting.code === 120) greeting = await control.reply({ signal }, 'the connection');
      if (greeting.code !== 220) throw refusal('the connection', greeting, 'connect');
      if (tls !== undefined && settings.tls === 'explicit') {
        const reply = await control.command('AUTH TLS', { signal });
        if (reply.code !== 234) throw refusal('AUTH TLS', reply, 'tls');
        description = await control.start_tls(tls, waits);
      }
      const session = new Session(
        control,
        settings,
        greeting,
        settings.protect ? tls : undefined,
        description,
      );
      if (tls !== undefined) await session.#protect(signal);
      return session;
    } catch (error) {
      control.close();
      throw error;
    }
  }

  async #protect(signal: AbortSignal | undefined): Promise<void> {
    const size = await this.control.command('PBSZ 0', { signal });
    const level = this.settings.protect ? 'P' : 'C';
    const reply = await this.control.command(`PROT ${level}`, { signal });
    // Data that should be encrypted must never go in the clear.
    if (reply.code >= 300 && level === 'P')
      throw refusal('PROT P', size.code >= 300 && reply.code === 503 ? size : reply, 'tls');
  }

  /** @throws (rejects) FTPError 'login' */
  async log_in(
    { user = 'anonymous', password, account }: Credentials,
    signal: AbortSignal | undefined,
  ): Promise<Reply> {
    const secret = password ?? (user === 'anonymous' ? 'anonymous@' : '');
    let reply = await this.control.command(`USER ${command_path(user, 'user')}`, { signal });
    if (reply.code === 331) {
      if (secret !== '') command_path(secret, 'password');
      reply = await this.control.command(`PASS ${secret}`, { signal }, 'PASS ***');
    }
    if (reply.code === 332) {
      if (account === undefined) throw refusal('log-in without an account', reply, 'login');
      reply = await this.control.command(`ACCT ${command_path(account, 'account')}`, { signal }, 'ACCT ***');
    }
    if (reply.code !== 230 && reply.code !== 232 && reply.code !== 202)
      throw refusal(`log-in as ${user}`, reply, reply.code === 421 ? 'connect' : 'login');
    await this.#look_around(signal);
    return reply;
  }

  async #look_around(signal: AbortSignal | undefined): Promise<void> {
    const reply = await this.control.command('FEAT', { signal });
    this.features = reply.code === 211 ? features_of(reply) : new Map();
    this.#type = 'A';
    this.#is_mode_z = false;
    // Its answer does not matter: servers with the feature have it on, most of them.
    if (this.features.has('UTF8') && this.settings.encoding === 'utf8')
      await this.control.command('OPTS UTF8 ON', { signal });
    if (this.settings.compress && this.has('MODE', 'Z')) {
      const mode = await this.control.command('MODE Z', { signal });
      this.#is_mode_z = mode.code < 300;
    }
  }

  /** Whether the server has a feature, and one with this parameter. */
  has(feature: string, parameter?: string): boolean {
    const parameters = this.features.get(feature);
    if (parameters === undefined) return false;
    return (
      parameter === undefined ||
      parameters
        .toUpperCase()
        .split(/[\s;,*]+/)
        .includes(parameter)
    );
  }

  get is_mode_z(): boolean {
    return this.#is_mode_z;
  }

  /** Sends a command and returns its answer. @throws (rejects) FTPError if it is no success */
  async ask(command: string, signal: AbortSignal | undefined, timeout?: number): Promise<Reply> {
    const reply = await this.control.command(command, {
      signal,
      ...(timeout === undefined ? {} : { timeout }),
    });
    if (reply.code >= 400) throw refusal(command, reply);
    return reply;
  }

  /** Sets the type of the data that follow. */
  async set_type(type: 'A' | 'I', signal: AbortSignal | undefined): Promise<void> {
    if (this.#type === type) return;
    const reply = await this.control.command(`TYPE ${type}`, { signal });
    if (reply.code >= 300) throw refusal(`TYPE ${type}`, reply);
    this.#type = type;
  }

  transfer<T>(
    request: Omit<TransferRequest, 'tls'>,
    body: (link: Link, signal: AbortSignal) => Promise<T>,
  ): Promise<{ value: T; reply: Reply }> {
    return transfer(this.control, this.settings, this.#refused, { ...request, tls: this.#tls }, body);
  }

  /** Ends the session with QUIT; the connection is closed in any case. */
  async quit(): Promise<void> {
    try {
      await this.control.command('QUIT', { timeout: Math.min(5, this.settings.timeout) });
    } catch (error) {
      if (!(error instanceof FTPError)) throw error;
    } finally {
      this.control.close();
    }
  }
}
