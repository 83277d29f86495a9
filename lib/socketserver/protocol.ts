// What goes between the threads of a pooled server (and its child processes).
//
// pool.ts, where the server is, starts the manager thread (manager.ts), which starts the workers (worker.ts). A request that
// somebody else took goes to whichever worker is free over one SEQPACKET pair that all workers receive from: the kernel keeps
// the queue and wakes one of them. A connection travels as SCM_RIGHTS, so that threads and processes get it in the same way,
// and what nobody took is closed by the kernel. Who takes requests: the server, where it has a hook that must see them
// first; else the threads themselves (lease.ts), and for processes the manager (acceptor.ts).
import type { MessagePort } from 'node:worker_threads';
import type { ReturnedAddress } from '../internal/address.js';
import type { HandlerSource } from './source.js';

/** Indices of the shared counters, an Int32Array. */
export const READY = 0;
/** Requests sent to workers, and requests they have finished (or lost). */
export const DISPATCHED = 1;
export const FINISHED = 2;
/** Somebody waits for a request to be finished: the worker that finishes one says so. */
export const AWAITED = 3;
/** The most requests that were under way at a time, since the manager has looked. */
export const MOST = 4;
/** Two words: what threads take requests from, see lease.ts. */
export const LEASE = 6;
/** From here on, for each worker: what it does, since when it handles a request, and whose: the length of a text, and it. */
export const SLOTS = 8;
export const STATE = 0;
export const SINCE = 1;
const CLIENT = 2;
const CLIENT_LIMIT = 256;
export const SLOT_SIZE = CLIENT + 1 + CLIENT_LIMIT / Int32Array.BYTES_PER_ELEMENT;
/** States; 0 is that of a slot that nobody has, or of a worker that starts. */
export const QUEUING = 1;
export const LISTENING = 2;
export const BUSY = 3;

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
  readonly counters: Int32Array;
  readonly queue_in: Uint8Array;
  readonly queue_out: Uint8Array;
  /** The server's socket. */
  readonly listener: Uint8Array;
}

/** What a worker is started with. */
export interface WorkerConfig extends PoolConfig {
  /** Of threads: the counters, and which slot is this worker's. */
  readonly counters?: Int32Array;
  readonly slot: number;
  /** What `share()` made; of a process, nothing: QUEUE_FD, SERVER_FD. */
  readonly queue?: Uint8Array;
  readonly listener?: Uint8Array;
}

/** The descriptors of a child process. */
export const QUEUE_FD = 3;
export const REPORT_FD = 4;
export const SERVER_FD = 5;

/** An error on its way to the server. */
export interface PackedError {
  readonly name: string;
  readonly message: string;
  readonly stack: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** From a worker to the manager. */
export type Report =
  | { readonly type: 'loaded' }
  | { readonly type: 'load_error'; readonly message: string }
  /** A process has begun, or finished a request; a thread has finished one that is awaited. */
  | { readonly type: 'started'; readonly client_address: unknown }
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

/** A request on the queue. */
export interface QueuedRequest {
  readonly client_address: ReturnedAddress<number>;
  /** The time-out of a connection. */
  readonly timeout: number | null;
  /** The bytes of a datagram. */
  readonly packet: Buffer;
}

const REQUEST = 1;
const STOP = 2;
const LOOK = 3;
const HEADER = 3;

/** The message that makes one worker end. */
export const STOP_MESSAGE = Buffer.from([STOP]);
/** The message that makes one worker look whether it may take requests by itself. */
export const LOOK_MESSAGE = Buffer.from([LOOK]);

/** A request's message; its connection goes with it as a descriptor. */
export function encode_request(
  client_address: unknown,
  timeout: number | null,
  packet?: Uint8Array,
): Buffer[] {
  const text = Buffer.from(JSON.stringify([client_address, timeout]));
  const header = Buffer.from([REQUEST, text.length & 0xff, text.length >> 8]);
  return packet === undefined ? [header, text] : [header, text, Buffer.from(packet)];
}

/** The request of a message; undefined for one that ends the worker, or the queue's end; null for one to look. */
export function decode_request(message: Buffer): QueuedRequest | undefined | null {
  if (message[0] === LOOK) return null;
  if (message[0] !== REQUEST) return undefined;
  const length = message.readUInt16LE(1);
  const text = message.toString('utf8', HEADER, HEADER + length);
  const [client_address, timeout] = JSON.parse(text, bytes_again) as [ReturnedAddress<number>, number | null];
  return { client_address, timeout, packet: message.subarray(HEADER + length) };
}

/** The longest message of a server. */
export function message_size(max_packet_size: number): number {
  return max_packet_size + 2048;
}

/** Buffers survive JSON as what their toJSON gives: abstract AF_UNIX addresses. */
function bytes_again(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== 'Buffer')
    return value;
  return 'data' in value && Array.isArray(value.data) ? Buffer.from(value.data) : value;
}

/** Where a worker's words begin. */
export function slot_index(slot: number): number {
  return SLOTS + slot * SLOT_SIZE;
}

/** How large the counters of so many workers are, in bytes. */
export function counters_size(workers: number): number {
  return (SLOTS + SLOT_SIZE * workers) * Int32Array.BYTES_PER_ELEMENT;
}

function client_bytes(counters: Int32Array, slot: number): Buffer {
  const start = counters.byteOffset + (slot_index(slot) + CLIENT + 1) * Int32Array.BYTES_PER_ELEMENT;
  return Buffer.from(counters.buffer, start, CLIENT_LIMIT);
}

/** Makes what notes whose request a thread handles, for when it ends without having told. */
export function client_recorder(counters: Int32Array, slot: number): (client_address: unknown) => void {
  const bytes = client_bytes(counters, slot);
  const length = slot_index(slot) + CLIENT;
  return (client_address) => {
    const text = JSON.stringify(client_address) ?? '';
    // Longer ones, which AF_UNIX may have, are not noted.
    counters[length] = Buffer.byteLength(text) <= CLIENT_LIMIT ? bytes.write(text) : 0;
  };
}

/** Whose request a thread handled; null where that is not known. */
export function recorded_client(counters: Int32Array, slot: number): unknown {
  const length = counters[slot_index(slot) + CLIENT] ?? 0;
  return length === 0
    ? null
    : JSON.parse(client_bytes(counters, slot).toString('utf8', 0, length), bytes_again);
}

/** Counts a request that a worker gets. */
export function count_request(counters: Int32Array): void {
  const now = Atomics.add(counters, DISPATCHED, 1) + 1 - Atomics.load(counters, FINISHED);
  // Two at once may miss one: it says how many workers are needed, and that is an estimate anyway.
  if (now > Atomics.load(counters, MOST)) Atomics.store(counters, MOST, now);
}

/** How many requests workers have now. */
export function under_way(counters: Int32Array): number {
  return Atomics.load(counters, DISPATCHED) - Atomics.load(counters, FINISHED);
}

/** Whether a worker waits for a request. */
export function has_room(counters: Int32Array): boolean {
  return Atomics.load(counters, READY) > under_way(counters);
}

/** Milliseconds of a clock that all threads share, in 31 bits. */
export function now_ms(): number {
  return Date.now() % 2 ** 31;
}
