// Gathered output: hosts whose output is equal, byte by byte, in both streams, are one group. Equality is that of hashes over everything; what is
// kept to print is bounded, so that a host that prints 200 MB costs 1 MB.

import { createHash, type Hash } from 'node:crypto';
import type { FleetEvent, Outcome } from '../types.js';
import { type Paint, plain } from './colour.js';
import { type DiffLine, diff_lines } from './diff.js';
import { LineSplitter, safe_line } from './text.js';

type Stream = 'stdout' | 'stderr';
type Output = Extract<FleetEvent, { readonly type: 'output' }>;

/** Hosts with equal output. */
export interface Group {
  readonly hosts: readonly string[];
  readonly stdout: Text;
  readonly stderr: Text;
}

/** The output of a stream, its lines safe to print. */
export interface Text {
  readonly lines: readonly string[];
  /** all bytes that came */
  readonly bytes: number;
  /** bytes at the end that were not kept */
  readonly missing: number;
}

interface Kept {
  readonly hash: Hash;
  readonly parts: Uint8Array[];
  bytes: number;
  kept: number;
}

/** Names of hosts as a text: `web[01-12]`. */
export type Fold = (hosts: readonly string[]) => string;

export class Gatherer {
  readonly #hosts = new Map<string, Record<Stream, Kept>>();

  /** @param most bytes that are kept of each stream of a host */
  constructor(private readonly most = 1 << 20) {}

  /** A host takes part, also if it prints nothing. */
  begin(host: string): void {
    const fresh = (): Kept => ({ hash: createHash('sha256'), parts: [], bytes: 0, kept: 0 });
    this.#hosts.set(host, { stdout: fresh(), stderr: fresh() });
  }

  take({ host, stream, data }: Output): void {
    if (!this.#hosts.has(host)) this.begin(host);
    const kept = this.#hosts.get(host)?.[stream];
    if (kept === undefined) return;
    kept.hash.update(data);
    kept.bytes += data.length;
    const part = data.subarray(0, this.most - kept.kept);
    if (part.length === 0) return;
    kept.parts.push(Uint8Array.from(part));
    kept.kept += part.length;
  }

  /** A host ends: if its command was never run, and nothing came, it does not take part. */
  end({ host, failure }: Outcome): void {
    const has_run = failure === undefined || failure === 'non-zero' || failure === 'signal';
    const streams = this.#hosts.get(host);
    if (!has_run && streams?.stdout.bytes === 0 && streams.stderr.bytes === 0) this.#hosts.delete(host);
  }

  /** Returns the output of a host. */
  of(host: string): Record<Stream, Text> | undefined {
    const streams = this.#hosts.get(host);
    return streams && { stdout: text_of(streams.stdout), stderr: text_of(streams.stderr) };
  }

  /** Returns the groups, the largest first; equally large ones in the order in which their hosts began. */
  groups(): Group[] {
    const found = new Map<string, { hosts: string[]; streams: Record<Stream, Kept> }>();
    for (const [host, streams] of this.#hosts) {
      const key = `${digest(streams.stdout)} ${digest(streams.stderr)}`;
      const group = found.get(key);
      if (group === undefined) found.set(key, { hosts: [host], streams });
      else group.hosts.push(host);
    }
    return [...found.values()]
      .sort((a, b) => b.hosts.length - a.hosts.length)
      .map(({ hosts, streams }) => ({
        hosts,
        stdout: text_of(streams.stdout),
        stderr: text_of(streams.stderr),
      }));
  }
}

/** A hash that goes on: groups() may be called again. */
const digest = ({ hash }: Kept) => hash.copy().digest('hex');

function text_of({ parts, bytes, kept }: Kept): Text {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(safe_line(line)));
  for (const part of parts) splitter.feed(part);
  splitter.end();
  return { lines, bytes, missing: bytes - kept };
}

const RULE = '-'.repeat(15);

/** Returns the groups as lines, each under its hosts. */
export function gathered_lines(groups: readonly Group[], fold: Fold, paint: Paint = plain): string[] {
  return groups.flatMap(({ hosts, stdout, stderr }) => [
    ...heading(hosts, fold, paint),
    ...(stdout.bytes + stderr.bytes === 0 ? [paint('(no output)', 'dim')] : []),
    ...body(stdout),
    ...(stderr.bytes > 0 ? [paint('(stderr)', 'red'), ...body(stderr)] : []),
  ]);
}

function heading(hosts: readonly string[], fold: Fold, paint: Paint, more = ''): string[] {
  const count = hosts.length > 1 ? ` (${hosts.length})` : '';
  return [RULE, `${paint(fold(hosts), 'bold')}${count}${more}`, RULE];
}

export function body({ lines, missing }: Text): string[] {
  return missing > 0 ? [...lines, `… ${missing} bytes more`] : [...lines];
}

/** Returns the largest group as it is, and what each other one has instead, as unified differences. */
export function difference_lines(groups: readonly Group[], fold: Fold, paint: Paint = plain): string[] {
  const [majority, ...others] = groups;
  if (majority === undefined) return [];
  const count = majority.hosts.length;
  const against = ` against ${count === 1 ? fold(majority.hosts) : `the ${count} hosts above`}`;
  const lines = gathered_lines([majority], fold, paint);
  for (const { hosts, stdout, stderr } of others) {
    lines.push(...heading(hosts, fold, paint, against));
    lines.push(...changes(majority.stdout, stdout, paint));
    const of_stderr = changes(majority.stderr, stderr, paint);
    if (of_stderr.length > 0) lines.push(paint('(stderr)', 'red'), ...of_stderr);
  }
  return lines;
}

function changes(from: Text, to: Text, paint: Paint): string[] {
  const found = diff_lines(body(from), body(to));
  if (found === undefined)
    return [`the outputs have too little in common: ${from.lines.length} and ${to.lines.length} lines`];
  return found.map((line) => shown(line, paint));
}

function shown({ kind, text }: DiffLine, paint: Paint): string {
  if (kind === 'hunk') return paint(text, 'cyan');
  if (kind === 'removed') return paint(`-${text}`, 'red');
  return kind === 'added' ? paint(`+${text}`, 'green') : ` ${text}`;
}
