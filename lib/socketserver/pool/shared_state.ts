// What the threads and processes of a pool know of each other at once: an Int32Array in memory that all of them share.
//
// Who hands out a request counts it, once it is on the queue; the worker that gets it says in its slot whose it is, and counts
// it again when it is finished. So the manager sees who is busy, and whose request it was that a worker died of.
import { closeSync } from 'node:fs';
import { raise } from '../../errors/raise.js';
import { addon } from '../../native/addon.js';

/** Indices: how many workers are ready, busy or not. */
export const READY = 0;
/** Requests sent to workers, those of them that workers have begun, and that they have finished (or lost). */
const DISPATCHED = 1;
const BEGUN = 5;
const FINISHED = 2;
/** The manager waits until fewer requests than this are under way: the worker that finishes one then says so. 0: it does not. */
const AWAITED = 3;
/** The most workers that were busy at a time, since the manager has looked. */
const MOST = 4;
/** Two words: what threads take requests from, see direct_accept.ts. */
export const LISTENER = 6;
/** A bit for each signal that the server has a listener for, see signals.ts. */
export const HANDLED = 8;
/** From here on, for each worker: what it does, how many requests it began, and whose the last is: the length of a text, and it. */
export const SLOTS = 9;
export const STATE = 0;
export const SERIAL = 1;
const CLIENT = 2;
const CLIENT_LIMIT = 256;
export const SLOT_SIZE = CLIENT + 1 + CLIENT_LIMIT / Int32Array.BYTES_PER_ELEMENT;
/** States; 0 is that of a slot that nobody has, or of a worker that starts. */
export const QUEUING = 1;
export const LISTENING = 2;
export const BUSY = 3;

/** The counters as they are given to a thread, or the descriptor of their memory, for processes. */
export type SharedCounters = Int32Array<SharedArrayBuffer> | number;

/** Makes the counters of so many workers. @throws OSError where there is no descriptor or memory left */
export function make_counters(kind: 'thread' | 'process', workers: number): SharedCounters {
  const size = (SLOTS + SLOT_SIZE * workers) * Int32Array.BYTES_PER_ELEMENT;
  if (kind === 'thread') return new Int32Array(new SharedArrayBuffer(size));
  const fd = addon.shared_memory(size);
  return fd < 0 ? raise(fd, { syscall: 'memfd_create' }) : fd;
}

/** The counters; the descriptor stays open. @throws OSError where there is no memory left */
export function open_counters(shared: SharedCounters): Int32Array {
  if (typeof shared !== 'number') return shared;
  const memory = addon.map_memory(shared);
  return typeof memory === 'number' ? raise(memory, { syscall: 'mmap' }) : new Int32Array(memory);
}

/** Closes the descriptor, if it is one; what is open already goes on. */
export function close_counters(shared: SharedCounters): void {
  if (typeof shared === 'number') closeSync(shared);
}

/** Where a worker's words begin. */
export function slot_index(slot: number): number {
  return SLOTS + slot * SLOT_SIZE;
}

function client_bytes(counters: Int32Array, slot: number): Buffer {
  const start = counters.byteOffset + (slot_index(slot) + CLIENT + 1) * Int32Array.BYTES_PER_ELEMENT;
  return Buffer.from(counters.buffer, start, CLIENT_LIMIT);
}

/** Makes what notes whose request a worker handles, for when it ends without having told. */
export function client_recorder(counters: Int32Array, slot: number): (client_address: unknown) => void {
  const bytes = client_bytes(counters, slot);
  const length = slot_index(slot) + CLIENT;
  return (client_address) => {
    const text = JSON.stringify(client_address) ?? '';
    // Longer ones, which AF_UNIX may have, are not noted.
    counters[length] = Buffer.byteLength(text) <= CLIENT_LIMIT ? bytes.write(text) : 0;
  };
}

/** Whose request a worker handled; null where that is not known. */
export function recorded_client(counters: Int32Array, slot: number): unknown {
  const length = counters[slot_index(slot) + CLIENT] ?? 0;
  return length === 0
    ? null
    : JSON.parse(client_bytes(counters, slot).toString('utf8', 0, length), bytes_again);
}

/** Buffers survive JSON as what their toJSON gives: abstract AF_UNIX addresses. */
export function bytes_again(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('type' in value) || value.type !== 'Buffer')
    return value;
  return 'data' in value && Array.isArray(value.data) ? Buffer.from(value.data) : value;
}

/** Counts a request that workers are to get. */
export function count_request(counters: Int32Array): void {
  Atomics.add(counters, DISPATCHED, 1);
}

/** Counts requests less that no worker will get. */
export function count_discarded(counters: Int32Array, count: number): void {
  Atomics.sub(counters, DISPATCHED, count);
}

/** Changes with each request that is sent or finished. */
export function activity(counters: Int32Array): number {
  return Atomics.load(counters, DISPATCHED) + Atomics.load(counters, FINISHED);
}

/** No request is under way: counts those less that are said to be, and gives how many. */
export function forget_lost(counters: Int32Array): number {
  const lost = under_way(counters);
  count_discarded(counters, lost);
  Atomics.store(counters, BEGUN, Atomics.load(counters, FINISHED));
  return lost;
}

/** Counts a request that a worker begins. */
export function count_begun(counters: Int32Array): void {
  const busy = Atomics.add(counters, BEGUN, 1) + 1 - Atomics.load(counters, FINISHED);
  // Two at once may miss one: it says how many workers are needed, and that is an estimate anyway.
  if (busy > Atomics.load(counters, MOST)) Atomics.store(counters, MOST, busy);
}

/** Counts a request that a worker has finished, or that is lost. */
export function count_finished(counters: Int32Array): void {
  Atomics.add(counters, FINISHED, 1);
}

/** How many requests were finished in all, in 32 bits. */
export function finished(counters: Int32Array): number {
  return Atomics.load(counters, FINISHED);
}

/** How many requests workers have now, or will have: those on the queue, too. */
export function under_way(counters: Int32Array): number {
  return (Atomics.load(counters, DISPATCHED) - Atomics.load(counters, FINISHED)) | 0;
}

/** Whether workers have fewer requests than there are workers and, beyond them, this many. */
export function has_room(counters: Int32Array, ahead = 0): boolean {
  return Atomics.load(counters, READY) + ahead > under_way(counters);
}

/** The most workers that were busy since it was asked last. */
export function take_most(counters: Int32Array): number {
  const busy = (Atomics.load(counters, BEGUN) - Atomics.load(counters, FINISHED)) | 0;
  return Atomics.exchange(counters, MOST, busy);
}

/** The manager wants to hear when fewer requests than this are under way; to be asked for before that is looked at. */
export function await_fewer(counters: Int32Array, count: number): void {
  if (Atomics.load(counters, AWAITED) < count) Atomics.store(counters, AWAITED, count);
}

/** Whether the manager wants to hear of what there is now; it is told once. */
export function is_awaited(counters: Int32Array): boolean {
  return (
    under_way(counters) < Atomics.load(counters, AWAITED) && Atomics.exchange(counters, AWAITED, 0) !== 0
  );
}
