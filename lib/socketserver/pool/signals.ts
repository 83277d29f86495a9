// Signals that reach a whole group of processes: Ctrl-C, and those of systemd and timeout(1). The server decides what they mean.
// Its children ignore a signal that the server has a listener for, and so finish their requests; by any other signal they die
// with the server.
import { constants } from 'node:os';
import { addon } from '../../native/addon.js';
import type { SharedState } from './state/shared_state.js';

const { SIGHUP, SIGINT, SIGTERM } = constants.signals;
const NUMBERS: Readonly<Record<string, number>> = { SIGHUP, SIGINT, SIGTERM };
/** Milliseconds that children ignore a signal after its listener was removed: `process.once()` does so at the signal itself. */
const KEEP_MS = 1000;

/** Tells a pool which signals the server has a listener for: a bit for each. */
type Tell = (bits: number) => void;

/** One function for each pool with child processes. */
const pools = new Set<Tell>();
let handled = 0;

function tell_all(bits: number): void {
  handled = bits;
  for (const tell of pools) tell(bits);
}

function on_new_listener(name: string | symbol): void {
  const number = NUMBERS[String(name)];
  if (number !== undefined) tell_all(handled | (1 << number));
}

function on_remove_listener(name: string | symbol): void {
  if (NUMBERS[String(name)] !== undefined) setTimeout(() => tell_all(listened()), KEEP_MS).unref();
}

/** Returns the bits of the signals that have a listener. */
function listened(): number {
  const names = Object.entries(NUMBERS).filter(([name]) => process.listenerCount(name) > 0);
  return names.reduce((bits, [, number]) => bits | (1 << number), 0);
}

/** Tells a pool now and later which signals are handled. Returns a function that ends this. */
export function share_handled_signals(tell: Tell): () => void {
  if (pools.size === 0) process.on('newListener', on_new_listener).on('removeListener', on_remove_listener);
  pools.add(tell);
  tell_all(listened());
  return () => {
    if (!pools.delete(tell) || pools.size > 0) return;
    process.off('newListener', on_new_listener).off('removeListener', on_remove_listener);
  };
}

/** Makes a child process ignore the signals that its server handles, as long as the server does. */
export function ignore_handled_by_server(state: SharedState): void {
  addon.ignore_signals(state.handled_signals, Object.values(NUMBERS));
}
