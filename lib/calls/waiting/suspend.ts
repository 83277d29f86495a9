// Suspend: how an attempt of a promise's call says that it must wait for something other than its descriptor: a name lookup,
// the next turn of the event loop.
import type { ResolveHost } from '../address.js';
import * as lookup from '../lookup.js';
import { finish_lookup } from './async_lookup.js';
import { next_turn } from './readiness.js';

/** Thrown by an attempt that must wait for something other than its descriptor; the attempt is made again after that. */
export class Suspend {
  /**
   * @param promise settles when the attempt is to be made again; its rejection is that of the call
   * @param cancel called when the call has ended before
   * @param key the question of `resolve_now` that the promise's value, a host's address, answers
   */
  constructor(
    readonly promise: Promise<unknown>,
    readonly cancel?: () => void,
    readonly key?: string,
  ) {}
}

/** Suspends an attempt that has moved much until the next turn of the event loop. */
export function yield_turn(): Suspend {
  return new Suspend(next_turn());
}

function key_of(host: string, family: number): string {
  return `${family} ${host}`;
}

/** Resolves a host if that needs no waiting. @throws Suspend to wait for the name server */
export function resolve_now(host: string, family: number): string {
  const steps = lookup.resolve_host(host, family);
  const step = steps.next();
  if (step.done) return step.value;
  const aborter = new AbortController();
  const found = finish_lookup(steps, step.value, aborter.signal);
  throw new Suspend(found, () => aborter.abort(), key_of(host, family));
}

/** Resolves a host like resolve_now, with the addresses that earlier attempts found. */
export function resolve_with(known: ReadonlyMap<string, string>): ResolveHost {
  return (host, family) => known.get(key_of(host, family)) ?? resolve_now(host, family);
}
