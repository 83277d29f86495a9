// The status of a command that runs on many hosts: one line at the end of a terminal, below the output. Whoever waits sees for whom.

import { type Paint, plain } from './colour.js';
import type { Fold } from './gather.js';
import { type Progress, seconds_text } from './progress.js';
import { fit } from './text.js';

export interface StatusOptions {
  /** of the terminal */
  readonly columns: number;
  readonly fold: Fold;
  /** Default: no colours */
  readonly paint?: Paint | undefined;
}

/**
 * Returns the line.
 *
 * @param now seconds, of the clock of `progress`
 * @example
 * status_line(progress, now, { columns: 80, fold }); // '28 of 30 hosts done, 2 failed, 12 s; on web07,db[01-02]'
 */
export function status_line(
  progress: Progress,
  now: number,
  { columns, fold, paint = plain }: StatusOptions,
): string {
  const failed = progress.count('failed');
  const done = progress.count('ok') + failed;
  const running = [...progress.hosts].filter(([, { state }]) => state === 'running').map(([name]) => name);
  const parts = [
    `${done} of ${progress.hosts.size} hosts done`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    seconds_text(now - progress.started),
  ];
  const on = running.length > 0 ? `; on ${fold(running)}` : '';
  return paint(fit(`${parts.join(', ')}${on}`, columns).trimEnd(), failed > 0 ? 'yellow' : 'bold');
}
