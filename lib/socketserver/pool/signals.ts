// Signals that come to a whole group of processes: Ctrl-C, and what systemd and timeout(1) send. The server decides what they
// mean: those that it has a listener for its children ignore, and so finish their requests; of others they die with it.
import { constants } from 'node:os';
import { addon } from '../../native/addon.js';
import { HANDLED } from './shared_state.js';

const { SIGHUP, SIGINT, SIGTERM } = constants.signals;
const NUMBERS: Readonly<Record<string, number>> = { SIGHUP, SIGINT, SIGTERM };
/** A listener that is gone so recently may have had the signal that children get now: `process.once()`. */
const KEEP_MS = 1000;

const pools = new Set<Int32Array>();

function added(name: string | symbol): void {
  const number = NUMBERS[String(name)];
  if (number !== undefined) for (const counters of pools) Atomics.or(counters, HANDLED, 1 << number);
}

function removed(name: string | symbol): void {
  if (NUMBERS[String(name)] !== undefined) setTimeout(() => pools.forEach(write), KEEP_MS).unref();
}

function write(counters: Int32Array): void {
  const handled = Object.entries(NUMBERS).filter(([name]) => process.listenerCount(name) > 0);
  const bits = handled.reduce((sum, [, number]) => sum | (1 << number), 0);
  Atomics.store(counters, HANDLED, bits);
}

/** Keeps what children see of this process's listeners true, until what it gives is called. */
export function share_handled(counters: Int32Array): () => void {
  if (pools.size === 0) process.on('newListener', added).on('removeListener', removed);
  pools.add(counters);
  write(counters);
  return () => {
    if (!pools.delete(counters) || pools.size > 0) return;
    process.off('newListener', added).off('removeListener', removed);
  };
}

/** Ignores, in a child, what the server handles. */
export function spare_handled(counters: Int32Array): void {
  const offset = counters.byteOffset + HANDLED * counters.BYTES_PER_ELEMENT;
  addon.spare_signals(
    new Uint8Array(counters.buffer, offset, counters.BYTES_PER_ELEMENT),
    Object.values(NUMBERS),
  );
}
