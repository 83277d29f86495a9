// A whole server: the registry that sessions share, the listening sockets, the kind that serves them, and what moves it from outside: a reload,
// a successor, the end.
import { type HandoverOffer, offer_handover, type Predecessor, take_over } from 'bsd-sockets/socketserver';
import type { Config } from '../config/config.js';
import { AuditLog } from '../guard/audit.js';
import { type ControlSocket, serve_control } from '../guard/control.js';
import { LocalRegistry } from '../guard/registry.js';
import { load_state, StateFile } from '../guard/state.js';
import type { QuotaLimits } from '../guard/types.js';
import { Shared, tls_options } from '../server/shared.js';
import { FileUserDatabase } from '../store/users.js';
import { type Listener, open_listeners, url_of } from './listeners.js';
import { type Serving, serve_loop } from './loop.js';
import { Notices } from './notices.js';
import { report } from './report.js';
import { serve_workers } from './workers.js';

/** Milliseconds between two looks for leftovers of uploads. */
const CLEAR_MS = 3_600_000;
/** Keys whose change takes a restart. */
const FIXED = [
  'listen',
  'kind',
  'workers',
  'handover',
  'control',
  'proxy_protocol',
  'bans',
  'audit',
  'state',
] as const;

interface Records {
  readonly registry: LocalRegistry;
  readonly audit: AuditLog | undefined;
}

/** @throws (rejects) the error of the audit log's file */
async function open_records({ limits, bans, audit: path }: Config): Promise<Records> {
  const dropped = (count: number) => registry.count('ftp_audit_dropped_total', {}, count);
  const audit = path === null ? undefined : await AuditLog.open(path, { report, dropped });
  const registry = new LocalRegistry({
    ...limits,
    bans: {
      failures: bans.failures,
      forget_s: bans.forget,
      ban_s: bans.ban,
      max_ban_s: bans.max_ban,
      delay_s: bans.delay,
      max_delay_s: bans.max_delay,
    },
    audit,
  });
  return { registry, audit };
}

/**
 * Reads what the configuration names: users, keys, certificates.
 *
 * @throws (rejects) what is wrong with one of the files
 */
export async function check_files(config: Config): Promise<void> {
  tls_options(config);
  await FileUserDatabase.open(config.users);
}

/** What a Service is made of. */
interface Parts extends Records {
  readonly config: Config;
  readonly users: FileUserDatabase;
  readonly listeners: readonly Listener[];
  readonly serving: Serving;
}

export class Service {
  /** Where clients connect: 'ftp://127.0.0.1:2121'. */
  readonly urls: readonly string[];
  readonly registry: LocalRegistry;
  /** Fulfilled when it has ended. */
  readonly ended: Promise<void>;
  readonly #serving: Serving;
  readonly #audit: AuditLog | undefined;
  readonly #users: FileUserDatabase;
  readonly #clearing = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  readonly #notices: Notices;
  #config: Config;
  #offer: HandoverOffer | undefined;
  #control: ControlSocket | undefined;
  #state: StateFile | undefined;
  #resolve_ended!: (ending: Promise<void>) => void;
  #is_ending = false;

  private constructor({ config, registry, audit, users, listeners, serving }: Parts) {
    this.urls = listeners.map(url_of);
    this.registry = registry;
    this.#config = config;
    this.#audit = audit;
    this.#users = users;
    this.#serving = serving;
    this.#notices = new Notices(config.sd_notify);
    this.ended = new Promise((resolve) => {
      this.#resolve_ended = resolve;
    });
  }

  /**
   * Serves; in place of a process that serves already and has the same `handover`.
   *
   * @throws (rejects) what is wrong with the files of the configuration; OSError if an address cannot be had
   */
  static async start(config: Config): Promise<Service> {
    // What is wrong is told before a predecessor is asked.
    await check_files(config);
    const { registry, audit } = await open_records(config);
    const options = { quota: (limits: QuotaLimits) => registry.quota(limits), report };
    const users = await FileUserDatabase.open(config.users, options);
    const predecessor = config.handover === null ? null : await take_over(config.handover);
    const listeners = await open_listeners(config, predecessor);
    const forgotten = config.state === null ? undefined : await load_state(config.state, registry);
    if (forgotten !== undefined) report(forgotten);
    const serving =
      config.kind === 'loop'
        ? serve_loop(new Shared(config, users, registry), listeners)
        : await serve_workers(config, listeners, registry);
    const service = new Service({ config, registry, audit, users, listeners, serving });
    try {
      await service.#begin(predecessor);
    } catch (error) {
      await service.end();
      throw error;
    }
    return service;
  }

  async #begin(predecessor: Predecessor | null): Promise<void> {
    await predecessor?.ready();
    const { control, handover, state } = this.#config;
    if (state !== null) this.#state = new StateFile(state, this.registry, report);
    if (control !== null)
      this.#control = await serve_control(control, this.registry, { replace: predecessor !== null });
    if (handover !== null) {
      this.#offer = await offer_handover(handover, this.#serving.handed_over);
      this.#offer.successor.then((successor) => {
        if (successor !== null) this.end(successor.pid).catch(report);
      }, report);
    }
    this.#clear();
    this.#timer = setInterval(() => this.#clear(), CLEAR_MS).unref();
    this.#notices.ready(`serving ${this.urls.join(', ')}`);
  }

  /** Removes what uploads that broke long ago have left. */
  #clear(): void {
    const { signal } = this.#clearing;
    this.#users.clear(signal).catch((error: unknown) => {
      if (!signal.aborted) report(error);
    });
  }

  /** Takes another configuration for sessions that begin from now on. @throws (rejects) what is wrong with it: the old one stays */
  async reload(config: Config): Promise<void> {
    await check_files(config);
    for (const key of FIXED)
      if (JSON.stringify(config[key]) !== JSON.stringify(this.#config[key]))
        report(new Error(`${key} has changed: that takes a restart (SIGUSR2)`));
    this.#notices.tell({ RELOADING: 1 });
    try {
      await this.#serving.reload(config);
      this.registry.set_limits(config.limits);
      this.#config = config;
      await this.#audit?.reopen();
    } finally {
      this.#notices.ready(`serving ${this.urls.join(', ')}`);
    }
  }

  /**
   * Ends: no more connections are taken, transfers are finished, and idle clients are told.
   *
   * @param successor the process that goes on
   * @param seconds after which transfers are cut off; the configuration's by default
   */
  end(successor?: number, seconds = this.#config.timeouts.drain): Promise<void> {
    if (!this.#is_ending) this.#resolve_ended(this.#end(successor, seconds));
    this.#is_ending = true;
    return this.ended;
  }

  async #end(successor: number | undefined, seconds: number): Promise<void> {
    clearInterval(this.#timer);
    this.#clearing.abort();
    this.#notices.ending(successor);
    // Without a successor nobody is to take over what ends.
    if (successor === undefined) await this.#offer?.close();
    else await this.#state?.close(false);
    await this.#serving.drain(seconds);
    if (successor === undefined) await this.#state?.close(true);
    await this.#offer?.close();
    await this.#control?.close();
    await this.#audit?.close();
  }
}
