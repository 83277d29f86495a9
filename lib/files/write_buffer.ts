// The logic of a buffered writer, without any I/O: bytes that wait to be sent, and the operations of Python's
// BufferedWriter as steps (see steps.ts). Small writes are collected in one buffer; large writes are sent without a copy.
import { rest_of } from '../util/validate.js';
import { write_would_block } from './errors.js';
import { type Bytes, check_count, type Steps } from './steps.js';

const EMPTY = Buffer.alloc(0);

export class WriteBuffer {
  /** True while an operation runs. */
  busy = false;
  // The bytes to send are store[start..end). The memory is allocated when it is first needed.
  private store: Buffer = EMPTY;
  private start = 0;
  private end = 0;

  /** @param size the maximum number of bytes that the buffer holds */
  constructor(readonly size: number) {}

  /** True if the buffer holds bytes to send. */
  get pending(): boolean {
    return this.end > this.start;
  }

  private append(data: Bytes): void {
    if (this.store.length === 0) this.store = Buffer.allocUnsafeSlow(this.size);
    this.store.set(data, this.end);
    this.end += data.length;
  }

  /** Appends the data if that needs no send; else returns false and does nothing. */
  accept(data: Bytes): boolean {
    if (this.busy || data.length > this.size - this.end || data.length === this.size) return false;
    this.append(data);
    return true;
  }

  /** Sends the bytes of the buffer. Returns false if the socket would block. */
  private *drain(): Steps<boolean> {
    while (this.start < this.end) {
      const bytes = this.store.subarray(this.start, this.end);
      const count = yield bytes;
      if (count === null) return false;
      this.start += check_count(count, bytes.length, 'send');
    }
    this.start = 0;
    this.end = 0;
    return true;
  }

  /** Sends the bytes of the buffer. @throws BlockingIOError if the socket would block; the unsent bytes stay in the buffer */
  *flush(): Steps<void> {
    if (!(yield* this.drain())) throw write_would_block(0);
  }

  /** Appends as much of the data as fits, once the socket would block. @throws BlockingIOError if a rest does not fit */
  private fill(data: Bytes): number {
    this.store.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
    const taken = data.subarray(0, this.size - this.end);
    this.append(taken);
    if (taken.length < data.length) throw write_would_block(taken.length);
    return data.length;
  }

  /**
   * Appends the data, and sends as much as does not fit. Returns the length of the data.
   *
   * @param data the bytes: at least as many as the buffer holds are sent without a copy
   * @throws BlockingIOError; its characters_written is the number of bytes that were sent or appended
   */
  *write(data: Bytes): Steps<number> {
    const { length } = data;
    if (length <= this.size - this.end && length < this.size) {
      this.append(data);
      return length;
    }
    if (!(yield* this.drain())) return this.fill(rest_of(data, 0, length, 'data'));
    let written = 0;
    while (length - written >= this.size) {
      const rest = rest_of(data, written, length, 'data');
      const count = yield rest;
      if (count === null) {
        if (rest.length <= this.size) break;
        this.append(rest.subarray(0, this.size));
        throw write_would_block(written + this.size);
      }
      written += check_count(count, rest.length, 'send');
    }
    this.append(rest_of(data, written, length, 'data'));
    return length;
  }
}
