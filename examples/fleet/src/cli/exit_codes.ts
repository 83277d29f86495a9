// The exit codes of fleet. All hosts failed in one way: its code; in several ways: MIXED. Hosts that were not begun count only if nothing else failed.

import type { FailureClass, Outcome } from '../types.js';

export const MIXED = 1;
/** the command line, the inventory or a file of ssh is wrong: nothing was begun */
export const USAGE = 2;
export const OF_CLASS: Readonly<Record<FailureClass, number>> = {
  unreachable: 3,
  refused: 4,
  'host-key': 5,
  authentication: 6,
  'non-zero': 7,
  signal: 8,
  'timed-out': 9,
  'cut-off': 10,
  transfer: 11,
  stopped: 12,
  protocol: 13,
};

/** Returns the exit code of an operation. */
export function exit_code_of(outcomes: readonly Outcome[]): number {
  const classes = new Set(outcomes.flatMap(({ failure }) => failure ?? []));
  if (classes.size > 1) classes.delete('stopped');
  const [first] = classes;
  if (first === undefined) return 0;
  return classes.size > 1 ? MIXED : OF_CLASS[first];
}
