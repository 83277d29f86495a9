// The window: the bytes of a capture that were received and not read yet. The source may cut them anywhere.
//
// A chunk is used in the source's memory, and only the rest of it is copied (`keep`), so that the source may use its memory again. Memory
// that waits for more bytes grows by doubling: a record in chunks of one byte costs no more than in one.
import type { Bytes } from '../../util/validate.js';

const NOTHING: Bytes = new Uint8Array(0);

export class Window {
  /** True if integers are little-endian. */
  little = true;
  /** Offset of the window in the capture. */
  position = 0;
  #bytes = NOTHING;
  #view: DataView<ArrayBufferLike> = new DataView(NOTHING.buffer);
  #start = 0;
  #end = 0;
  #own = false;

  /** Number of bytes in the window. */
  get length(): number {
    return this.#end - this.#start;
  }

  /** Adds a chunk, which may not change before `keep`. */
  push(chunk: Bytes): void {
    if (this.length === 0) {
      this.#use(chunk, 0, chunk.length, false);
      return;
    }
    this.#reserve(chunk.length);
    this.#bytes.set(chunk, this.#end);
    this.#end += chunk.length;
  }

  /** Copies the bytes if they lie in the source's memory. */
  keep(): void {
    if (!this.#own) this.#reserve(0);
  }

  /** Makes room behind the bytes, in the window's own memory. */
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
  u64(at: number): bigint {
    return this.#view.getBigUint64(this.#start + at, this.little);
  }
  i64(at: number): bigint {
    return this.#view.getBigInt64(this.#start + at, this.little);
  }

  /** Returns a copy of some of the bytes. */
  copy(at: number, length: number): Buffer {
    return Buffer.from(this.#bytes.subarray(this.#start + at, this.#start + at + length));
  }

  /** Removes the first bytes. */
  advance(count: number): void {
    this.#start += count;
    this.position += count;
  }
}
