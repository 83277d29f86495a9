// What goes between the threads of a pooled server (and its child processes).
//
// pool.ts, where the server is, starts the manager thread (manager.ts), which starts the workers (worker.ts). Who takes
// requests: the server, where it has a hook that must see them first; else the threads themselves (direct_accept.ts), and for
// processes the manager (acceptor.ts). What somebody else took goes to whichever worker is free over a queue (queue.ts), and
// all of them see at once what the others do in memory that they share (shared_state.ts).
import type { MessagePort } from 'node:worker_threads';
import type { SharedCounters } from './shared_state.js';
import type { HandlerSource } from './source.js';

/** What all of a pool know. */
export interface PoolConfig {
  readonly kind: 'thread' | 'process';
  /** The module that, once imported, has registered `manage` and `work`: entry.ts, or a bundle. */
  readonly library: string;
  /** The name of the server's class, for messages. */
  readonly server_name: string;
  readonly handler: HandlerSource;
  readonly server_address: unknown;
  readonly worker_data: unknown;
  readonly argv: readonly string[];
  /** What connections are made of: those of the server's socket. */
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  /** Of servers of datagrams; else 0. */
  readonly max_packet_size: number;
  /** handle_error is Python's: workers print errors themselves. */
  readonly print_errors: boolean;
  readonly handler_timeout_ms: number;
}

/** What the manager is started with. `share()` made the bytes. */
export interface ManagerConfig extends PoolConfig {
  readonly max_workers: number;
  /** To the server. */
  readonly port: MessagePort;
  readonly counters: SharedCounters;
  readonly queue_in: Uint8Array;
  readonly queue_out: Uint8Array;
  /** The server's socket. */
  readonly listener: Uint8Array;
}

/** What a worker is started with. */
export interface WorkerConfig extends PoolConfig {
  /** Which slot of the counters is this worker's. */
  readonly slot: number;
  readonly counters: SharedCounters;
  /** What `share()` made; of a process, nothing: QUEUE_FD, SERVER_FD. */
  readonly queue?: Uint8Array;
  readonly listener?: Uint8Array;
}

/** The descriptors of a child process. */
export const QUEUE_FD = 3;
export const REPORT_FD = 4;
export const COUNTERS_FD = 5;
export const SERVER_FD = 6;

/** An error on its way to the server. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly cause?: PackedError;
  /** Of an AggregateError. */
  readonly errors?: readonly PackedError[];
}

/** From a worker to the manager. */
export type Report =
  /** It is ready for requests. `task`: its folder in /proc. */
  | { readonly type: 'loaded'; readonly task: string | undefined }
  | { readonly type: 'load_error'; readonly message: string }
  /** So few requests are under way now as somebody waits for. */
  | { readonly type: 'finished' }
  | { readonly type: 'error'; readonly client_address: unknown; readonly error: PackedError }
  | { readonly type: 'shutdown'; readonly drain: number | undefined };

/** From the manager to the server. */
export type News =
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'error'; readonly client_address: unknown; readonly error: PackedError }
  | { readonly type: 'shutdown'; readonly drain: number | undefined }
  | { readonly type: 'children'; readonly pids: readonly number[] }
  /** The answer to an order. */
  | { readonly type: 'done'; readonly order: number };

/** From the server to the manager; each is answered by `done`. */
export type Order = { readonly order: number } & (
  | { readonly type: 'accept' }
  | { readonly type: 'stop' }
  /** There is room for a request. */
  | { readonly type: 'room' }
  /** There is something on the queue for threads that take requests by themselves. */
  | { readonly type: 'look' }
  /** Take what requests have come before 'stop', for so many milliseconds, and listen no longer. */
  | { readonly type: 'rest'; readonly limit_ms: number }
  /** No request is under way; after so many milliseconds (not -1) those that are get cut off. */
  | { readonly type: 'drain'; readonly limit_ms: number }
  | { readonly type: 'close' }
);
