// The thread that hash.ts starts: reads ranges of open files and hashes them, a block of each job in turn, so that a long one holds up no
// short one.
import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { crc32 } from 'node:zlib';
import type { HashName } from '../types.js';

/** What the thread is told. */
export type HashRequest =
  | {
      readonly id: number;
      readonly fd: number;
      readonly name: HashName;
      readonly start: number;
      readonly end: number;
    }
  | { readonly id: number; readonly stop: true };

/** What the thread says: the digits; `code` of an error of reading; neither when it was told to stop. */
export interface HashAnswer {
  readonly id: number;
  readonly digits?: string | undefined;
  readonly code?: string | undefined;
}

interface Sum {
  update(block: Uint8Array): unknown;
  digits(): string;
}

interface Job {
  readonly fd: number;
  readonly sum: Sum;
  position: number;
  readonly end: number;
}

const block = Buffer.alloc(1 << 18);
const jobs = new Map<number, Job>();
let scheduled = false;

function start_sum(name: HashName): Sum {
  if (name !== 'CRC32') {
    const hash = createHash(name.replace('-', '').toLowerCase());
    return { update: (bytes) => hash.update(bytes), digits: () => hash.digest('hex') };
  }
  let sum = 0;
  return {
    update: (bytes) => {
      sum = crc32(bytes, sum);
    },
    digits: () => sum.toString(16).padStart(8, '0'),
  };
}

function answer(answer: HashAnswer): void {
  jobs.delete(answer.id);
  parentPort?.postMessage(answer);
}

/** Hashes the next block of a job. */
function step(id: number, job: Job): void {
  try {
    const wanted = Math.min(block.length, job.end - job.position);
    const count = wanted > 0 ? readSync(job.fd, block, 0, wanted, job.position) : 0;
    // A file that has become shorter ends earlier.
    if (count === 0) answer({ id, digits: job.sum.digits() });
    else job.sum.update(block.subarray(0, count));
    job.position += count;
  } catch (error) {
    answer({ id, code: error instanceof Error && 'code' in error ? String(error.code) : 'EIO' });
  }
}

function round(): void {
  scheduled = false;
  for (const [id, job] of jobs) step(id, job);
  schedule();
}

/** setImmediate, and no loop: between two rounds requests come in, and one may be to stop. */
function schedule(): void {
  if (scheduled || jobs.size === 0) return;
  scheduled = true;
  setImmediate(round);
}

parentPort?.on('message', (request: HashRequest) => {
  if ('stop' in request) {
    if (jobs.has(request.id)) answer({ id: request.id });
    return;
  }
  const { id, fd, name, start, end } = request;
  jobs.set(id, { fd, sum: start_sum(name), position: start, end });
  schedule();
});
