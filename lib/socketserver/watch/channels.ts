// The channels of node:diagnostics_channel on which servers tell what happens, and the messages.
import { type Channel, channel } from 'node:diagnostics_channel';
import type { RefusalReason } from '../admission/refused.js';

/** Names of the events; a channel's name is `bsd-sockets:server:` and the event's. */
const EVENTS = ['connection', 'request:start', 'request:end', 'error', 'refused', 'drain'] as const;
/** The name of an event. */
export type EventName = (typeof EVENTS)[number];

/** What an event says beside the server. */
export interface EventFields {
  /** A connection (or datagram) was taken: `peer_address`, which behind a proxy is the proxy's. */
  readonly connection: { readonly peer_address: unknown };
  /** The handling begins. `id`: a string that no other request of the server has. */
  readonly 'request:start': { readonly id: string; readonly client_address: unknown };
  /** The handling has ended, with `error` if it failed, after `seconds`. */
  readonly 'request:end': {
    readonly id: string;
    readonly client_address: unknown;
    readonly seconds: number;
    readonly error?: unknown;
  };
  /** The handler has failed, or was ended. Before request:end. */
  readonly error: { readonly id: string; readonly client_address: unknown; readonly error: unknown };
  /** The request was not handled. `reason`: the option or hook that refused it; `message` says more. */
  readonly refused: {
    readonly client_address: unknown;
    readonly reason: RefusalReason;
    readonly message: string;
  };
  /** shutdown({ drain }) begins or has ended. `active`: the number of requests that are under way. */
  readonly drain: { readonly phase: 'begin' | 'end'; readonly seconds: number; readonly active: number };
}

/** A message on the channel of an event. */
export type ServerEvent<Name extends EventName = EventName> = EventFields[Name] & {
  /** The server that the event is of. */
  readonly server: object;
};

/** The name of an event's channel. */
export type ServerChannel = `bsd-sockets:server:${EventName}`;

/** The channels of all events. */
export const CHANNELS: { readonly [Name in EventName]: Channel } = Object.fromEntries(
  EVENTS.map((name) => [name, channel(`bsd-sockets:server:${name}` satisfies ServerChannel)]),
) as { [Name in EventName]: Channel };

/** The events that workers report, by their bits in listened(). */
const WORKER_EVENTS = ['connection', 'request:start', 'request:end', 'error', 'refused'] as const;
/** The name of an event that workers report. */
export type WorkerEventName = (typeof WORKER_EVENTS)[number];

/** The bit of each event that workers report. */
export const BIT = Object.fromEntries(WORKER_EVENTS.map((name, i) => [name, 1 << i])) as {
  [Name in WorkerEventName]: number;
};

/** Milliseconds between two looks for new subscribers. Nothing tells of them. */
const LOOK_MS = 500;

/** Returns the bits of the workers' events that somebody in this thread listens to. */
function listened(): number {
  return WORKER_EVENTS.reduce((bits, name) => bits | (CHANNELS[name].hasSubscribers ? BIT[name] : 0), 0);
}

/** Calls a function with the bits of the events that somebody listens to, now and with each change. Returns a function that ends it. */
export function follow_listeners(on_change: (bits: number) => void): () => void {
  let bits = 0;
  const look = () => {
    const now = listened();
    if (now === bits) return;
    bits = now;
    on_change(bits);
  };
  look();
  const looks = setInterval(look, LOOK_MS).unref();
  return () => clearInterval(looks);
}
