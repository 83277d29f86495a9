// A walk over the bytes of a message, for the text of protocols that tcpdump tells field by field: what is there is told, and where the
// bytes end, the mark of the protocol follows. The functions of service/ and link/ that tell whole messages use it.
import { AF_INET, AF_INET6, inet_ntop } from '../../../socket/index.js';
import { hexadecimal } from './dump.js';
import { caret } from './names.js';
import type { Place } from './place.js';

/** Thrown where a field is not there; one object, since making an error costs more than the rest of the line. */
const ENDED = new Error('the bytes of the message end');
/** Thrown where nothing more is to be told. */
const TOLD = new Error('all is told');

export class Walk {
  /** What has been told so far. */
  text = '';

  /** The bytes of the message; those behind its end are not there. */
  bytes: Buffer;

  /** @param protocol the word of marks, as in [|domain] */
  constructor(
    readonly place: Place,
    readonly protocol: string,
  ) {
    this.bytes = place.bytes;
  }

  /** How often -v is given. */
  get verbose(): number {
    return this.place.style.verbose;
  }

  /** The offset behind the last byte. */
  get end(): number {
    return this.bytes.length;
  }

  /** Tells more. */
  say(text: string): void {
    this.text += text;
  }

  /** Tells the mark of a message that breaks off, where other text may follow. */
  say_cut(): void {
    this.say(` [|${this.protocol}]`);
  }

  /** Tells a last text, and ends the walk. */
  stop(text: string): never {
    this.say(text);
    throw TOLD;
  }

  /** Tells the mark of a message that breaks off, and ends the walk. */
  cut(): never {
    this.stop(` [|${this.protocol}]`);
  }

  /** Tells the mark of a message that contradicts itself, and ends the walk. */
  invalid(): never {
    this.stop(INVALID);
  }

  /** Calls `tell` with no bytes there from `end` on: a message within the message. */
  within(end: number, tell: () => void): void {
    const all = this.bytes;
    this.bytes = all.subarray(0, end);
    tell();
    this.bytes = all;
  }

  /** Returns whether so many bytes are there. */
  has(at: number, size: number): boolean {
    return at >= 0 && at + size <= this.bytes.length;
  }

  /** Ends the walk if the bytes are not there. */
  need(at: number, size: number): void {
    if (!this.has(at, size)) throw ENDED;
  }

  u8(at: number): number {
    this.need(at, 1);
    return this.bytes[at] ?? 0;
  }

  u16(at: number): number {
    this.need(at, 2);
    return this.bytes.readUInt16BE(at);
  }

  u24(at: number): number {
    this.need(at, 3);
    return this.bytes.readUIntBE(at, 3);
  }

  u32(at: number): number {
    this.need(at, 4);
    return this.bytes.readUInt32BE(at);
  }

  u64(at: number): bigint {
    this.need(at, 8);
    return this.bytes.readBigUInt64BE(at);
  }

  ipv4(at: number): string {
    this.need(at, 4);
    return inet_ntop(AF_INET, this.bytes.subarray(at, at + 4));
  }

  ipv6(at: number): string {
    this.need(at, 16);
    return inet_ntop(AF_INET6, this.bytes.subarray(at, at + 16));
  }

  /** Returns bytes as hexadecimal digits. */
  hex(at: number, size: number): string {
    this.need(at, size);
    return this.bytes.toString('hex', at, at + size);
  }

  mac(at: number): string {
    return this.hex(at, 6).replace(/..\B/g, '$&:');
  }

  /** Tells bytes as text, as far as they are there. @returns whether all are */
  say_some(at: number, size: number): boolean {
    this.say(caret(this.bytes.subarray(at, at + size)));
    return this.has(at, size);
  }

  /** Tells bytes as text; ends the walk if some are missing. */
  say_bytes(at: number, size: number): void {
    if (!this.say_some(at, size)) throw ENDED;
  }

  /** Tells bytes as text up to a NUL; ends the walk if it is not there. */
  say_string(at: number, size: number): void {
    const all = this.bytes.subarray(at, at + size);
    const nul = all.indexOf(0);
    this.say(caret(nul === -1 ? all : all.subarray(0, nul)));
    if (nul === -1) this.need(at, size);
  }

  /** Tells bytes in hexadecimal numbers, in lines behind `indent`, as far as they are there. */
  say_unknown(at: number, size: number, indent: string): void {
    this.say(hexadecimal(this.bytes.subarray(at, at + size), indent));
  }
}

/**
 * Returns what `tell` tells; where it comes to the end of the bytes, the mark of the protocol follows.
 *
 * @param protocol the word in the mark: [|domain]
 */
export function walked(place: Place, protocol: string, tell: (walk: Walk) => void): string {
  const walk = new Walk(place, protocol);
  try {
    tell(walk);
  } catch (error) {
    if (error === ENDED) return walk.text + place.broken(protocol);
    if (error !== TOLD) throw error;
  }
  return walk.text;
}

/** The mark of a message that contradicts itself. */
export const INVALID = ' (invalid)';
