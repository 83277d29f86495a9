// The logic of a buffered writer, without any I/O: bytes that wait to be sent, and the operations of Python's
// BufferedWriter as steps (see steps.ts). Small writes are collected in one buffer, large ones are sent from where they are.
import { write_would_block } from './errors.js';
import { type Bytes, check_count, type Steps } from './steps.js';

const EMPTY = Buffer.alloc(0);

export class WriteBuffer {
  /** How many bytes wait at most. */
  readonly size: number;
  /** An operation is under way. */
  busy = false;
  // The bytes that wait are store[start..end); the memory is made when it is first needed.
  private store: Buffer = EMPTY;
  private start = 0;
  private end = 0;

  /** @param size how many bytes wait at most */
  constructor(size: number) {
    this.size = size;
  }

  /** Whether bytes wait to be sent. */
  get pending(): boolean {
    return this.end > this.start;
  }

  private append(data: Bytes): void {
    if (this.store.length === 0) this.store = Buffer.allocUnsafeSlow(this.size);
    this.store.set(data, this.end);
    this.end += data.length;
  }

  /** Takes the data if it fits; false where the socket must be asked. */
  accept(data: Bytes): boolean {
    if (this.busy || data.length > this.size - this.end || data.length === this.size) return false;
    this.append(data);
    return true;
  }

  /** Sends what waits; false where the socket would block. */
  private *drain(): Steps<boolean> {
    while (this.start < this.end) {
      const bytes = this.store.subarray(this.start, this.end);
      const count = yield bytes;
      if (count === null) return false;
      this.start += check_count(count, bytes, 'send');
    }
    this.start = 0;
    this.end = 0;
    return true;
  }

  /**
   * Sends all that waits.
   *
   * @throws BlockingIOError, with what could not be sent still waiting
   */
  *flush(): Steps<void> {
    if (!(yield* this.drain())) throw write_would_block(0);
  }

  /** Takes as much of the data as there is room for where the socket would block; the rest is the caller's again. */
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
   * Takes the data, sending what there is no room for; returns its length.
   *
   * @param data the bytes, sent from where they are if they are as many as the buffer holds
   * @throws BlockingIOError, which tells how many of the bytes were taken
   */
  *write(data: Bytes): Steps<number> {
    const { length } = data;
    if (length <= this.size - this.end && length < this.size) {
      this.append(data);
      return length;
    }
    if (!(yield* this.drain())) return this.fill(data);
    let written = 0;
    while (length - written >= this.size) {
      const rest = data.subarray(written);
      if (rest.length === 0) throw new TypeError('data was detached or resized while it was being sent');
      const count = yield rest;
      if (count === null) {
        if (rest.length <= this.size) break;
        this.append(rest.subarray(0, this.size));
        throw write_would_block(written + this.size);
      }
      written += check_count(count, rest, 'send');
    }
    this.append(data.subarray(written));
    return length;
  }
}
