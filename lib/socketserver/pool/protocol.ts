// The messages and settings that go between the threads of a pooled server, and its child processes: types, and the descriptors
// of a child.
// README.md has a drawing.

import type { MessagePort } from 'node:worker_threads';
import type { AnyReturnedAddress } from '../../calls/address.js';
import type { AdmissionConfig } from '../admission/admission.js';
import { drain_of } from '../handlers.js';
import { is_scarce_code } from '../listener/scarcity.js';
import { to_event, type WorkerEvent } from '../watch/worker_events.js';
import { check_packed, type PackedError } from './packed_error.js';
import type { HandlerSource } from './source.js';

/** The memory of the shared state, or the descriptor of a child's memory. */
export type SharedMemory = SharedArrayBuffer | { readonly fd: number };

/** A descriptor of this process, and its generation. */
export interface OpenDescriptor {
  readonly fd: number;
  readonly generation: number;
}

/** Settings that the server, the manager and the workers share. */
export interface PoolConfig {
  readonly kind: 'thread' | 'process';
  /** The module that registers `manage` and `work` when it is imported: entry.ts, or a bundle. */
  readonly library: string;
  /** The name of the server's class, for messages. */
  readonly server_name: string;
  readonly handler: HandlerSource;
  readonly server_address: AnyReturnedAddress;
  readonly worker_data: unknown;
  readonly argv: readonly string[];
  /** Family, type and protocol of the server's socket, which connections have, too. */
  readonly family: number;
  readonly type: number;
  readonly proto: number;
  /** Bytes of the longest datagram; 0 for a server of connections. */
  readonly max_packet_size: number;
  /** Whether datagrams are received with what else the kernel knows about them. */
  readonly has_packet_info: boolean;
  /** True if handle_error is not overridden: workers then print errors themselves. */
  readonly print_errors: boolean;
  readonly handler_timeout_ms: number;
  /** What requests have to pass in the worker before they are handled; undefined: nothing. */
  readonly admission: AdmissionConfig | undefined;
  /** Whether request_context() tells the request. */
  readonly request_context: boolean;
  /** The default time-out of the server's thread, in seconds. */
  readonly default_timeout: number | null;
}

/** Settings of the manager. The bytes were made by `share()`. */
export interface ManagerConfig extends PoolConfig {
  readonly memory: SharedArrayBuffer;
  readonly max_workers: number;
  /** The port to the server. */
  readonly port: MessagePort;
  readonly queue_in: Uint8Array;
  readonly queue_out: Uint8Array;
  /** The server's socket. */
  readonly listener: Uint8Array;
  /** The epoll instance on which all workers wait, see arrivals.ts. It belongs to the server's thread. */
  readonly arrivals: OpenDescriptor;
}

/** Settings of a worker. */
export interface WorkerConfig extends PoolConfig {
  readonly memory: SharedMemory;
  /** Index of the worker's slot in the shared state. */
  readonly slot: number;
  /** The table of the limits, see limits/limit_table.ts, and the number of this worker there; undefined: no limits. */
  readonly limits: { readonly memory: SharedMemory; readonly worker: number } | undefined;
  /** The number by which `arrivals` reports the queue. */
  readonly queue_number: number;
  /** The sockets of a thread, and the epoll instance: a process has them at QUEUE_FD, SERVER_FD and ARRIVALS_FD. */
  readonly thread?:
    | {
        readonly queue: Uint8Array;
        readonly arrivals: OpenDescriptor;
        /** The manager's duplicate of the server's socket, for connections; or one of the thread's own, by which datagrams are answered. */
        readonly listener: OpenDescriptor | Uint8Array;
      }
    | undefined;
  /** The time-out of the server's socket, in seconds. */
  readonly listener_timeout: number | null;
}

/** The descriptors of a child process. */
export const QUEUE_FD = 3;
export const REPORT_FD = 4;
export const MEMORY_FD = 5;
export const ARRIVALS_FD = 6;
export const SERVER_FD = 7;
export const LIMITS_FD = 8;

/** Characters of the longest report of a process. */
export const REPORT_LIMIT = 2 ** 20;

/** A message from a worker to the manager. */
export type Report =
  /** The worker is ready for requests. `task`: the folder of its thread in /proc. */
  | { readonly type: 'loaded'; readonly task: string | undefined }
  | { readonly type: 'load_error'; readonly message: string }
  /** Fewer requests are in flight than the manager asked to be notified of. */
  | { readonly type: 'finished' }
  /** The listener was shut down: no request will come from it. */
  | { readonly type: 'ended' }
  /** The worker has no descriptor or memory for the next request, which waits. `code`: the error's. */
  | { readonly type: 'scarce'; readonly code: string }
  | { readonly type: 'error'; readonly client_address: unknown; readonly error: PackedError }
  | { readonly type: 'shutdown'; readonly drain: number | undefined }
  | WorkerEvent;

/** A message from the manager to the server. */
export type News =
  | { readonly type: 'failed'; readonly error: PackedError }
  | { readonly type: 'error'; readonly client_address: unknown; readonly error: PackedError }
  | { readonly type: 'shutdown'; readonly drain: number | undefined }
  | { readonly type: 'children'; readonly pids: readonly number[] }
  | { readonly type: 'scarce'; readonly code: string }
  | WorkerEvent
  /** The answer to an order. */
  | { readonly type: 'done'; readonly order: number };

/** A message from the server to the manager. The manager answers each with `done`. */
export type Order = { readonly order: number } & (
  | { readonly type: 'accept' }
  | { readonly type: 'stop' }
  /** Done when the queue has room for a request. */
  | { readonly type: 'room' }
  /** Have workers take the requests that came before 'stop', for at most `limit_ms`. */
  | { readonly type: 'rest'; readonly limit_ms: number }
  /** Close the server's socket, unless datagrams are answered by it. */
  | { readonly type: 'unlisten' }
  /** Done when no request is in flight. Requests that are so after `limit_ms` (-1: no limit) are cut off. */
  | { readonly type: 'drain'; readonly limit_ms: number }
  /** The signals that child processes ignore from now on. */
  | { readonly type: 'signals'; readonly bits: number }
  /** The events that workers report from now on. */
  | { readonly type: 'events'; readonly bits: number }
  /** Take over what child processes have counted. */
  | { readonly type: 'collect' }
  /** The server has taken the news that the pool failed. */
  | { readonly type: 'told' }
  | { readonly type: 'close' }
);

/**
 * Returns a value as a report. A handler may write anything to the report pipe, and post anything to the manager.
 *
 * @throws TypeError, RangeError if it is none
 */
export function to_report(value: unknown): Report {
  const report = value as { readonly [Key in string]?: unknown };
  const { type, task, message, code } = report;
  if (type === 'finished' || type === 'ended') return { type };
  if (type === 'shutdown') return { type, drain: drain_of({ drain: report.drain as number }) };
  if (type === 'error') {
    return { type, client_address: report.client_address, error: check_packed(report.error) };
  }
  if (type === 'scarce' && is_scarce_code(code)) return { type, code };
  if (type === 'event') return to_event(report);
  if (type === 'load_error' && typeof message === 'string') return { type, message };
  // The manager reads a file of the folder.
  if (type === 'loaded' && (task === undefined || /^\/proc\/\d+\/task\/\d+$/.test(String(task)))) {
    return { type, task: task as string | undefined };
  }
  throw new TypeError('this is no report');
}

/** A reviver of JSON.parse() for addresses: restores the Buffers of abstract AF_UNIX addresses. */
export function revive_buffers(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== 'Buffer')
    return value;
  return 'data' in value && Array.isArray(value.data) ? Buffer.from(value.data) : value;
}
