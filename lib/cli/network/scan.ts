// Asking many: requests at a rate, in rounds to those that are silent, while the answers come in. sweep and arp-scan do it.
import { setImmediate as next_turn, setTimeout as sleep } from 'node:timers/promises';
import type { OptionTable, Quantity, Values } from '../terminal/command.js';

/** How many requests go out in one call at most. */
export const BATCH = 128;

/** The option of how long to wait for answers once all is asked; unless given, so many seconds. */
export const last_answers = (seconds: number) =>
  ({
    type: 'number',
    short: 'W',
    value: 'SECONDS',
    min: 0.001,
    max: 3600,
    default: seconds,
    help: 'for the last answers',
  }) as const satisfies Quantity;

/** The options of how fast, how long and how often to ask; what differs is what these are unless given. */
export const pace = (rate: number, wait: number) =>
  ({
    rate: {
      type: 'number',
      short: 'r',
      value: 'N',
      min: 0,
      max: 10_000_000,
      default: rate,
      help: 'requests a second; 0: as fast as it goes',
    },
    wait: last_answers(wait),
    retries: {
      type: 'integer',
      short: 'R',
      value: 'N',
      min: 0,
      max: 100,
      default: 1,
      help: 'to those that were silent',
    },
  }) as const satisfies OptionTable;

/** Who is asked, and how. Those who are asked have numbers from 0 on. */
export interface Survey extends Values<ReturnType<typeof pace>> {
  readonly count: number;
  is_settled(number: number): boolean;
  /** Whether all are settled. */
  is_complete(): boolean;
  send(numbers: readonly number[], end: AbortSignal): Promise<void>;
  /** Takes answers until the signal aborts; rejects with its reason then. */
  receive(end: AbortSignal): Promise<never>;
  /** So many have been asked in this round. */
  progress(done: number): void;
}

/**
 * conduct(survey, interrupted) -> how many seconds it took. An interruption ends it early.
 *
 * @throws what `send` and `receive` throw
 */
export async function conduct(survey: Survey, interrupted: AbortSignal): Promise<number> {
  const began = performance.now();
  const finished = new AbortController();
  const end = AbortSignal.any([interrupted, finished.signal]);
  const receiving = survey.receive(end).catch((error: unknown) => {
    if (!end.aborted) finished.abort(error);
  });
  try {
    for (let round = 0; round <= survey.retries && !survey.is_complete(); round++) {
      if ((await send_round(survey, end)) === 0) break;
      await wait_for_last(survey, end);
    }
  } catch (error) {
    if (!interrupted.aborted) throw error;
  } finally {
    finished.abort();
    await receiving;
  }
  return (performance.now() - began) / 1000;
}

/** Asks all that are not settled; how many these were. */
async function send_round(survey: Survey, end: AbortSignal): Promise<number> {
  const { rate, count } = survey;
  // A slow rate sends single ones, evenly.
  const due = rate === 0 ? BATCH : Math.max(1, Math.min(BATCH, Math.floor(rate / 100)));
  const began = performance.now();
  let batch: number[] = [];
  let sent = 0;
  for (let i = 0; i < count; i++) {
    if (survey.is_settled(i)) continue;
    batch.push(i);
    if (batch.length < due) continue;
    sent += batch.length;
    await survey.send(batch, end);
    batch = [];
    survey.progress(i);
    const early = rate === 0 ? 0 : began + (sent * 1000) / rate - performance.now();
    // Even without a rate, the answers have their turn.
    if (early >= 1) await sleep(early, undefined, { signal: end });
    else await next_turn();
    end.throwIfAborted();
  }
  if (batch.length > 0) await survey.send(batch, end);
  return sent + batch.length;
}

async function wait_for_last(survey: Survey, end: AbortSignal): Promise<void> {
  const until = performance.now() + survey.wait * 1000;
  while (!survey.is_complete() && performance.now() < until) {
    await sleep(Math.min(20, survey.wait * 1000), undefined, { signal: end });
    survey.progress(survey.count);
  }
}
