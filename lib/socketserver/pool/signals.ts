// Signals that reach a whole group of processes: Ctrl-C, and those of systemd and timeout(1). The server decides what they mean.
// Its children ignore a signal that the server has a listener for, and so finish their requests; by any other signal they die
// with the server.
import { constants } from 'node:os';
import { addon } from '../../native/addon.js';
import type { SharedState } from './shared_state.js';

const { SIGHUP, SIGINT, SIGTERM } = constants.signals;
const NUMBERS: Readonly<Record<string, number>> = { SIGHUP, SIGINT, SIGTERM };
/** Milliseconds that children ignore a signal after its listener was removed: `process.once()` does so at the signal itself. */
const KEEP_MS = 1000;

/** The states of the pools with child processes. */
const states = new Set<SharedState>();

function on_new_listener(name: string | symbol): void {
  const number = NUMBERS[String(name)];
  if (number !== undefined) for (const state of states) state.add_handled_signals(1 << number);
}

function on_remove_listener(name: string | symbol): void {
  if (NUMBERS[String(name)] !== undefined) setTimeout(() => states.forEach(write), KEEP_MS).unref();
}

function write(state: SharedState): void {
  const handled = Object.entries(NUMBERS).filter(([name]) => process.listenerCount(name) > 0);
  state.set_handled_signals(handled.reduce((bits, [, number]) => bits | (1 << number), 0));
}

/** Keeps the handled signals in a pool's state up to date. Returns a function that ends this. */
export function share_handled_signals(state: SharedState): () => void {
  if (states.size === 0) process.on('newListener', on_new_listener).on('removeListener', on_remove_listener);
  states.add(state);
  write(state);
  return () => {
    if (!states.delete(state) || states.size > 0) return;
    process.off('newListener', on_new_listener).off('removeListener', on_remove_listener);
  };
}

/** Makes a child process ignore the signals that its server handles, as long as the server does. */
export function ignore_handled_by_server(state: SharedState): void {
  addon.ignore_signals(state.handled_signals, Object.values(NUMBERS));
}
