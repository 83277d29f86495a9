// Watch: the counts of a server on its own thread, and its events. Nobody who listens costs a look at each channel.
//
// Workers of a pool count in the memory that they share with the manager, and report events to it (pool/). PoolWatch is what is left then.
import { type RefusalReason, RequestRefused } from '../admission/refused.js';
import { CHANNELS, type EventFields, type EventName } from './channels.js';
import { in_context, type RequestContext } from './context.js';
import { by_reason, type Counts } from './statistics.js';

/** A request under way. */
export interface WatchedRequest {
  readonly serial: number;
  readonly client_address: unknown;
  readonly start_ms: number;
}

/** The refusal of verify_request(). */
export const NOT_VERIFIED = new RequestRefused('verify_request() returned false', {
  reason: 'verify_request',
});

/** The members of a server that a Watch needs. */
interface WatchedServer {
  readonly RequestHandlerClass: unknown;
  /** The number of requests under way. */
  readonly _active: number;
  _drain(seconds: number): Promise<void>;
}

export class Watch {
  #accepted = 0;
  #active = 0;
  #handled = 0;
  #errors = 0;
  #ms = 0;
  #serial = 0;
  readonly refusals = by_reason(() => 0);
  readonly timed_out = { handler_timeout: 0, idle_timeout: 0 };

  constructor(readonly server: WatchedServer) {}

  /** Returns whether somebody listens to an event. */
  hears(name: EventName): boolean {
    return CHANNELS[name].hasSubscribers;
  }

  /** Tells an event. */
  tell<Name extends EventName>(name: Name, fields: EventFields[Name]): void {
    CHANNELS[name].publish({ server: this.server, ...fields });
  }

  /** A request has arrived. */
  arrived(peer_address: unknown): void {
    this.#accepted++;
    if (CHANNELS.connection.hasSubscribers) this.tell('connection', { peer_address });
  }

  /** A request was refused. */
  refused(
    peer_address: unknown,
    refusal: { reason: RefusalReason; message: string; client_address: unknown },
  ): void {
    this.refusals[refusal.reason]++;
    if (!CHANNELS.refused.hasSubscribers) return;
    const { reason, message, client_address = peer_address } = refusal;
    this.tell('refused', { client_address, reason, message });
  }

  /** The handling of a request begins. */
  begin(client_address: unknown): WatchedRequest {
    this.#active++;
    const serial = ++this.#serial;
    const request = { serial, client_address, start_ms: performance.now() };
    if (CHANNELS['request:start'].hasSubscribers)
      this.tell('request:start', { id: String(serial), client_address });
    return request;
  }

  /** The handling of a request has ended. @param failure holds the error, if it failed */
  end({ serial, client_address, start_ms }: WatchedRequest, failure?: { readonly error: unknown }): void {
    const ms = performance.now() - start_ms;
    this.#active--;
    this.#handled++;
    this.#ms += ms;
    if (failure !== undefined) {
      this.#errors++;
      if (CHANNELS.error.hasSubscribers)
        this.tell('error', { id: String(serial), client_address, error: failure.error });
    }
    if (CHANNELS['request:end'].hasSubscribers)
      this.tell('request:end', { id: String(serial), client_address, seconds: ms / 1000, ...failure });
  }

  /** Calls a function as part of a request, for request_context(). */
  run<T>({ serial, client_address }: WatchedRequest, run: () => T): T {
    const { server } = this;
    return in_context(new_context(String(serial), client_address, server, server.RequestHandlerClass), run);
  }

  /** Drains the server, and tells when that begins and ends. */
  async drain(limit: number): Promise<void> {
    const { server } = this;
    const start_ms = performance.now();
    const tell = (phase: 'begin' | 'end') => {
      if (this.hears('drain'))
        this.tell('drain', { phase, seconds: (performance.now() - start_ms) / 1000, active: server._active });
    };
    tell('begin');
    try {
      await server._drain(limit);
    } finally {
      tell('end');
    }
  }

  counts(): Counts {
    return {
      accepted: this.#accepted,
      active: this.#active,
      handled: this.#handled,
      errors: this.#errors,
      timed_out: { ...this.timed_out },
      refused: { ...this.refusals },
      request_seconds: this.#ms / 1000,
      workers: null,
    };
  }
}

/** Returns the context of a request whose handling begins. */
export function new_context(
  id: string,
  client_address: unknown,
  server: object,
  handler: unknown,
): RequestContext {
  return { id, client_address, server, handler, start_time: Date.now() / 1000 };
}

const NO_REQUEST: WatchedRequest = { serial: 0, client_address: null, start_ms: 0 };

/** The Watch of a server whose workers count: the server itself refuses by its hooks, and drains. */
export class PoolWatch extends Watch {
  override arrived(): void {}
  override begin(): WatchedRequest {
    return NO_REQUEST;
  }
  override end(): void {}
  override run<T>(_request: WatchedRequest, run: () => T): T {
    return run();
  }
}
