// The state of reading and of writing a message of DNS: the position, and the names to which pointers may point.
import { bytes as checked_bytes, integer } from '../../../util/validate.js';
import type { Input } from '../../bytes/input.js';
import { read_name, wire_name } from './names.js';

/** Pointers have 14 bits. */
const POINTER_MAX = 0x3fff;
const POINTER = 0xc000;

/** Reads a message. Where something is not there, `failure` says why. */
export class Reader {
  /** Undefined: nothing failed; '': the message breaks off. */
  failure: string | undefined;
  at: number;
  readonly bytes: Buffer;
  readonly view: DataView;
  readonly #base: number;

  /** @param end the end of the message; of the data of a record while these are read */
  constructor(
    readonly input: Input,
    header: number,
    public end: number,
  ) {
    this.bytes = input.bytes;
    this.view = input.view;
    this.#base = input.at;
    this.at = input.at + header;
  }

  /** Returns the offset of `size` bytes, and moves behind them; -1 if they are not there. */
  take(size: number): number {
    if (this.at + size > this.end) {
      this.failure = '';
      return -1;
    }
    this.at += size;
    return this.at - size;
  }

  u8(): number | undefined {
    const at = this.take(1);
    return at < 0 ? undefined : this.view.getUint8(at);
  }

  u16(): number | undefined {
    const at = this.take(2);
    return at < 0 ? undefined : this.view.getUint16(at);
  }

  u32(): number | undefined {
    const at = this.take(4);
    return at < 0 ? undefined : this.view.getUint32(at);
  }

  name(): string | undefined {
    const { text, end, failure } = read_name(this.bytes, this.#base, this.at, this.end);
    if (failure !== undefined) {
      this.failure = failure;
      return undefined;
    }
    this.at = end;
    return text;
  }

  /** Returns the bytes up to the end. */
  rest(): Buffer {
    const { at } = this;
    this.at = this.end;
    return this.bytes.subarray(at, this.end);
  }
}

/** Writes a message. */
export class Writer {
  #bytes: Buffer;
  /** Bytes written. */
  length: number;
  /** The offset of each name and each end of a name that was written whole. */
  readonly #names = new Map<string, number>();

  constructor(header: number) {
    this.#bytes = Buffer.alloc(Math.max(512, header * 2));
    this.length = header;
  }

  /** Makes room for bytes, which are zeros. @returns its offset */
  room(size: number): number {
    const at = this.length;
    this.length += size;
    if (this.length > this.#bytes.length) {
      const more = Buffer.alloc(this.length * 2);
      this.#bytes.copy(more, 0, 0, at);
      this.#bytes = more;
    }
    return at;
  }

  u8(value: unknown, name: string): void {
    this.#bytes.writeUInt8(integer(value, name, 0, 0xff), this.room(1));
  }

  u16(value: unknown, name: string, at = this.room(2)): void {
    this.#bytes.writeUInt16BE(integer(value, name, 0, 0xffff), at);
  }

  u32(value: unknown, name: string): void {
    this.#bytes.writeUInt32BE(integer(value, name, 0, 0xffffffff), this.room(4));
  }

  raw(value: Uint8Array): void {
    const at = this.room(value.length);
    this.#bytes.set(value, at);
  }

  data(value: unknown, name: string): void {
    this.raw(checked_bytes(value, name));
  }

  /**
   * Writes a name: up to the labels that stand earlier, then a pointer to these.
   *
   * @param plain true: without a pointer, and no pointer will point here, RFC 3597, section 4
   */
  name(value: unknown, field: string, plain = false): void {
    const wire = wire_name(value, field);
    let from = 0;
    for (; from < wire.length && !plain; from += 1 + wire.charCodeAt(from)) {
      const end = wire.slice(from);
      const earlier = this.#names.get(end);
      if (earlier !== undefined) {
        this.raw(Buffer.from(wire.slice(0, from), 'latin1'));
        this.u16(POINTER + earlier, field);
        return;
      }
      const at = this.length + from;
      if (at <= POINTER_MAX) this.#names.set(end, at);
    }
    this.raw(Buffer.from(`${wire}\0`, 'latin1'));
  }

  /** Returns the bytes written. */
  result(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }
}
