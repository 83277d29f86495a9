// The registry as a worker's sessions have it. What needs the main thread is asked there, through a MessagePort or the channel of a child process
// (service.ts is the other end); what one turn of the event loop brings goes in one message. What nobody waits for is gathered here, and told now
// and then: who has left, states of sessions, counters. It is exact all the same, because the main thread asks for it before it says no to anybody.
import { audit_line } from '../audit.js';
import { client_of } from '../bans.js';
import { LeasedThrottle } from '../throttle.js';
import type {
  AuditRecord,
  Quota,
  QuotaLimits,
  Refusal,
  Registry,
  SessionInfo,
  SessionState,
  Throttle,
} from '../types.js';
import { type Endpoint, Outbox, unpack } from './endpoint.js';
import {
  type Answer,
  type Direction,
  limits_from_wire,
  limits_to_wire,
  type News,
  type Questions,
  type SessionEvent,
  type Statements,
  type Tell,
  to_wire,
  type WireChange,
} from './messages.js';

/** How long news wait if nobody asks, ms: a worker that dies takes them with it. */
const NEWS_MS = 100;
/** Characters of audit lines that go at once. */
const MOST_LINES = 64 * 1024;

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** What is gathered until it is told. */
class Gathered {
  #events: SessionEvent[] = [];
  readonly #states = new Map<string, WireChange>();
  readonly #counts = new Map<string, { name: string; labels: Record<string, string>; amount: number }>();

  update(id: string, change: WireChange): void {
    const gathered = this.#states.get(id);
    if (gathered === undefined) this.#states.set(id, change);
    else Object.assign(gathered, change);
  }

  event(event: SessionEvent): void {
    this.#events.push(event);
    // Nobody wants to know any more what a session did that has left.
    if (event[0] === 'left') this.#states.delete(event[1]);
  }

  count(name: string, labels: Record<string, string>, amount: number): void {
    const key = `${name} ${JSON.stringify(labels)}`;
    const gathered = this.#counts.get(key);
    if (gathered === undefined) this.#counts.set(key, { name, labels, amount });
    else gathered.amount += amount;
  }

  /** Returns all, which is gathered anew from now on; undefined if there is nothing. */
  take(): News | undefined {
    if (this.#events.length === 0 && this.#states.size === 0 && this.#counts.size === 0) return undefined;
    const counts = [...this.#counts.values()].map(({ name, labels, amount }): News['counts'][number] => [
      name,
      labels,
      amount,
    ]);
    const news = { events: this.#events, states: [...this.#states], counts };
    this.#events = [];
    this.#states.clear();
    this.#counts.clear();
    return news;
  }
}

/** The clients that the main thread has said are banned. */
class BannedClients {
  readonly #until = new Map<string, number>();

  add(client: string, seconds: number): void {
    const now = performance.now();
    for (const [one, until] of this.#until) if (until <= now) this.#until.delete(one);
    this.#until.set(client, now + seconds * 1000);
  }

  has(client: string): boolean {
    const until = this.#until.get(client);
    return until !== undefined && until > performance.now();
  }
}

export class RemoteRegistry implements Registry {
  /** whether there is an audit log: without one, records go nowhere */
  audits = true;
  readonly #outbox: Outbox;
  readonly #waiting = new Map<number, Waiting>();
  readonly #gathered = new Gathered();
  /** the clients of the sessions here, by id */
  readonly #clients = new Map<string, string>();
  readonly #banned = new BannedClients();
  #lines: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  #last = 0;
  #gone = false;

  constructor(endpoint: Endpoint) {
    this.#outbox = new Outbox(endpoint);
    endpoint.listen(
      (message) => {
        for (const one of unpack<Answer | Tell>(message)) {
          if ('tell' in one) this.#tell(one);
          else this.#settle(one);
        }
      },
      () => this.#lose(),
    );
  }

  async enter(address: string, port: number): Promise<{ id: string } | { refused: Refusal }> {
    const entered = await this.#ask('enter', address, port);
    if ('id' in entered) this.#clients.set(entered.id, client_of(address));
    return entered;
  }

  async log_in(
    id: string,
    { name, max_sessions }: { name: string; max_sessions?: number | undefined },
  ): Promise<Refusal | undefined> {
    const client = this.#clients.get(id);
    // Sessions of this user are counted by the main thread, and a client that is banned is its matter, too.
    if (max_sessions !== undefined || client === undefined || this.#banned.has(client))
      return this.#ask('log_in', id, { name, max_sessions });
    if (this.#gone) throw gone();
    this.#add_event(['in', id, name]);
    return undefined;
  }

  log_out(id: string): void {
    this.#add_event(['out', id]);
  }

  log_in_failed(id: string, name: string): Promise<{ delay_s: number; banned: boolean }> {
    return this.#ask('log_in_failed', id, name);
  }

  update(id: string, change: Partial<SessionState>): void {
    if (this.#gone) return;
    this.#gathered.update(id, to_wire(change));
    this.#soon();
  }

  throttle(user: string, direction: Direction, rate: number): Throttle {
    return new LeasedThrottle(rate, (bytes) => this.#ask('lease', user, direction, rate, bytes));
  }

  audit(record: AuditRecord): void {
    if (!this.audits || this.#gone) return;
    const line = audit_line(record, new Date());
    this.#lines.push(line);
    this.#length += line.length;
    if (this.#length > MOST_LINES) this.#send_lines();
    this.#soon();
  }

  count(name: string, labels: Record<string, string>, amount = 1): void {
    if (this.#gone) return;
    this.#gathered.count(name, labels, amount);
    this.#soon();
  }

  leave(id: string): void {
    this.#clients.delete(id);
    this.#add_event(['left', id]);
  }

  #add_event(event: SessionEvent): void {
    if (this.#gone) return;
    this.#gathered.event(event);
    this.#soon();
  }

  quota(limits: QuotaLimits): Quota {
    const wire = limits_to_wire(limits);
    const usage = async () => limits_from_wire(await this.#ask('usage', wire));
    // Has the count begin, as with a local registry.
    usage().catch(() => undefined);
    return {
      take: (least, most, files) => this.#ask('take', wire, least, most, files),
      settle: (reserved, added) => this.#say('settle', limits.home, reserved, added),
      usage,
    };
  }

  who(): Promise<SessionInfo[]> {
    return this.#ask('who');
  }

  metrics(): Promise<string> {
    return this.#ask('metrics');
  }

  /** Sends at once what would go later: for a worker that is about to end. */
  flush(): void {
    this.#tell_news();
    this.#outbox.flush();
  }

  #say<K extends keyof Statements>(say: K, ...args: Statements[K]): void {
    if (!this.#gone) this.#outbox.add({ say, args });
  }

  #ask<K extends keyof Questions>(ask: K, ...args: Questions[K]['args']): Promise<Questions[K]['answer']> {
    if (this.#gone) return Promise.reject(gone());
    // What the main thread writes into the log because of the question is behind what came before it.
    this.#send_lines();
    const id = ++this.#last;
    this.#outbox.add({ ask, id, args });
    return new Promise<Questions[K]['answer']>((resolve, reject) =>
      this.#waiting.set(id, { resolve, reject }),
    );
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.answer);
  }

  /** Tells what is gathered in a while. */
  #soon(): void {
    this.#timer ??= setTimeout(() => this.#tell_news(), NEWS_MS).unref();
  }

  #tell({ tell, banned = [] }: Tell): void {
    for (const [client, seconds] of banned) this.#banned.add(client, seconds);
    this.#tell_news();
    this.#say('told', tell);
    this.#outbox.flush();
  }

  #tell_news(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#send_lines();
    const news = this.#gathered.take();
    if (news !== undefined) this.#say('news', news);
  }

  #send_lines(): void {
    if (this.#lines.length === 0) return;
    this.#say('audit', this.#lines.join(''), this.#lines.length);
    this.#lines = [];
    this.#length = 0;
  }

  #lose(): void {
    this.#gone = true;
    clearTimeout(this.#timer);
    for (const { reject } of this.#waiting.values()) reject(gone());
    this.#waiting.clear();
  }
}

function gone(): Error {
  return new Error('the registry has gone with the main thread');
}
