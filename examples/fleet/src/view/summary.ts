// The summary of an operation: how many hosts succeeded, and each failure by class, with its hosts and its reason.

import type { FailureClass, Outcome } from '../types.js';
import { type Paint, plain } from './colour.js';
import type { Fold } from './gather.js';
import { seconds_text } from './progress.js';
import { safe_text } from './text.js';

/** Hosts that failed in the same way. */
export interface FailureGroup {
  readonly failure: FailureClass;
  readonly reason: string;
  readonly hosts: readonly string[];
}

/** The order of the summary: what concerns the connection first. */
const ORDER: readonly FailureClass[] = [
  'unreachable',
  'refused',
  'host-key',
  'authentication',
  'protocol',
  'timed-out',
  'cut-off',
  'signal',
  'non-zero',
  'transfer',
  'stopped',
];

/** Returns the failures by class and reason. */
export function failures_of(outcomes: readonly Outcome[]): FailureGroup[] {
  const groups = new Map<string, { failure: FailureClass; reason: string; hosts: string[] }>();
  for (const outcome of outcomes) {
    if (outcome.ok) continue;
    const failure = outcome.failure ?? 'protocol';
    const reason = reason_of(outcome);
    const group = groups.get(`${failure} ${reason}`);
    if (group === undefined) groups.set(`${failure} ${reason}`, { failure, reason, hosts: [outcome.host] });
    else group.hosts.push(outcome.host);
  }
  const place = ({ failure }: FailureGroup) => ORDER.indexOf(failure);
  return [...groups.values()].sort((a, b) => place(a) - place(b) || b.hosts.length - a.hosts.length);
}

function reason_of({ reason, exit_code, signal }: Outcome): string {
  if (reason !== undefined) return safe_text(reason);
  if (exit_code !== undefined) return `exit ${exit_code}`;
  return signal === undefined ? '' : safe_text(signal);
}

/**
 * Returns the lines of the summary: one if all is well.
 *
 * @param seconds duration of the whole operation
 */
export function summary_lines(
  outcomes: readonly Outcome[],
  seconds: number,
  fold: Fold,
  paint: Paint = plain,
): string[] {
  const failures = failures_of(outcomes);
  const failed = failures.reduce((sum, { hosts }) => sum + hosts.length, 0);
  const ok = outcomes.length - failed;
  const counts = [`${ok} ok`, ...(failed > 0 ? [`${failed} failed`] : [])].join(', ');
  const retried = outcomes.filter(({ attempts }) => attempts > 1).length;
  const more = retried > 0 ? `, ${retried} after more than one attempt` : '';
  const first = `${counts} of ${hosts_text(outcomes.length)} in ${seconds_text(seconds)}${more}`;
  return [
    paint(first, failed > 0 ? 'red' : 'green'),
    ...failures.map(({ failure, reason, hosts }) => {
      const count = hosts.length > 1 ? ` (${hosts.length})` : '';
      return `  ${paint(failure.padEnd(14), 'red')} ${fold(hosts)}${count}${reason === '' ? '' : `: ${reason}`}`;
    }),
  ];
}

const hosts_text = (count: number) => (count === 1 ? '1 host' : `${count} hosts`);
