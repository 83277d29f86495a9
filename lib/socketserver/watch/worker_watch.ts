// What a worker counts for statistics(), and the events that it reports if somebody listens on the server's thread.
import { threadId } from 'node:worker_threads';
import { TimeoutError } from '../../errors/index.js';
import { REFUSAL_REASONS, type RequestRefused } from '../admission/refused.js';
import { pack_error } from '../pool/packed_error.js';
import { BIT, type WorkerEventName } from './channels.js';
import type { Totals } from './totals.js';
import type { WorkerEvent } from './worker_events.js';

export class WorkerWatch {
  readonly #totals: Totals;
  readonly #report: (event: WorkerEvent) => void;
  /** True if a TimeoutError of a handler is one of idle_timeout. */
  readonly #has_idle_timeout: boolean;
  readonly #own = threadId === 0 ? process.pid : threadId;
  #count = 0;
  /** The time when the handling of the request began; 0 before. */
  #start_ms = 0;

  constructor(totals: Totals, has_idle_timeout: boolean, report: (event: WorkerEvent) => void) {
    this.#totals = totals;
    this.#has_idle_timeout = has_idle_timeout;
    this.#report = report;
  }

  /** The id of the request that was begun last. */
  get id(): string {
    return `${this.#own}-${this.#count}`;
  }

  #hears(event: WorkerEventName): boolean {
    return (this.#totals.events & BIT[event]) !== 0;
  }

  /** A request has arrived. */
  arrived(client_address: unknown): void {
    this.#start_ms = 0;
    if (this.#hears('connection')) this.#report({ type: 'event', event: 'connection', client_address });
  }

  refused(peer_address: unknown, { reason, message, client_address = peer_address }: RequestRefused): void {
    this.#totals.count_refused(REFUSAL_REASONS.indexOf(reason));
    if (this.#hears('refused'))
      this.#report({
        type: 'event',
        event: 'refused',
        client_address,
        reason,
        message: message.slice(0, 1000),
      });
  }

  /** The handling begins. */
  begin(client_address: unknown): void {
    this.#count++;
    this.#start_ms = performance.now();
    if (this.#hears('request:start'))
      this.#report({ type: 'event', event: 'request:start', client_address, id: this.id });
  }

  /** The handling has ended. @param failure holds the error, if it failed */
  end(client_address: unknown, failure?: { readonly error: unknown }): void {
    const ms = this.#start_ms === 0 ? 0 : performance.now() - this.#start_ms;
    this.#totals.count_time(ms);
    const { id } = this;
    const hears_end = this.#hears('request:end');
    if (failure === undefined) {
      if (hears_end)
        this.#report({ type: 'event', event: 'request:end', client_address, id, seconds: ms / 1000 });
      return;
    }
    this.#totals.count_error();
    if (this.#has_idle_timeout && failure.error instanceof TimeoutError)
      this.#totals.count_timeout('idle_timeout');
    const hears_error = this.#hears('error');
    if (!hears_end && !hears_error) return;
    const error = pack_error(failure.error);
    if (hears_error) this.#report({ type: 'event', event: 'error', client_address, id, error });
    if (hears_end)
      this.#report({ type: 'event', event: 'request:end', client_address, id, seconds: ms / 1000, error });
  }
}
