// One end of a channel between the main thread and a worker, whatever the worker is; and what waits to be sent on it.
import type { ChildProcess } from 'node:child_process';
import { type MessagePort, Worker } from 'node:worker_threads';

export interface Endpoint {
  post(message: object): void;
  /** `on_close` is called once, when the other end has gone. */
  listen(on_message: (message: unknown) => void, on_close: () => void): void;
}

/** The channel of a process to its parent, as far as it is needed: `process` of a child that was forked. */
export interface ParentChannel {
  readonly connected?: boolean | undefined;
  send?: ((message: object, callback: (error: Error | null) => void) => boolean) | undefined;
  on(event: 'message', listener: (message: unknown) => void): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** Returns the end of a channel that is a port, a worker (as the main thread has it), a child process, or a child's own `process`. */
export function endpoint_of(peer: MessagePort | Worker | ChildProcess | ParentChannel): Endpoint {
  if ('postMessage' in peer) {
    return {
      post: (message) => peer.postMessage(message),
      listen: (on_message, on_close) => {
        peer.on('message', on_message);
        if (peer instanceof Worker) peer.once('exit', on_close);
        else peer.once('close', on_close);
      },
    };
  }
  return {
    // The callback has the error of a channel that has just closed, of which on_close hears, too.
    post: (message) => {
      if (peer.connected) peer.send?.(message, () => undefined);
    },
    listen: (on_message, on_close) => {
      peer.on('message', on_message);
      peer.once('disconnect', on_close);
    },
  };
}

/** The name of the property that a message of these has: other messages may use the same channel. */
const ENVELOPE = 'ftp_registry';

/** Returns the messages of an envelope; none for another message. */
export function unpack<T>(message: unknown): readonly T[] {
  if (typeof message !== 'object' || message === null || !(ENVELOPE in message)) return [];
  const messages: unknown = message[ENVELOPE];
  return Array.isArray(messages) ? messages : [];
}

/** Messages of one turn of the event loop, sent together. */
export class Outbox {
  #messages: unknown[] = [];

  constructor(private readonly endpoint: Endpoint) {}

  add(message: unknown): void {
    this.#messages.push(message);
    if (this.#messages.length === 1) setImmediate(() => this.flush());
  }

  flush(): void {
    if (this.#messages.length === 0) return;
    const messages = this.#messages;
    this.#messages = [];
    this.endpoint.post({ [ENVELOPE]: messages });
  }
}
