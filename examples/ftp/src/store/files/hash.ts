// Hashes of open files, on a thread of their own (hash_worker.ts): hashing a gigabyte takes a second, in which the sessions go on. The thread
// starts with the first hash, and holds up no end of the program.
import { Worker } from 'node:worker_threads';
import type { HashName } from '../types.js';
import type { HashAnswer, HashRequest } from './hash_worker.js';

interface Waiting {
  resolve(digits: string): void;
  reject(error: Error): void;
}

let worker: Worker | undefined;
let last_id = 0;
const waiting = new Map<number, Waiting>();

function the_worker(): Worker {
  if (worker !== undefined) return worker;
  // Not the program's own options: some are for its entry alone.
  const started = new Worker(new URL('./hash_worker.js', import.meta.url), { execArgv: [] });
  started.unref();
  started.on('message', answered);
  started.on('error', (error) => lost(started, error));
  started.on('exit', () => lost(started, new Error('the thread that hashes has ended')));
  worker = started;
  return started;
}

function answered({ id, digits, code }: HashAnswer): void {
  const call = waiting.get(id);
  waiting.delete(id);
  if (waiting.size === 0) worker?.unref();
  if (digits !== undefined) call?.resolve(digits);
  else if (code !== undefined)
    call?.reject(Object.assign(new Error(`${code}: the file cannot be read`), { code }));
  else call?.reject(new DOMException('The hash was aborted', 'AbortError'));
}

function lost(which: Worker, error: Error): void {
  if (worker !== which) return;
  worker = undefined;
  for (const call of waiting.values()) call.reject(error);
  waiting.clear();
}

/**
 * Hashes a range of an open file.
 *
 * @param fd of a regular file; it stays open until the promise is settled
 * @param start first byte
 * @param end the byte behind the last; the file's end if that comes first
 * @returns hexadecimal digits
 * @throws the signal's reason if it aborts; an error of reading
 */
export async function hash_range(
  fd: number,
  name: HashName,
  start: number,
  end: number,
  signal?: AbortSignal,
): Promise<string> {
  signal?.throwIfAborted();
  const thread = the_worker();
  const id = ++last_id;
  const send = (request: HashRequest) => thread.postMessage(request);
  const stop = () => send({ id, stop: true });
  const digits = new Promise<string>((resolve, reject) => waiting.set(id, { resolve, reject }));
  thread.ref();
  signal?.addEventListener('abort', stop, { once: true });
  try {
    send({ id, fd, name, start, end });
    return await digits;
  } catch (error) {
    // Rejected only now, when the thread reads no more: the caller closes the file, and its number may soon be another's.
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}
