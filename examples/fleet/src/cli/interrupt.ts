// ^C while an operation runs.

import { NodeSet } from '../hosts/nodesets.js';
import type { FleetEvent } from '../types.js';

/** ^C: the first one lets no further host begin and says what still runs; the second one ends that; the third one ends fleet. */
export class Interrupt {
  readonly #stop = new AbortController();
  readonly #drain = new AbortController();
  readonly #running = new Set<string>();
  #ended = 0;
  readonly #count: number;
  readonly #on_signal = () => this.#interrupted();

  constructor(count: number) {
    this.#count = count;
    process.on('SIGINT', this.#on_signal);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  get drain(): AbortSignal {
    return this.#drain.signal;
  }

  event(event: FleetEvent): void {
    if (event.type === 'begin') this.#running.add(event.host);
    if (event.type !== 'end') return;
    this.#running.delete(event.outcome.host);
    this.#ended++;
  }

  close(): void {
    process.removeListener('SIGINT', this.#on_signal);
  }

  #interrupted(): void {
    if (!this.#drain.signal.aborted) {
      this.#drain.abort();
      const running = NodeSet.of(this.#running).fold();
      process.stderr.write(
        `\n${this.#ended} of ${this.#count} done; no further host begins. ^C again ends ${running}\n`,
      );
    } else if (!this.#stop.signal.aborted) {
      this.#stop.abort();
    } else {
      process.exit(130);
    }
  }
}
