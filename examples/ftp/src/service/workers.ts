// The kinds `threads` and `processes`: a number of workers that share the listening sockets. One that ends by itself is replaced.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Config } from '../config/config.js';
import { type Endpoint, endpoint_of } from '../guard/channel/endpoint.js';
import { serve_registry } from '../guard/channel/service.js';
import type { LocalRegistry } from '../guard/registry.js';
import type { Listener } from './listeners.js';
import type { Serving } from './loop.js';
import { type FromWorker, is_message, type ToWorker } from './messages.js';
import { report } from './report.js';

const PROGRAM = new URL('./worker.js', import.meta.url);
/** Milliseconds until a worker that has ended is replaced; twice as long each time, while they end at once. */
const RETRY_MS = 100;
const MAX_RETRY_MS = 10_000;
/** A worker that has lived so long has not ended at once. */
const SETTLED_MS = 10_000;

/** A thread or a process. */
interface Started {
  readonly endpoint: Endpoint;
  /** the process that takes shared sockets */
  readonly pid: number;
  kill(): void;
}

function start_thread(): Started {
  const worker = new Worker(PROGRAM);
  worker.on('error', report);
  return { endpoint: endpoint_of(worker), pid: process.pid, kill: () => void worker.terminate() };
}

function start_process(): Started {
  const child: ChildProcess = fork(fileURLToPath(PROGRAM), {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  child.on('error', report);
  return { endpoint: endpoint_of(child), pid: child.pid ?? 0, kill: () => void child.kill('SIGKILL') };
}

/** What all workers of a server have in common. */
interface Group {
  config: Config;
  readonly listeners: readonly Listener[];
  readonly registry: LocalRegistry;
}

/** One place of a worker, which is filled again when it has ended. */
class Place {
  readonly #group: Group;
  readonly #name: string;
  #started: Started | undefined;
  #waiting: { resolve(): void; reject(error: Error): void } | undefined;
  #retry_ms = RETRY_MS;
  #ending: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(group: Group, name: string) {
    this.#group = group;
    this.#name = name;
  }

  /** Starts the worker. Fulfilled when it serves. */
  start(): Promise<void> {
    const { config, registry } = this.#group;
    const started = config.kind === 'threads' ? start_thread() : start_process();
    const began_ms = performance.now();
    this.#started = started;
    serve_registry(registry, started.endpoint, this.#name);
    started.endpoint.listen(
      (message) => {
        if (is_message(message)) this.#hear(message as FromWorker, started);
      },
      () => this.#on_end(performance.now() - began_ms),
    );
    return this.#wait();
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  #hear(message: FromWorker, started: Started): void {
    if (message.ftpd === 'ready') this.#waiting?.resolve();
    else if (message.ftpd === 'failed') {
      this.#waiting?.reject(new Error(`${this.#name}: ${message.message}`));
      // One that does not serve is of no use; one that serves goes on with its old configuration.
      if (!message.serves) started.kill();
    } else {
      const { endpoint, pid } = started;
      const { config, listeners } = this.#group;
      const start: ToWorker = {
        ftpd: 'start',
        config,
        listeners: listeners.map(({ name, listen, sock }) => ({
          name,
          listen,
          ticket: sock.share(pid).toString('base64'),
        })),
      };
      endpoint.post(start);
    }
  }

  #on_end(lived_ms: number): void {
    this.#started = undefined;
    this.#waiting?.reject(new Error(`${this.#name} has ended`));
    if (this.#ending !== undefined) {
      this.#ending();
      return;
    }
    report(new Error(`${this.#name} has ended: another one starts`));
    this.#retry_ms = lived_ms > SETTLED_MS ? RETRY_MS : Math.min(this.#retry_ms * 2, MAX_RETRY_MS);
    this.#timer = setTimeout(() => this.start().catch(report), this.#retry_ms);
  }

  reload(config: Config): Promise<void> {
    if (this.#started === undefined) return Promise.resolve();
    const message: ToWorker = { ftpd: 'reload', config };
    this.#started.endpoint.post(message);
    return this.#wait();
  }

  /** Ends it when its sessions have ended. @param seconds until it is killed */
  async drain(seconds: number): Promise<void> {
    clearTimeout(this.#timer);
    const started = this.#started;
    if (started === undefined) return;
    const ended = new Promise<void>((resolve) => {
      this.#ending = resolve;
    });
    const message: ToWorker = { ftpd: 'drain', seconds };
    started.endpoint.post(message);
    // It cuts its sessions off by itself; one that is stuck is killed.
    const timer = setTimeout(() => started.kill(), (seconds + 10) * 1000);
    await ended;
    clearTimeout(timer);
  }
}

/** Starts the workers of a configuration. @throws (rejects) what keeps them from serving; none is left then */
export async function serve_workers(
  config: Config,
  listeners: readonly Listener[],
  registry: LocalRegistry,
): Promise<Serving> {
  const group: Group = { config, listeners, registry };
  const name = config.kind === 'threads' ? 'thread' : 'process';
  const places = Array.from({ length: config.workers }, (_, i) => new Place(group, `${name} ${i + 1}`));
  const drain = async (seconds: number) => {
    // This process does not accept; the sockets are those of workers, and perhaps of a successor.
    for (const { sock } of listeners) sock.close();
    await Promise.all(places.map((place) => place.drain(seconds)));
  };
  try {
    await Promise.all(places.map((place) => place.start()));
  } catch (error) {
    await drain(0);
    throw error;
  }
  return {
    handed_over: Object.fromEntries(listeners.map((listener) => [listener.name, listener.sock])),
    async reload(changed) {
      await Promise.all(places.map((place) => place.reload(changed)));
      group.config = changed;
    },
    drain,
  };
}
