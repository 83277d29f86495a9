// A session: what a client has said so far, and what its commands need. The commands are in commands/, the loop that reads them in
// dispatcher.ts.
import { type ConnectedSocket, SSLServerContext } from 'bsd-sockets/promises';
import type { Config } from '../config/config.js';
import type { AuditRecord, Registry, Throttle } from '../guard/types.js';
import { FACTS, type Fact } from '../protocol/facts.js';
import { resolve_path } from '../protocol/paths.js';
import { type Reply, refuse } from '../protocol/replies.js';
import type { FileSystem, HashName, Permission, User } from '../store/types.js';
import { Control } from './control.js';
import type { DataChannel, Protection } from './data/channel.js';
import type { Arrival, Shared } from './shared.js';
import type { Transfer } from './transfer/meter.js';

/** What REIN begins anew. */
interface Parameters {
  type: 'A' | 'I';
  mode: 'S' | 'Z';
  level: number;
  hash: HashName;
  facts: ReadonlySet<Fact>;
  /** where the next transfer begins, bytes */
  restart: number;
  /** the bytes of the next transfer or hash; `end` is behind the last */
  range: { start: number; end: number } | undefined;
  /** the size of the next upload, bytes, if ALLO has told it */
  announced: number | undefined;
  rename_from: string | undefined;
  epsv_all: boolean;
}

const DEFAULT_FACTS: ReadonlySet<Fact> = new Set(FACTS.slice(0, 6));

const initial = (): Parameters => ({
  type: 'A',
  mode: 'S',
  level: 6,
  hash: 'SHA-256',
  facts: DEFAULT_FACTS,
  restart: 0,
  range: undefined,
  announced: undefined,
  rename_from: undefined,
  epsv_all: false,
});

const ENDED = new Error('The session has ended.');

export class Session {
  readonly shared: Shared;
  readonly arrival: Arrival;
  readonly control: Control;
  readonly config: Config;
  readonly registry: Registry;
  /** the registry's name of it; '' before it has entered */
  id = '';
  /** what USER said */
  name: string | undefined;
  user: User | undefined;
  #files: FileSystem | undefined;
  directory = '/';
  parameters = initial();
  /** whether data connections are over TLS */
  protection: 'C' | 'P' = 'C';
  has_pbsz = false;
  channel: DataChannel | undefined;
  /** the transfer that runs */
  transfer: Transfer | undefined;
  /** transfers of commands before this one are aborted */
  abort_before = 0;
  failed_logins = 0;
  client_name: string | undefined;
  /** set when the reply of the command that runs tells the client that the session ends */
  ending: 'told' | 'quit' | undefined;
  is_destroyed = false;
  /** transfers that have ended */
  transfers = 0;
  /** those that had ended when the server began to end its sessions */
  #drained_at: number | undefined;
  #context: SSLServerContext | undefined;
  #end: AbortController | undefined;
  #is_lost = false;
  #bound: string | undefined;
  #is_telling = false;

  constructor(shared: Shared, arrival: Arrival, sock: ConnectedSocket) {
    this.shared = shared;
    this.arrival = arrival;
    // A session keeps the configuration that it began with.
    this.config = shared.config;
    this.registry = shared.registry;
    const { limits, timeouts } = this.config;
    this.control = new Control(sock, {
      line_limit: limits.line,
      ahead: limits.commands_ahead,
      stall: timeouts.stall,
    });
  }

  /** Our address on this machine. @throws OSError if the connection is closed */
  get bound(): string {
    this.#bound ??= this.control.address;
    return this.#bound;
  }

  /** Aborts when the session ends, or nobody is there any more to hear what its command finds. */
  get signal(): AbortSignal {
    this.#end ??= new AbortController();
    if (this.#is_lost) this.#end.abort(ENDED);
    return this.#end.signal;
  }

  /** Files of the user. @throws ReplyError 530 before the log-in */
  get files(): FileSystem {
    return this.#files ?? refuse(530, 'Log in with USER and PASS first.');
  }

  /**
   * The certificates of this session alone: its tickets are encrypted by a key of its own. A data connection that resumes a session has
   * therefore resumed one of this control connection, and of no other.
   */
  get context(): SSLServerContext | undefined {
    const { tls } = this.shared;
    if (tls !== undefined) this.#context ??= new SSLServerContext(tls);
    return this.#context;
  }

  /** How the next data connection is protected; undefined if it is not. */
  data_protection(): Protection | undefined {
    if (this.protection === 'C' || this.context === undefined) return undefined;
    return {
      context: this.context,
      timeout: this.config.timeouts.handshake,
      reuse: this.config.tls?.require_session_reuse ?? true,
    };
  }

  /** Whether this user's data has to be protected. */
  get needs_protection(): boolean {
    return this.config.tls?.required === 'data' || this.user?.tls_required === true;
  }

  /** Whether a name may log in only over TLS. */
  get needs_tls(): boolean {
    return (this.config.tls?.required ?? 'no') !== 'no';
  }

  /** Begins TLS on the control connection. @throws (rejects) OSError */
  async start_tls(): Promise<void> {
    const { context } = this;
    if (context === undefined) return;
    const secure = await this.control
      .start_tls(context, this.config.timeouts.handshake)
      .catch((error: unknown) => {
        this.audit('tls', { reason: error instanceof Error ? error.message : String(error) });
        throw error;
      });
    const version = secure.version() ?? undefined;
    this.registry.update(this.id, { tls: version });
    this.audit('tls', { version, cipher: secure.cipher()[0], authorized: secure.authorized });
  }

  /** @throws ReplyError 550 */
  need(permission: Permission): void {
    if (!this.user?.permissions.has(permission)) refuse(550, 'Permission denied.');
  }

  /** Returns the absolute path of an argument. */
  path(argument: string): string {
    return resolve_path(this.directory, argument);
  }

  /** The user's shared rate; undefined without one. */
  throttle(direction: 'download' | 'upload'): Throttle | undefined {
    const rate = direction === 'download' ? this.user?.max_download_rate : this.user?.max_upload_rate;
    if (this.user === undefined || rate === undefined) return undefined;
    return this.registry.throttle(this.user.name, direction, rate);
  }

  async logged_in(user: User): Promise<void> {
    this.#files = await user.files();
    this.user = user;
    this.failed_logins = 0;
    this.registry.update(this.id, { user: user.name, directory: '/' });
    this.audit('login', {});
  }

  /** Forgets the user and what the user has set; TLS stays. */
  log_out(): void {
    if (this.user !== undefined) this.registry.log_out(this.id);
    this.name = undefined;
    this.user = undefined;
    this.#files = undefined;
    this.directory = '/';
    this.registry.update(this.id, { user: undefined, directory: '/' });
  }

  /** REIN: all parameters are as at the beginning. */
  reset(): void {
    this.log_out();
    this.close_channel();
    this.parameters = initial();
    const is_implicit = this.arrival.listen.tls === 'implicit';
    this.protection = is_implicit ? 'P' : 'C';
    this.has_pbsz = is_implicit;
  }

  /** @throws ReplyError if there is no data connection, or it may not be as it is */
  check_channel(): DataChannel {
    if (this.needs_protection && this.protection === 'C')
      refuse(522, 'Data connections have to be protected: use PBSZ 0 and PROT P.');
    return this.channel ?? refuse(425, 'Use PASV, EPSV, PORT or EPRT first.');
  }

  close_channel(): void {
    this.channel?.close();
    this.channel = undefined;
  }

  audit(event: AuditRecord['event'], fields: Record<string, string | number | boolean | undefined>): void {
    const { address } = this.arrival;
    this.registry.audit({ event, session: this.id, address, user: this.user?.name ?? this.name, ...fields });
  }

  /**
   * Sends a reply while a command runs. Returns false if the last one has not gone out yet: a client that does not read is not to fill the
   * memory.
   */
  tell(reply: () => Reply): boolean {
    if (this.#is_telling) return false;
    this.#is_telling = true;
    this.send(reply())
      .catch((error: unknown) => this.shared.report(error))
      .finally(() => {
        this.#is_telling = false;
      });
    return true;
  }

  async send(reply: Reply): Promise<void> {
    this.registry.count('ftp_replies_total', { code: String(reply.code) });
    await this.control.send(reply);
  }

  /** Ends it soon: behind the next transfer, or when nothing comes. What a client is about to do, it can. */
  drain(): void {
    this.#drained_at ??= this.transfers;
    this.control.wake();
  }

  get is_draining(): boolean {
    return this.#drained_at !== undefined;
  }

  /** Whether it has had its last transfer. */
  get is_drained(): boolean {
    return this.#drained_at !== undefined && this.transfers > this.#drained_at;
  }

  /** Ends what runs: the client has gone. */
  lose(reason: Error): void {
    this.#is_lost = true;
    this.#end?.abort(reason);
    this.transfer?.abort(reason);
  }

  /** Frees all that it holds; its connections are closed at once. */
  destroy(): void {
    this.is_destroyed = true;
    this.lose(ENDED);
    this.close_channel();
    this.control.destroy();
  }
}
