// Conditions of the network that pass: a link that is down for a moment, a full queue. A loop that receives goes on after them, and one
// that sends goes on when the queue has room.
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

/**
 * has_room_again(error, signal) -> true after a pause if the queue of the interface was full (ENOBUFS): the packet was not sent, and the
 * caller sends it again; false for any other error.
 *
 * @throws the signal's reason
 */
export async function has_room_again(error: unknown, signal: AbortSignal): Promise<boolean> {
  if (!(error instanceof socket.OSError) || error.code !== 'ENOBUFS') return false;
  await sleep(PAUSE_MS, undefined, { signal });
  return true;
}
