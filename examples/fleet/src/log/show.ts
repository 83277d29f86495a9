// Records of the log as lines for people (`fleet log`). `--json` prints the records themselves.

import { bytes_text, seconds_text } from '../view/progress.js';
import { safe_text } from '../view/text.js';
import type { EntryRecord } from './query.js';

/**
 * Returns a line that is safe to print.
 *
 * @example
 * for await (const record of query_log(path)) console.log(entry_line(record));
 */
export function entry_line(record: EntryRecord): string {
  const { time, who, sudo_user, kind, action, host, where, hosts, succeeded, result, seconds } = record;
  const as = record.as === undefined ? undefined : `(as ${record.as})`;
  const what = [record.command, as, record.source, record.target]
    .filter((part) => part !== undefined)
    .join(' ');
  const place = kind === 'host' ? (host ?? '') : `${where ?? ''}${count_text(kind, hosts, succeeded)}`;
  const end = [
    result ?? kind,
    detail_of(record),
    moved_text(record),
    seconds === undefined ? '' : seconds_text(seconds),
  ];
  const name = sudo_user === undefined ? who : `${sudo_user} as ${who}`;
  const parts = [local_time(time), name, action, place, end.filter((part) => part !== '').join(', '), what];
  return parts
    .map((part) => safe_text(part))
    .filter((part) => part !== '')
    .join('  ');
}

function count_text(kind: string, hosts: number | undefined, succeeded: number | undefined): string {
  if (hosts === undefined) return '';
  return kind === 'end' && succeeded !== undefined ? ` (${succeeded} of ${hosts} ok)` : ` (${hosts})`;
}

function detail_of({ reason, exit_code, signal, attempts }: EntryRecord): string {
  const first = reason ?? signal ?? (exit_code ? `exit ${exit_code}` : '');
  return attempts !== undefined && attempts > 1
    ? `${first === '' ? '' : `${first}, `}attempt ${attempts}`
    : first;
}

/** Of a transfer: what went, and how many files the record has by name, if it has not all. */
function moved_text({ bytes, files = [], more_files = 0 }: EntryRecord): string {
  if (bytes === undefined) return '';
  const count = files.length + more_files;
  const named = more_files > 0 ? ` (${files.length} named)` : '';
  return `${bytes_text(bytes)} moved${count > 0 ? `, ${count === 1 ? '1 file' : `${count} files`}${named}` : ''}`;
}

/** The time of this machine's zone to the second; a text that is no time as it is. */
function local_time(text: string): string {
  const time = new Date(text);
  if (Number.isNaN(time.getTime())) return text;
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join('-');
  return `${day} ${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':')}`;
}
