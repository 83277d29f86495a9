// The state of an operation over hosts and bytes, and its view as lines of a terminal: a function of the state, the size and the time alone. With few
// hosts each has a line; with more than fit, those that failed last and those that are at work, and a line that counts the rest. What writes the
// lines is painter.ts.

import type { FileState, FleetEvent } from '../types.js';
import { type Paint, plain } from './colour.js';
import { fit, safe_text, width_of } from './text.js';

type State = 'waiting' | 'running' | 'ok' | 'failed';

interface HostProgress {
  state: State;
  /** of files that are done, and of the one under way */
  done: number;
  current: number;
  total: number | undefined;
  path: string;
  /** bytes that went over the network */
  moved: number;
  /** the file that is being hashed, on either side, and its part that is: nothing of it moves meanwhile */
  hashing: { readonly path: string; readonly part: number } | undefined;
  files: number;
  attempt: number;
  reason: string;
  since: number;
}

/** Seconds that the rate is measured over. */
const WINDOW = 5;

/** What is known of an operation while it runs. Times are seconds of any clock that does not go back. */
export class Progress {
  readonly hosts = new Map<string, HostProgress>();
  readonly started: number;
  /** bytes of all hosts that went over the network */
  bytes = 0;
  readonly files = new Map<FileState, number>();
  #samples: { readonly time: number; readonly bytes: number }[] = [];

  /**
   * @param names all hosts
   * @param total bytes that each host gets, if that is known
   * @param now seconds
   */
  constructor(
    names: readonly string[],
    readonly total: number | undefined,
    now: number,
  ) {
    this.started = now;
    for (const name of names) this.hosts.set(name, fresh(now));
  }

  take(event: FleetEvent, now: number): void {
    const name = event.type === 'end' ? event.outcome.host : event.host;
    const host = this.hosts.get(name);
    if (host === undefined) return;
    switch (event.type) {
      case 'begin':
        this.bytes -= host.moved;
        Object.assign(host, fresh(now), { state: 'running', attempt: event.attempt });
        break;
      case 'progress':
        this.#move(host, event);
        break;
      case 'hashing':
        host.hashing = { path: event.path, part: event.bytes / Math.max(1, event.total) };
        break;
      case 'file':
        host.files += 1;
        host.done += host.current;
        Object.assign(host, { current: 0, path: '', hashing: undefined });
        this.files.set(event.state, (this.files.get(event.state) ?? 0) + 1);
        break;
      case 'end':
        host.state = event.outcome.ok ? 'ok' : 'failed';
        host.reason = event.outcome.reason ?? event.outcome.failure ?? '';
        host.since = now;
        break;
      case 'output':
        break;
    }
    this.#sample(now);
  }

  #move(host: HostProgress, { path, bytes, total, sent }: FleetEvent & { type: 'progress' }): void {
    if (path !== host.path) Object.assign(host, { done: host.done + host.current, current: 0 });
    // Files of a host go side by side: their sum is right if the event has it.
    const moved = sent ?? host.moved + bytes - host.current;
    this.bytes += moved - host.moved;
    Object.assign(host, { path, current: bytes, total, moved, hashing: undefined });
  }

  #sample(now: number): void {
    const last = this.#samples.at(-1);
    // Ten samples a second at most: 500 hosts tell of thousands of steps.
    if (last !== undefined && now - last.time < 0.1) return;
    this.#samples.push({ time: now, bytes: this.bytes });
    while ((this.#samples[1]?.time ?? now) < now - WINDOW) this.#samples.shift();
  }

  /** Returns bytes in a second, over the last seconds. */
  rate(now: number): number {
    const first = this.#samples[0];
    if (first === undefined || now <= first.time) return 0;
    return Math.max(0, this.bytes - first.bytes) / (now - first.time);
  }

  count(state: State): number {
    let count = 0;
    for (const host of this.hosts.values()) if (host.state === state) count += 1;
    return count;
  }

  /** Returns how many hosts have a file hashed now. */
  get hashing(): number {
    let count = 0;
    for (const { state, hashing } of this.hosts.values())
      if (state === 'running' && hashing !== undefined) count += 1;
    return count;
  }

  /** Returns the part that is done, 0 to 1: of the bytes if their number is known, else of the hosts. */
  part(): number {
    const over = this.count('ok') + this.count('failed');
    if (this.hosts.size === 0) return 1;
    if (this.total === undefined || this.total === 0) return over / this.hosts.size;
    let sum = 0;
    for (const { state, done, current } of this.hosts.values()) {
      sum += state === 'ok' || state === 'failed' ? 1 : Math.min(1, (done + current) / this.total);
    }
    return sum / this.hosts.size;
  }

  /** Returns seconds that are left as far as can be told; undefined: it cannot. */
  left(now: number): number | undefined {
    const part = this.part();
    const passed = now - this.started;
    return part < 0.01 || passed < 2 ? undefined : (passed / part) * (1 - part);
  }
}

const fresh = (now: number): HostProgress => ({
  state: 'waiting',
  done: 0,
  current: 0,
  total: undefined,
  path: '',
  moved: 0,
  hashing: undefined,
  files: 0,
  attempt: 1,
  reason: '',
  since: now,
});

export interface Screen {
  readonly columns: number;
  readonly rows: number;
  readonly paint?: Paint | undefined;
}

/** Returns the view: never more lines than the screen has rows, less one, nor wider than its columns. */
export function progress_lines(progress: Progress, now: number, screen: Screen): string[] {
  const { columns, rows, paint = plain } = screen;
  const room = Math.max(0, rows - 2);
  const lines = [total_line(progress, now, columns, paint)];
  const entries = [...progress.hosts];
  const widest = Math.max(0, ...entries.map(([name]) => width_of(safe_text(name))));
  const names = Math.min(widest, Math.floor(columns / 3));
  const line = ([name, host]: [string, HostProgress]) =>
    host_line(name, host, { now, columns, names, paint });
  if (entries.length <= room) return [...lines, ...entries.map(line)];
  if (room === 0) return lines;
  const shown = chosen(entries, room - 1);
  return [...lines, ...shown.map(line), fit(rest_text(entries, shown), columns).trimEnd()];
}

/** Of the failed ones the latest, on a third of the lines at most; then those that are at work for the longest time. */
function chosen(entries: readonly [string, HostProgress][], room: number): [string, HostProgress][] {
  const of = (state: State) => entries.filter(([, host]) => host.state === state);
  const running = of('running').sort(([, a], [, b]) => a.since - b.since);
  const failures = Math.max(Math.floor(room / 3), room - running.length);
  const failed = of('failed')
    .sort(([, a], [, b]) => b.since - a.since)
    .slice(0, failures);
  return [...failed, ...running.slice(0, room - failed.length)];
}

function rest_text(
  entries: readonly [string, HostProgress][],
  shown: readonly [string, HostProgress][],
): string {
  const counts = new Map<State, number>();
  for (const [, { state }] of entries) counts.set(state, (counts.get(state) ?? 0) + 1);
  for (const [, { state }] of shown) counts.set(state, (counts.get(state) ?? 0) - 1);
  const parts = [...counts].filter(([, count]) => count > 0).map(([state, count]) => `${count} ${state}`);
  return `… and ${parts.join(', ')}`;
}

function total_line(progress: Progress, now: number, columns: number, paint: Paint): string {
  const over = progress.count('ok') + progress.count('failed');
  const failed = progress.count('failed');
  const left = progress.left(now);
  const parts = [
    `${over}/${progress.hosts.size} hosts`,
    failed > 0 ? `${failed} failed` : '',
    progress.bytes > 0 ? `${bytes_text(progress.bytes)}, ${bytes_text(progress.rate(now))}/s` : '',
    left === undefined || over === progress.hosts.size ? '' : `${seconds_text(left)} left`,
  ];
  const text = parts.filter((part) => part !== '').join('  ');
  const room = columns - width_of(text) - 8;
  const percent = `${Math.floor(progress.part() * 100)}%`.padStart(4);
  const front = room >= 10 ? `${bar(progress.part(), Math.min(room, 40))} ` : '';
  return paint(fit(`${front}${percent}  ${text}`, columns).trimEnd(), failed > 0 ? 'yellow' : 'bold');
}

interface Row {
  readonly now: number;
  readonly columns: number;
  readonly names: number;
  readonly paint: Paint;
}

const COLOURS = { waiting: 'dim', running: 'blue', ok: 'green', failed: 'red' } as const;

function host_line(name: string, host: HostProgress, { now, columns, names, paint }: Row): string {
  const front = fit(safe_text(name), names);
  const rest = Math.max(0, columns - names - 1 - 8);
  const state = paint(fit(host.state, 7), COLOURS[host.state]);
  return `${front} ${state} ${fit(host_text(host, now), rest).trimEnd()}`.trimEnd();
}

function host_text(host: HostProgress, now: number): string {
  const { state, current, total, path, moved: bytes, hashing, files, attempt, reason } = host;
  if (state === 'waiting') return '';
  if (state === 'failed') return safe_text(reason);
  const moved = bytes > 0 ? bytes_text(bytes) : '';
  if (state === 'ok')
    return [moved, files > 1 ? `${files} files` : ''].filter((part) => part !== '').join('  ');
  const at = hashing?.path ?? path;
  const part = hashing?.part ?? (total !== undefined && total > 0 ? current / total : undefined);
  const parts = [
    part === undefined ? '' : `${bar(part, 12)} ${`${Math.floor(part * 100)}%`.padStart(4)}`,
    hashing === undefined ? '' : 'hashing',
    moved,
    attempt > 1 ? `attempt ${attempt}` : '',
    at === '' ? seconds_text(now - host.since) : safe_text(at),
  ];
  return parts.filter((part) => part !== '').join('  ');
}

/** Returns what became of the files of all hosts, as a line; undefined: there was none. */
export function files_line({ bytes, files }: Progress): string | undefined {
  if (files.size === 0) return undefined;
  const counts = [...files].map(([state, count]) => `${count} ${state}`).join(', ');
  return `files: ${counts}${bytes > 0 ? `; ${bytes_text(bytes)} moved` : ''}`;
}

function bar(part: number, width: number): string {
  const full = Math.round(Math.max(0, Math.min(1, part)) * width);
  return `${'█'.repeat(full)}${'░'.repeat(width - full)}`;
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Returns bytes for people, by thousands: '1.5 MB'. */
export function bytes_text(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 99.95 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** Returns a duration for people: '0.4 s', '12 s', '3:05', '1:00:09'. */
export function seconds_text(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const two = (value: number) => String(value).padStart(2, '0');
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}
