// Connections to one server for work in parallel. A connection that is lost is made again, and its piece of work begins again: with resume, from
// where it was.

import { FTPError } from '../../errors.js';
import { FTPClient, type FTPClientOptions } from '../../index.js';
import type { Login } from '../credentials.js';

/** ms before work begins again. */
const PAUSE_MS = 200;

export interface PoolOptions {
  readonly client: FTPClientOptions;
  readonly login: () => Promise<Login>;
  /** how often work is begun again after a connection was lost */
  readonly retries: number;
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #idle: FTPClient[] = [];

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Runs work with a connection, again after a loss; `attempt` is 0 at first. */
  async with_client<T>(work: (client: FTPClient, attempt: number) => Promise<T>): Promise<T> {
    const { retries, note, signal } = this.#options;
    for (let attempt = 0; ; attempt++) {
      let client: FTPClient | undefined;
      try {
        client = await this.#client();
        return await work(client, attempt);
      } catch (error) {
        if (signal.aborted || attempt >= retries || !is_loss(error)) throw error;
        client?.close();
        note(`${error.message}: once more (${attempt + 1} of ${retries})`);
        // A server that does not answer is not asked more and more often.
        await pause(
          error.kind === 'transfer' || error.kind === 'verify'
            ? PAUSE_MS
            : Math.min(PAUSE_MS * 2 ** attempt, 10_000),
          signal,
        );
      } finally {
        if (client?.is_connected === true) this.#idle.push(client);
      }
    }
  }

  async #client(): Promise<FTPClient> {
    for (let client = this.#idle.pop(); client !== undefined; client = this.#idle.pop())
      if (client.is_connected) return client;
    const { client: options, login, signal } = this.#options;
    const credentials = await login();
    const client = new FTPClient(options);
    try {
      await client.connect({ signal });
      await client.login(credentials, { signal });
    } catch (error) {
      client.close();
      throw error;
    }
    return client;
  }

  /** Runs `work` for each item, at most `count` at a time. What one item throws does not keep the others from being done. */
  async each<T>(
    items: readonly T[],
    count: number,
    work: (item: T) => Promise<void>,
    on_failure: (error: unknown, item: T) => void,
  ): Promise<void> {
    let next = 0;
    const run = async () => {
      while (next < items.length) {
        const item = items[next++] as T;
        try {
          await work(item);
        } catch (error) {
          on_failure(error, item);
        }
        this.#options.signal.throwIfAborted();
      }
    };
    await Promise.all(Array.from({ length: Math.min(count, items.length) }, run));
  }

  async close(): Promise<void> {
    await Promise.all(this.#idle.map((client) => client.quit().catch(() => {})));
  }
}

function is_loss(error: unknown): error is FTPError {
  // A connection without TLS that is cut can look like one that has ended: then it is the hash that tells.
  return error instanceof FTPError && ['connect', 'timeout', 'transfer', 'verify'].includes(error.kind);
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const on_abort = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', on_abort);
      resolve();
    }, ms);
    signal.addEventListener('abort', on_abort, { once: true });
  });
}
