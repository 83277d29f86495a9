// Output as it comes: each line with its host in front, as clush prints it. Both streams stay apart, and a line is never mixed with another one.

import type { FleetEvent } from '../types.js';
import { colour_of, type Paint, plain } from './colour.js';
import { LineSplitter, safe_line, safe_text } from './text.js';

type Stream = 'stdout' | 'stderr';
type Output = Extract<FleetEvent, { readonly type: 'output' }>;

export interface LiveOptions {
  /** hears whole lines, with their ends */
  readonly write: (text: string, stream: Stream) => void;
  /** Default: no colours */
  readonly paint?: Paint | undefined;
  /** false: no host in front. Default: true */
  readonly prefix?: boolean | undefined;
}

/**
 * Prints output of hosts line by line.
 *
 * @example
 * const live = new LiveView({ write: (text, stream) => process[stream].write(text) });
 */
export class LiveView {
  readonly #splitters = new Map<string, Record<Stream, LineSplitter>>();

  constructor(private readonly options: LiveOptions) {}

  take(event: Output): void {
    this.#of(event.host)[event.stream].feed(event.data);
  }

  /** A host ends: its last lines may lack their ends. */
  end(host: string): void {
    const splitters = this.#splitters.get(host);
    if (splitters === undefined) return;
    splitters.stdout.end();
    splitters.stderr.end();
    this.#splitters.delete(host);
  }

  #of(host: string): Record<Stream, LineSplitter> {
    let splitters = this.#splitters.get(host);
    if (splitters === undefined) {
      splitters = { stdout: this.#splitter(host, 'stdout'), stderr: this.#splitter(host, 'stderr') };
      this.#splitters.set(host, splitters);
    }
    return splitters;
  }

  #splitter(host: string, stream: Stream): LineSplitter {
    const { write, paint = plain, prefix = true } = this.options;
    const front = prefix ? front_of(host, stream, paint) : '';
    return new LineSplitter((line) => write(`${front}${safe_line(line)}\n`, stream));
  }
}

/** Returns what stands in front of a line of a host. */
export const front_of = (host: string, stream: Stream, paint: Paint) =>
  `${paint(`${safe_text(host)}:`, stream === 'stderr' ? 'red' : colour_of(host))} `;
