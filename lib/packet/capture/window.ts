// The bytes of a capture that have come and are not read yet, however the source cuts them.
//
// A chunk is used where it lies, and only what is left of it is copied (`settle`), so that the source may use its memory
// again. What waits for more grows by doubling: a record in chunks of one byte costs no more than in one.
import type { Bytes } from '../../util/validate.js';

const NOTHING: Bytes = new Uint8Array(0);

export class Window {
  /** Whether integers are little-endian. */
  little = true;
  /** Where in the capture the window begins. */
  position = 0;
  #bytes = NOTHING;
  #view: DataView<ArrayBufferLike> = new DataView(NOTHING.buffer);
  #start = 0;
  #end = 0;
  #own = false;

  /** How many bytes are there. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a chunk, which may not change before `settle`. */
  push(chunk: Bytes): void {
    if (this.length === 0) {
      this.#use(chunk, 0, chunk.length, false);
      return;
    }
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Copies what is left, if it lies in the source's memory. */
  settle(): void {
    if (!this.#own) this.#reserve(0);
  }

  /** Makes room behind the bytes, in memory of our own. */
  #reserve(more: number): void {
    const needed = this.length + more;
    const fits = this.#own && needed <= this.#bytes.length;
    if (fits && this.#end + more <= this.#bytes.length) return;
    const to = fits ? this.#bytes : new Uint8Array(Math.max(needed, this.#own ? 2 * this.#bytes.length : 0));
    const length = this.length;
    to.set(this.#bytes.subarray(this.#start, this.#end));
    this.#use(to, 0, length, true);
  }

  #use(bytes: Bytes, start: number, end: number, own: boolean): void {
    if (bytes !== this.#bytes) this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#own = own;
  }

  u8(at: number): number {
    return this.#view.getUint8(this.#start + at);
  }
  u16(at: number): number {
    return this.#view.getUint16(this.#start + at, this.little);
  }
  u32(at: number): number {
    return this.#view.getUint32(this.#start + at, this.little);
  }
  i64(at: number): bigint {
    return this.#view.getBigInt64(this.#start + at, this.little);
  }

  /** A copy of some of the bytes. */
  copy(at: number, length: number): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#start + at, this.#start + at + length));
  }

  /** Lets go of the first bytes. */
  advance(count: number): void {
    this.#start += count;
    this.position += count;
  }
}
