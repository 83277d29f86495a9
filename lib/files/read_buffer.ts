// The logic of a buffered reader, without any I/O: bytes read ahead, and the operations of Python's BufferedReader as
// steps (see steps.ts). Received bytes are never lost: an operation that fails half-way (a time-out, a signal listener that
// throws) puts the bytes back that it had taken.
import { LimitOverrunError } from '../errors/builtins.js';
import { OSError } from '../errors/index.js';
import { rest_of } from '../util/validate.js';
import { type Bytes, check_count, type Steps } from './steps.js';

const LF = 0x0a;
const EMPTY = Buffer.alloc(0);
// The bytes of read_all()'s first block. Each further block is twice as large as the one before, up to LAST_BLOCK.
const FIRST_BLOCK = 1 << 16;
const LAST_BLOCK = 1 << 22;

/** Returns the filled part of a block: a view, or a copy if a view would keep alive more than twice the memory it shows. */
function filled(block: Buffer, count: number): Buffer {
  if (count === block.length) return block;
  return count < block.length / 2 ? Buffer.from(block.subarray(0, count)) : block.subarray(0, count);
}

/** Throws if a line is longer than the limit of its file. @throws LimitOverrunError */
export function check_line(length: number, limit: number, unit: string): void {
  if (length <= limit) return;
  const message = `the line has more than the limit of ${limit} ${unit}: readline(size) gives it in parts`;
  throw new LimitOverrunError(message, length);
}

export class ReadBuffer {
  /** True while an operation runs. */
  busy = false;
  /** True if lines have a limit. A comparison of each line with Infinity would be slower. */
  private readonly bounded: boolean;
  // The bytes read ahead are store[pos..end). store[end] holds a line feed, so that a search for a line feed ends there and
  // never walks through older bytes.
  private store: Buffer = EMPTY;
  private pos = 0;
  private end = 0;
  // The memory of `size` bytes and one more for the line feed, allocated when it is first needed. `room` is a view of it
  // without the last byte.
  private memory: Buffer | undefined;
  private room: Buffer = EMPTY;

  /**
   * @param size the maximum number of bytes that are read ahead
   * @param line_limit the longest line that is read without a limit of its own
   */
  constructor(
    readonly size: number,
    readonly line_limit = Number.POSITIVE_INFINITY,
  ) {
    this.bounded = line_limit !== Number.POSITIVE_INFINITY;
  }

  /** The number of bytes read ahead: they need no receive. */
  get available(): number {
    return this.end - this.pos;
  }

  /** Removes the next `count` bytes, at most `available`, and returns a copy of them. */
  take(count: number): Buffer {
    if (count === 0) return EMPTY;
    const out = Buffer.allocUnsafe(count);
    this.store.copy(out, 0, this.pos, this.pos + count);
    this.pos += count;
    return out;
  }

  /** Moves as many bytes as fit to `target` from `offset` on; returns their number. */
  private move(target: Bytes, offset: number): number {
    const count = Math.min(this.available, target.length - offset);
    if (count > 0) target.set(this.store.subarray(this.pos, this.pos + count), offset);
    this.pos += count;
    return count;
  }

  /** Puts bytes back, before the bytes read ahead. */
  private unread(bytes: Bytes): void {
    if (bytes.length === 0) return;
    const rest = this.store.subarray(this.pos, this.end);
    const store = Buffer.allocUnsafeSlow(bytes.length + rest.length + 1);
    store.set(bytes);
    store.set(rest, bytes.length);
    this.store = store;
    this.pos = 0;
    this.end = store.length - 1;
    store[this.end] = LF;
  }

  /** Returns the memory for one receive of at most `most` bytes. The buffer must be empty. */
  private space(most = this.size): Buffer {
    if (this.memory === undefined) {
      this.memory = Buffer.allocUnsafeSlow(this.size + 1);
      this.room = this.memory.subarray(0, this.size);
    }
    this.store = this.memory;
    this.pos = 0;
    this.end = 0;
    return most < this.size ? this.room.subarray(0, most) : this.room;
  }

  /** Records the count of a receive into space(), and returns it. */
  private received(count: number | null): number | null {
    if (count === null || count === 0) return count;
    this.end = check_count(count, this.room.length, 'recv_into');
    this.store[this.end] = LF;
    return count;
  }

  /**
   * Removes and returns the next line, or its first `limit` bytes; undefined if that needs a receive.
   *
   * @param before the bytes of the line that were taken already
   * @throws LimitOverrunError without a limit, if the line is longer than that of the file; nothing is removed
   */
  take_line(limit: number, before = 0): Buffer | undefined {
    const { available } = this;
    const most = limit >= 0 && limit < available ? limit : available;
    if (most > 0) {
      const line = this.store.indexOf(LF, this.pos) + 1 - this.pos;
      if (this.bounded && limit < 0) check_line(before + Math.min(line, most), this.line_limit, 'bytes');
      if (line <= most) return this.take(line);
    }
    return most === limit ? this.take(limit) : undefined;
  }

  /**
   * Reads a line with its line feed; less at the end of the stream, at `limit`, or if the socket would block.
   *
   * @param limit the maximum number of bytes; negative: no limit
   * @param strict throws an OSError if the socket would block, as Python's BufferedRWPair does
   */
  *readline(limit: number, strict = false): Steps<Buffer> {
    const chunks: Buffer[] = [];
    let length = 0;
    try {
      for (;;) {
        const line = this.take_line(limit < 0 ? limit : limit - length, length);
        if (line !== undefined) {
          chunks.push(line);
          break;
        }
        if (this.available > 0) {
          length += this.available;
          chunks.push(this.take(this.available));
        }
        const count = this.received(yield this.space());
        if (count === null && strict) {
          throw new OSError(
            'read() should have returned a Buffer, not null: the socket does not block and has no data',
          );
        }
        if (count === null || count === 0) break;
      }
    } catch (error) {
      this.unread(Buffer.concat(chunks));
      throw error;
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  /** Reads exactly `size` bytes; fewer at the end of the stream or if the socket would block, null if it blocks before any. */
  *read(size: number): Steps<Buffer | null> {
    if (size <= this.available) return this.take(size);
    const out = Buffer.allocUnsafe(size);
    const count = yield* this.fill(out, true, false);
    return count === null ? null : filled(out, count);
  }

  /** Reads up to the end of the stream, or until the socket would block; null if it blocks before the first byte. */
  *read_all(): Steps<Buffer | null> {
    const blocks: Buffer[] = this.available > 0 ? [this.take(this.available)] : [];
    let block: Buffer = EMPTY;
    let used = 0;
    let count: number | null;
    try {
      do {
        if (used === block.length) {
          if (used > 0) blocks.push(block);
          block = Buffer.allocUnsafeSlow(Math.min(Math.max(2 * used, FIRST_BLOCK), LAST_BLOCK));
          used = 0;
        }
        const target = block.subarray(used);
        count = yield target;
        used += count === null ? 0 : check_count(count, target.length, 'recv_into');
      } while (count !== null && count > 0);
    } catch (error) {
      this.unread(Buffer.concat([...blocks, block.subarray(0, used)]));
      throw error;
    }
    if (used > 0) blocks.push(filled(block, used));
    if (blocks.length === 0) return count === null ? null : EMPTY;
    return blocks.length === 1 && blocks[0] !== undefined ? blocks[0] : Buffer.concat(blocks);
  }

  /**
   * Reads at most `size` bytes (more than 0) with at most one receive. The result is a view of the buffer, valid until the next
   * operation.
   */
  *borrow(size: number): Steps<Buffer> {
    if (this.available === 0) {
      if (size > this.size) {
        const block = Buffer.allocUnsafe(size);
        const count = yield block;
        return filled(block, count === null ? 0 : check_count(count, block.length, 'recv_into'));
      }
      this.received(yield this.space(size));
    }
    const start = this.pos;
    this.pos = Math.min(this.end, start + size);
    return this.store.subarray(start, this.pos);
  }

  /** Reads at most `size` bytes (more than 0) with at most one receive. */
  *read1(size: number): Steps<Buffer> {
    const bytes = yield* this.borrow(size);
    // A result larger than the buffer has its own memory already.
    return bytes.buffer === this.store.buffer ? Buffer.from(bytes) : bytes;
  }

  /**
   * Fills `target`; returns the number of bytes, null if the socket would block before the first byte.
   *
   * @param target the caller's memory
   * @param once true for at most one receive
   */
  readinto(target: Bytes, once: boolean): Steps<number | null> {
    return this.fill(target, false, once);
  }

  /** Does readinto(). @param whole true: only whole blocks are received into `target` itself, and the last bytes read ahead */
  private *fill(target: Bytes, whole: boolean, once: boolean): Steps<number | null> {
    const { length } = target;
    let written = this.move(target, 0);
    try {
      while (written < length) {
        const left = length - written;
        const direct = whole ? left - (left % this.size) : left > this.size ? left : 0;
        if (once && written > 0 && direct === 0) break;
        const count =
          direct > 0
            ? yield rest_of(target, written, written + direct, 'buffer')
            : this.received(yield this.space());
        if (count === null && written === 0) return null;
        if (count === null || count === 0) break;
        const room = rest_of(target, written, direct > 0 ? written + direct : length, 'buffer');
        written += direct > 0 ? check_count(count, room.length, 'recv_into') : this.move(room, 0);
        if (once) break;
      }
    } catch (error) {
      // Bytes in memory that was detached are the program's.
      if (written > 0 && target.length >= written) this.unread(target.slice(0, written));
      throw error;
    }
    return written;
  }

  /** Returns a copy of the bytes read ahead, after one receive if there are none; they stay in the buffer. */
  *peek(): Steps<Buffer> {
    if (this.available === 0) this.received(yield this.space());
    return Buffer.from(this.store.subarray(this.pos, this.end));
  }
}
