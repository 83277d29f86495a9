// Conditions of the network that pass: a link that is down for a moment, a full queue. A loop that receives goes on after them.
import { setTimeout as sleep } from 'node:timers/promises';
import * as socket from '../../promises/index.js';

const PASSING: ReadonlySet<string | undefined> = new Set(['ENETDOWN', 'ENOBUFS', 'ENODEV']);
/** The pause after such an error, so that one that is reported again and again does not occupy the processor. */
const PAUSE_MS = 10;

/**
 * passing_errors(signal, receive) -> the result of `receive`; undefined after an error of a condition that passes.
 *
 * @throws the signal's reason; any other error
 */
export async function passing_errors<R>(
  signal: AbortSignal,
  receive: () => Promise<R>,
): Promise<R | undefined> {
  try {
    return await receive();
  } catch (error) {
    if (!(error instanceof socket.OSError) || !PASSING.has(error.code)) throw error;
    await sleep(PAUSE_MS, undefined, { signal });
    return undefined;
  }
}
