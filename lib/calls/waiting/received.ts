// The memory of received bytes. A native receive writes to the scratch memory, which is not given away: each result is a Buffer of
// its own. Those of small results are parts of the slab, one block of memory for many, as Node's own Buffers are. The receives of a
// wake-up (native/readiness.cc) move there what they receive; those of a call are copied here.
import { Buffer } from 'node:buffer'; // the global is a getter
import * as c from '../../constants.js';
import {
  addon,
  cells,
  IN_SCRATCH,
  SCRATCH_SIZE,
  SLAB_ALIGNMENT,
  SLAB_PART_MAX,
  SLAB_USED,
  scratch,
} from '../../native/addon.js';

/** Bytes of the slab. A Buffer that is kept keeps so much; the results of a wake-up that do not fit are received by their calls. */
const SLAB_SIZE = 32 * 1024;
/** In bytes: copying more than this from the scratch memory costs more than a block that stays half empty. */
export const BULK = 16 * 1024;
/** No bytes: the end of a stream, an empty datagram. */
export const EMPTY: Buffer = Buffer.alloc(0);

type BufferClass = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

function is_buffer_class(value: unknown): value is BufferClass {
  return typeof value === 'function' && value !== Buffer && value.prototype === Buffer.prototype;
}

/** The class that makes Buffers in Node. Buffer.from(), which calls it and works everywhere, takes twice as long. */
const species: unknown = Reflect.get(Buffer, Symbol.species);
const part_of: (memory: ArrayBufferLike, begin: number, length: number) => Buffer = is_buffer_class(species)
  ? (memory, begin, length) => new species(memory, begin, length)
  : (memory, begin, length) => Buffer.from(memory, begin, length);

let slab = Buffer.alloc(0);
let slab_memory: ArrayBufferLike = slab.buffer;

function begin_slab(): void {
  slab = Buffer.allocUnsafeSlow(SLAB_SIZE);
  slab_memory = slab.buffer;
  try {
    // A program that transfers the memory of one Buffer would take that of all. The module takes two milliseconds to load.
    process.getBuiltinModule('node:worker_threads').markAsUntransferable(slab_memory);
  } catch {
    // Not every runtime has it.
  }
  addon.receive_slab(slab_memory);
}

// Bytes of the slab that were used after the last wake-up.
let used_before = 0;

/** Makes the slab ready for the next wake-up, which may receive as much as the last one. */
export function ready_slab(): void {
  const used = cells[SLAB_USED] as number;
  if (slab.length - used < Math.max(SLAB_PART_MAX, used - used_before)) {
    try {
      begin_slab();
    } catch {
      // Memory is scarce. A wake-up receives for one call, and the other ones make their attempts.
    }
  }
  used_before = cells[SLAB_USED] as number;
}

/** Returns the bytes that a wake-up has received: `place` is where they begin in the slab, or IN_SCRATCH. */
export function received_at(place: number, count: number): Buffer {
  return place === IN_SCRATCH ? take(count) : part_of(slab_memory, place, count);
}

// The part of the scratch memory that the last receive filled: messages are often of one length.
let received = scratch.subarray(0, 0);

/** Copies the bytes that the native call wrote to the scratch memory into a new Buffer. */
export function take(count: number): Buffer {
  if (count === 0) return EMPTY;
  if (count !== received.length) received = scratch.subarray(0, count);
  const buffer = count > SLAB_PART_MAX ? Buffer.allocUnsafeSlow(count) : next_part(count);
  buffer.set(received);
  return buffer;
}

function next_part(count: number): Buffer {
  let begin = cells[SLAB_USED] as number;
  // A slab that was detached all the same has the length 0.
  if (begin + count > slab.length) {
    begin_slab();
    begin = 0;
  }
  cells[SLAB_USED] = (begin + count + SLAB_ALIGNMENT - 1) & -SLAB_ALIGNMENT;
  return part_of(slab_memory, begin, count);
}

let keeps_freed = false;

/** Returns memory for a receive that the scratch memory is too small for. */
export function allocate(length: number, flags: number): Buffer {
  if (!keeps_freed) {
    // Blocks of new memory follow one another: without this, each may cost a page fault for every 4 KiB.
    keeps_freed = true;
    addon.keep_freed_memory();
  }
  // With MSG_TRUNC a stream's bytes are counted but not written, so nothing old may stand there.
  return (flags & c.MSG_TRUNC) !== 0 ? Buffer.alloc(length) : Buffer.allocUnsafeSlow(length);
}

/** Returns the part of that memory which the receive has filled. */
export function filled(buffer: Buffer, count: number): Buffer {
  if (count >= buffer.length) return buffer;
  // A view of a mostly empty block would keep all of it.
  return count < buffer.length / 2 ? Buffer.from(buffer.subarray(0, count)) : buffer.subarray(0, count);
}

/** Returns true if a receive goes by the scratch memory. */
export function fits_scratch(length: number, flags: number): boolean {
  return length <= SCRATCH_SIZE && (flags & c.MSG_TRUNC) === 0;
}
