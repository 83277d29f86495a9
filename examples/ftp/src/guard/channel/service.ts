// The main thread's end of a worker's registry. When the worker ends, its sessions leave, whatever it was doing.
import type { LocalRegistry } from '../registry.js';
import type { Amount, QuotaLimits, Refusal } from '../types.js';
import { type Endpoint, Outbox, unpack } from './endpoint.js';
import {
  type Answer,
  from_wire,
  limits_from_wire,
  limits_to_wire,
  type News,
  type Question,
  type SessionEvent,
  type Statement,
  type Tell,
  type Wire,
} from './messages.js';

/** How long the registry waits for a worker to tell its news, ms: then it goes by what it knows. */
const PATIENCE_MS = 1000;

class Service {
  readonly #outbox: Outbox;
  readonly #sessions = new Set<string>();
  /** by home: what uploads of the worker have reserved */
  readonly #reserved = new Map<string, Amount>();
  readonly #ended = new AbortController();
  readonly #forget: () => void;
  /** who waits for news, by the number of the question */
  readonly #waiting = new Map<number, () => void>();
  #last = 0;

  constructor(
    private readonly registry: LocalRegistry,
    endpoint: Endpoint,
    private readonly worker: string,
  ) {
    this.#outbox = new Outbox(endpoint);
    this.#forget = registry.add_worker({
      tell: () => this.#tell(),
      ban: (client, seconds) => this.#tell([[client, seconds]]),
    });
    endpoint.listen(
      (message) => {
        for (const one of unpack<Question | Statement>(message)) this.#take(one);
      },
      () => this.#end(),
    );
  }

  /** Fulfilled when the worker has told all that it knows now, or says nothing. */
  #tell(banned: Tell['banned'] = []): Promise<void> {
    const tell = ++this.#last;
    const message: Tell = { tell, banned };
    this.#outbox.add(message);
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiting.delete(tell);
        resolve();
      };
      const timer = setTimeout(done, PATIENCE_MS);
      this.#waiting.set(tell, done);
    });
  }

  #take(message: Question | Statement): void {
    if (this.#ended.signal.aborted) return;
    if ('say' in message) {
      this.#without_harm(() => this.#say(message));
      return;
    }
    const { id } = message;
    this.#ask(message).then(
      (answer) => this.#answer({ id, answer }),
      (error: unknown) => this.#answer({ id, error: error instanceof Error ? error.message : String(error) }),
    );
  }

  /** A mistake of the worker's code must not end the server. */
  #without_harm(call: () => void): void {
    try {
      call();
    } catch (error) {
      process.emitWarning(error instanceof Error ? error : String(error));
    }
  }

  #answer(answer: Answer): void {
    if (!this.#ended.signal.aborted) this.#outbox.add(answer);
  }

  #say(message: Statement): void {
    const { registry } = this;
    switch (message.say) {
      case 'news':
        this.#hear(...message.args);
        break;
      case 'told':
        this.#waiting.get(...message.args)?.();
        break;
      case 'audit':
        registry.append_audit(...message.args);
        break;
      case 'settle':
        this.#settle(...message.args);
        break;
    }
  }

  #hear({ events, states, counts }: News): void {
    const { registry } = this;
    for (const event of events) this.#without_harm(() => this.#take_event(event));
    for (const [id, change] of states) registry.update(id, from_wire(change));
    for (const [name, labels, amount] of counts)
      this.#without_harm(() => registry.count(name, labels, amount));
  }

  #take_event([what, id, user]: SessionEvent): void {
    const { registry } = this;
    if (what === 'in') registry.logged_in(id, user);
    else if (what === 'out') registry.log_out(id);
    else {
      this.#sessions.delete(id);
      registry.leave(id);
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
    this.#forget();
    this.#ended.abort();
    for (const id of this.#sessions) this.registry.leave(id);
    this.#sessions.clear();
    for (const [home, reserved] of this.#reserved) this.registry.release(home, reserved);
    this.#reserved.clear();
    for (const done of this.#waiting.values()) done();
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
