// The registry for sessions on a worker: RemoteRegistry there, serve_registry() in the main thread, and between them a MessagePort, a Worker or
// the channel of a child process. Calls keep their order, and what one turn of the event loop brings goes in one message. When a worker ends,
// its sessions leave, whatever it was doing.
import type { ChildProcess } from 'node:child_process';
import { type MessagePort, Worker } from 'node:worker_threads';
import type { LocalRegistry } from './registry.js';
import { LeasedThrottle } from './throttle.js';
import type {
  Amount,
  AuditRecord,
  Quota,
  QuotaLimits,
  Refusal,
  Registry,
  SessionInfo,
  SessionState,
  Throttle,
} from './types.js';

type Direction = 'download' | 'upload';
type Usage = Awaited<ReturnType<Quota['usage']>>;

/** What a worker asks: arguments and answer of each. */
interface Questions {
  enter: { args: [address: string, port: number]; answer: { id: string } | { refused: Refusal } };
  log_in: {
    args: [id: string, user: { name: string; max_sessions?: number | undefined }];
    answer: Refusal | undefined;
  };
  log_in_failed: { args: [id: string, name: string]; answer: { delay_s: number; banned: boolean } };
  lease: { args: [user: string, direction: Direction, rate: number, bytes: number]; answer: undefined };
  take: {
    args: [limits: Wire<QuotaLimits>, least: number, most: number, files: number];
    answer: number | undefined;
  };
  usage: { args: [limits: Wire<QuotaLimits>]; answer: Wire<Usage> };
  who: { args: []; answer: SessionInfo[] };
  metrics: { args: []; answer: string };
}

/** What a worker says, and waits for no answer. */
interface Statements {
  log_out: [id: string];
  update: [id: string, change: WireChange];
  audit: [record: AuditRecord];
  count: [name: string, labels: Record<string, string>, amount: number];
  leave: [id: string];
  settle: [home: string, reserved: Amount, added: Amount];
}

type Question = {
  [K in keyof Questions]: { ask: K; id: number; args: Questions[K]['args'] };
}[keyof Questions];
type Statement = { [K in keyof Statements]: { say: K; args: Statements[K] } }[keyof Statements];
type Answer = { id: number; answer?: unknown } | { id: number; error: string };

/** One end of a channel. */
export interface Endpoint {
  post(message: object): void;
  /** `on_close` is called once, when the other end has gone. */
  listen(on_message: (message: unknown) => void, on_close: () => void): void;
}

/** The channel of a process to its parent, as far as it is needed: `process` of a child that was forked. */
export interface ParentChannel {
  readonly connected?: boolean | undefined;
  send?: ((message: object, callback: (error: Error | null) => void) => boolean) | undefined;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** Returns the end of a channel that is a port, a worker (as the main thread has it), a child process, or a child's own `process`. */
export function endpoint_of(peer: MessagePort | Worker | ChildProcess | ParentChannel): Endpoint {
  if ('postMessage' in peer) {
    return {
      post: (message) => peer.postMessage(message),
      listen: (on_message, on_close) => {
        peer.on('message', on_message);
        if (peer instanceof Worker) peer.once('exit', on_close);
        else peer.once('close', on_close);
      },
    };
  }
  return {
    // The callback has the error of a channel that has just closed, of which on_close hears, too.
    post: (message) => {
      if (peer.connected) peer.send?.(message, () => undefined);
    },
    listen: (on_message, on_close) => {
      peer.on('message', on_message);
      peer.once('disconnect', on_close);
    },
  };
}

/** The name of the property that a message of these has: other messages may use the same channel. */
const ENVELOPE = 'ftp_registry';
/** Returns the messages of an envelope; none for another message. */
function unpack<T>(message: unknown): readonly T[] {
  if (typeof message !== 'object' || message === null || !(ENVELOPE in message)) return [];
  const messages: unknown = message[ENVELOPE];
  return Array.isArray(messages) ? messages : [];
}

// The channel of a process is JSON, which leaves out what is undefined and makes null of Infinity. So null stands for both, where a field that is
// there means something.

/** A change of a session's state: null where the field becomes undefined. */
type WireChange = { [K in keyof SessionState]?: Exclude<SessionState[K], undefined> | null };

function to_wire(change: Partial<SessionState>): WireChange {
  return Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value ?? null]));
}

function from_wire(change: WireChange): Partial<SessionState> {
  return Object.fromEntries(Object.entries(change).map(([name, value]) => [name, value ?? undefined]));
}

/** Limits, or a usage with its limits: null where there is none. */
type Wire<T extends { max_bytes: number; max_files: number }> = Omit<T, 'max_bytes' | 'max_files'> & {
  max_bytes: number | null;
  max_files: number | null;
};

function limits_to_wire<T extends { max_bytes: number; max_files: number }>(limits: T): Wire<T> {
  const finite = (value: number) => (Number.isFinite(value) ? value : null);
  return { ...limits, max_bytes: finite(limits.max_bytes), max_files: finite(limits.max_files) };
}

function limits_from_wire<T extends { max_bytes: number | null; max_files: number | null }>({
  max_bytes,
  max_files,
  ...rest
}: T) {
  return { ...rest, max_bytes: max_bytes ?? Infinity, max_files: max_files ?? Infinity };
}

/** Messages of one turn of the event loop, sent together. */
class Outbox {
  #messages: unknown[] = [];

  constructor(private readonly endpoint: Endpoint) {}

  add(message: unknown): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.endpoint.post({ [ENVELOPE]: messages });
  }
}

/** The main thread's end, for one worker. */
class Service {
  readonly #outbox: Outbox;
  readonly #sessions = new Set<string>();
  /** by home: what uploads of the worker have reserved */
  readonly #reserved = new Map<string, Amount>();
  readonly #ended = new AbortController();

  constructor(
    private readonly registry: LocalRegistry,
    endpoint: Endpoint,
    private readonly worker: string,
  ) {
    this.#outbox = new Outbox(endpoint);
    endpoint.listen(
      (message) => {
        for (const one of unpack<Question | Statement>(message)) this.#take(one);
      },
      () => this.#end(),
    );
  }

  #take(message: Question | Statement): void {
    if (this.#ended.signal.aborted) return;
    if ('say' in message) {
      try {
        this.#say(message);
      } catch (error) {
        // A mistake of the worker's code must not end the server.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
      return;
    }
    const { id } = message;
    this.#ask(message).then(
      (answer) => this.#answer({ id, answer }),
      (error: unknown) => this.#answer({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  }

  #answer(answer: Answer): void {
    if (!this.#ended.signal.aborted) this.#outbox.add(answer);
  }

  #say(message: Statement): void {
    const { registry } = this;
    switch (message.say) {
      case 'log_out':
        registry.log_out(...message.args);
        break;
      case 'update':
        registry.update(message.args[0], from_wire(message.args[1]));
        break;
      case 'audit':
        registry.audit(...message.args);
        break;
      case 'count':
        registry.count(...message.args);
        break;
      case 'leave':
        this.#sessions.delete(message.args[0]);
        registry.leave(...message.args);
        break;
      case 'settle':
        this.#settle(...message.args);
        break;
    }
  }

  async #ask(message: Question): Promise<unknown> {
    const { registry } = this;
    switch (message.ask) {
      case 'enter':
        return this.#enter(...message.args);
      case 'log_in':
        return registry.log_in(...message.args);
      case 'log_in_failed':
        return registry.log_in_failed(...message.args);
      case 'lease':
        return registry.lease(...message.args, this.#ended.signal);
      case 'take':
        return this.#reserve(...message.args);
      case 'usage':
        return limits_to_wire(await registry.quota(limits_from_wire(message.args[0])).usage());
      case 'who':
        return registry.who();
      case 'metrics':
        return registry.metrics();
    }
  }

  async #enter(address: string, port: number): Promise<{ id: string } | { refused: Refusal }> {
    const entered = await this.registry.enter(address, port, this.worker);
    if (!('id' in entered)) return entered;
    this.#sessions.add(entered.id);
    // The worker may have ended while this waited.
    if (this.#ended.signal.aborted) this.registry.leave(entered.id);
    return entered;
  }

  async #reserve(
    wire_limits: Wire<QuotaLimits>,
    least: number,
    most: number,
    files: number,
  ): Promise<number | undefined> {
    const limits = limits_from_wire(wire_limits);
    const bytes = await this.registry.quota(limits).take(least, most, files);
    if (bytes === undefined) return undefined;
    if (this.#ended.signal.aborted) this.registry.release(limits.home, { bytes, files });
    else this.#hold(limits.home, bytes, files);
    return bytes;
  }

  #settle(home: string, reserved: Amount, added: Amount): void {
    this.#hold(home, -reserved.bytes, -reserved.files);
    this.registry.quota({ home, max_bytes: 0, max_files: 0 }).settle(reserved, added);
  }

  #hold(home: string, bytes: number, files: number): void {
    const held = this.#reserved.get(home) ?? { bytes: 0, files: 0 };
    const sum = { bytes: held.bytes + bytes, files: held.files + files };
    if (sum.bytes === 0 && sum.files === 0) this.#reserved.delete(home);
    else this.#reserved.set(home, sum);
  }

  #end(): void {
    this.#ended.abort();
    for (const id of this.#sessions) this.registry.leave(id);
    this.#sessions.clear();
    for (const [home, reserved] of this.#reserved) this.registry.release(home, reserved);
    this.#reserved.clear();
  }
}

/**
 * Answers a worker's RemoteRegistry until the worker ends.
 *
 * @param worker what `who` calls it
 */
export function serve_registry(registry: LocalRegistry, endpoint: Endpoint, worker: string): void {
  new Service(registry, endpoint, worker);
}

interface Waiting {
  resolve(answer: unknown): void;
  reject(error: Error): void;
}

/** The registry as a worker's sessions have it. */
export class RemoteRegistry implements Registry {
  readonly #outbox: Outbox;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #gone = false;

  constructor(endpoint: Endpoint) {
    this.#outbox = new Outbox(endpoint);
    endpoint.listen(
      (message) => {
        for (const answer of unpack<Answer>(message)) this.#settle(answer);
      },
      () => this.#lose(),
    );
  }

  enter(address: string, port: number): Promise<{ id: string } | { refused: Refusal }> {
    return this.#ask('enter', address, port);
  }

  log_in(
    id: string,
    user: { name: string; max_sessions?: number | undefined },
  ): Promise<Refusal | undefined> {
    return this.#ask('log_in', id, { name: user.name, max_sessions: user.max_sessions });
  }

  log_out(id: string): void {
    this.#say('log_out', id);
  }

  log_in_failed(id: string, name: string): Promise<{ delay_s: number; banned: boolean }> {
    return this.#ask('log_in_failed', id, name);
  }

  update(id: string, change: Partial<SessionState>): void {
    this.#say('update', id, to_wire(change));
  }

  throttle(user: string, direction: Direction, rate: number): Throttle {
    return new LeasedThrottle(rate, (bytes) => this.#ask('lease', user, direction, rate, bytes));
  }

  audit(record: AuditRecord): void {
    this.#say('audit', record);
  }

  count(name: string, labels: Record<string, string>, amount = 1): void {
    this.#say('count', name, labels, amount);
  }

  leave(id: string): void {
    this.#say('leave', id);
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

  /** Sends at once what would go with the end of this turn: for a worker that is about to end. */
  flush(): void {
    this.#outbox.flush();
  }

  #say<K extends keyof Statements>(say: K, ...args: Statements[K]): void {
    if (!this.#gone) this.#outbox.add({ say, args });
  }

  #ask<K extends keyof Questions>(ask: K, ...args: Questions[K]['args']): Promise<Questions[K]['answer']> {
    if (this.#gone) return Promise.reject(gone());
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

  #lose(): void {
    this.#gone = true;
    for (const { reject } of this.#waiting.values()) reject(gone());
    this.#waiting.clear();
  }
}

function gone(): Error {
  return new Error('the registry has gone with the main thread');
}
