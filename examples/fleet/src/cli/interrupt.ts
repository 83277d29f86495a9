// ^C while an operation runs.

import { NodeSet } from '../hosts/nodesets.js';
import type { FleetEvent } from '../types.js';

/** Signals that a program is ended by: when its terminal is closed, or by kill(1). */
const ENDS = ['SIGTERM', 'SIGHUP'] as const;

/** ^C: the first one lets no further host begin and says what still runs; the second one ends that, as ENDS do; the third one ends fleet. */
export class Interrupt {
  readonly #stop = new AbortController();
  readonly #drain = new AbortController();
  readonly #running = new Set<string>();
  #ended = 0;
  readonly #count: number;
  readonly #say: (text: string) => void;
  readonly #on_signal = () => this.#interrupted();
  readonly #on_end = (name: string) => this.stop(`fleet: ${name}: `);

  /** @param say prints whole lines for the user */
  constructor(count: number, say: (text: string) => void) {
    this.#count = count;
    this.#say = say;
    process.on('SIGINT', this.#on_signal);
    for (const name of ENDS) process.on(name, this.#on_end);
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
    for (const name of ENDS) process.removeListener(name, this.#on_end);
  }

  /** Ends what runs. @param why with its end, in front of what is said to the user */
  stop(why: string): void {
    if (this.#stop.signal.aborted) return;
    this.#drain.abort();
    if (this.#running.size > 0)
      this.#say(`${why}ending ${this.#running_hosts()}; ^C leaves what has not ended\n`);
    this.#stop.abort();
  }

  #running_hosts(): string {
    return NodeSet.of(this.#running).fold();
  }

  #interrupted(): void {
    if (!this.#drain.signal.aborted) {
      this.#drain.abort();
      this.#say(
        `\n${this.#ended} of ${this.#count} done; no further host begins. ^C again ends ${this.#running_hosts()}\n`,
      );
    } else if (!this.#stop.signal.aborted) {
      this.stop('\n');
    } else {
      // By the signal itself: process.exit() would wait for a terminal that takes no output.
      this.close();
      process.kill(process.pid, 'SIGINT');
    }
  }
}
