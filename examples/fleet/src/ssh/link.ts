// Link: the end of one SSH connection, and why. ssh2 leaves a stream open whose other side has ended, or sends garbage and stays: here the first
// error ends the connection, and is its reason. And ssh2 answers whatever is asked: of a host that takes no answer, nothing more is read.

import type { Duplex } from 'node:stream';
import type { Client } from 'ssh2';
import { FleetFailure } from '../failure.js';

/** Bytes that may wait to be sent to a host while it is read. A transfer has as many under way. */
const MOST_UNSENT = 4 << 20;

export class Link {
  /** settled when the connection is authenticated, or has failed with a FleetFailure */
  readonly ready: Promise<void>;
  /** resolved with the reason when the connection was lost */
  readonly gone: Promise<FleetFailure>;
  readonly #stream: Duplex;
  #is_ready = false;
  #is_closed = false;
  #lost: FleetFailure | undefined;
  #tell: (failure: FleetFailure) => void = () => {};

  /** @param failure_of returns what an error of the client means; undefined: it goes on */
  constructor(
    client: Client,
    stream: Duplex,
    failure_of: (error: Error, is_ready: boolean) => FleetFailure | undefined,
  ) {
    this.#stream = stream;
    this.gone = new Promise((resolve) => {
      this.#tell = resolve;
    });
    this.ready = new Promise((resolve, reject) => {
      client.on('ready', () => {
        this.#is_ready = true;
        resolve();
      });
      this.gone.then(reject);
    });
    // Who waits for it may have stopped waiting.
    this.ready.catch(() => {});
    client.on('error', (error) => {
      const failure = failure_of(error, this.#is_ready);
      if (failure) this.#lose(failure);
    });
    const on_end = () => {
      const when = this.#is_ready ? '' : ' before it was ready';
      this.#lose(new FleetFailure('cut-off', `the host closed the connection${when}`));
    };
    client.on('end', on_end).on('close', on_end);
  }

  /** Begins to look at what waits. @param stream has been paused, or this would make it flow */
  watch(): void {
    const stream = this.#stream;
    stream.on('data', () => {
      if (stream.writableLength <= MOST_UNSENT) return;
      stream.pause();
      stream.once('drain', () => stream.resume());
    });
  }

  /** Returns why the connection was lost; undefined: it was not. */
  lost(): FleetFailure | undefined {
    return this.#lost;
  }

  close(): void {
    this.#is_closed = true;
    this.#stream.destroy();
  }

  #lose(failure: FleetFailure): void {
    if (this.#is_closed) return;
    this.#lost = failure;
    this.#tell(failure);
    this.close();
  }
}
