// The lines of fping: times, averages, summaries and statistics.
import type { Spread, Tally } from './tally.js';

/** Returns a time in milliseconds as fping prints it, with three significant digits. */
export function short_time(ms: number): string {
  if (ms < 1) return ms.toFixed(3);
  if (ms < 10) return ms.toFixed(2);
  return ms.toFixed(ms < 100 ? 1 : 0);
}

/** Returns the percentage of requests without an answer, a whole number. */
const loss = ({ sent, received }: Spread) => (sent === 0 ? 0 : Math.trunc(((sent - received) * 100) / sent));

/** Returns "0.039 avg, 0% loss". */
export function average(spread: Spread): string {
  return `${spread.received === 0 ? 'NaN' : short_time(spread.avg)} avg, ${loss(spread)}% loss`;
}

/** Returns the time without answers. @param period milliseconds */
export const outage = ({ sent, received }: Spread, period: number) =>
  `, outage(ms) = ${(sent - received) * period}`;

/** Returns "xmt/rcv/%loss = 2/2/0%, min/avg/max = 0.031/0.039/0.048". */
export function summary_text(spread: Spread, outage_text: string): string {
  const { sent, received, min, avg, max } = spread;
  const times = received === 0 ? '' : `, min/avg/max = ${[min, avg, max].map(short_time).join('/')}`;
  return `xmt/rcv/%loss = ${sent}/${received}/${loss(spread)}%${outage_text}${times}`;
}

/** What the statistics of -s count. */
export interface Counted {
  readonly list: { readonly count: number };
  readonly answered: number;
  readonly unknown: number;
  readonly sent: number;
  readonly other_icmp: number;
  readonly tally: Tally;
}

/** Returns the lines of -s. */
export function statistics_text(
  { list, answered, unknown, sent, other_icmp, tally }: Counted,
  seconds: number,
): string[] {
  const count = (value: number, words: string) => `${String(value).padStart(8)} ${words}`;
  const time = (ms: number, words: string) => ` ${short_time(ms)} ms (${words} round trip time)`;
  const some = tally.replies > 0;
  return [
    '',
    count(list.count + unknown, 'targets'),
    count(answered, 'alive'),
    count(list.count - answered, 'unreachable'),
    count(unknown, 'unknown addresses'),
    '',
    count(tally.timeouts, 'timeouts (waiting for response)'),
    count(sent, 'ICMP Echos sent'),
    count(tally.replies, 'ICMP Echo Replies received'),
    count(other_icmp, 'other ICMP received'),
    '',
    time(some ? tally.min : 0, 'min'),
    time(some ? tally.sum / tally.replies : 0, 'avg'),
    time(some ? tally.max : 0, 'max'),
    `${seconds.toFixed(3).padStart(13)} sec (elapsed real time)`,
    '',
  ];
}
