// What the manager knows of one worker.
import { readFileSync } from 'node:fs';
import type { ChildState } from './state/process_state.js';
import type { WorkerSlot } from './state/shared_state.js';

/** A worker as the manager sees it. */
export interface WorkerRecord {
  readonly slot: WorkerSlot;
  /** The pid of a child process, and its memory. */
  readonly pid: number | undefined;
  readonly child: ChildState | undefined;
  /** The number by which the limits' table knows it. */
  readonly limits_number: number | undefined;
  ready: boolean;
  /** The folder of its thread in /proc. */
  task: string | undefined;
  /** The request that was seen last, by its number, and the time it was seen first. */
  serial: number;
  seen_ms: number;
  /** The reason for killing the worker, for the error of its request. */
  reason: string | undefined;
  /** True if the reason is what the worker itself has sent or written. Its slot may be wrong then. */
  is_rogue: boolean;
  /** The error that the worker failed with by itself. */
  error: unknown;
  /** Kills the worker. */
  end(): void;
}

/** Returns whether a thread sleeps; true if its folder in /proc cannot be read. */
export function is_asleep(task: string | undefined): boolean {
  try {
    const stat = readFileSync(`${task}/stat`, 'latin1');
    // The state follows the name, which may hold any character and so also parentheses.
    return stat[stat.lastIndexOf(')') + 2] !== 'R';
  } catch {
    return true;
  }
}
