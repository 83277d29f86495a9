// The parser of pcapng, block by block: sections, interfaces and their statistics, packets of three kinds. Other blocks are skipped, and not kept in memory.

import * as numbers from './format.js';
import {
  type CapturedPacket,
  CaptureError,
  type CaptureInterface,
  type CaptureSection,
  type Format,
  type Step,
} from './format.js';
import type { Window } from './window.js';

// The offset of a block's body, and the length of the body's fixed part.
const BODY = 8;
const SECTION_BODY = 16;
const INTERFACE_BODY = 8;
const SIMPLE_BODY = 4;
const STATISTICS_BODY = 12;
const PACKET_BODY = 20;
const OPTION_FRAME = 4;
const LENGTH_SIZE = 4;

// Interfaces of a section, at most: each costs memory until the section ends.
const MAX_INTERFACES = 65_536;
const BINARY_RESOLUTION = 0x80;
const MICROSECONDS_RESOLUTION = 6;
const UNKNOWN_COUNT = 0xffff;

const READ = new Set([
  numbers.SECTION_HEADER,
  numbers.INTERFACE_DESCRIPTION,
  numbers.OBSOLETE_PACKET,
  numbers.SIMPLE_PACKET,
  numbers.INTERFACE_STATISTICS,
  numbers.ENHANCED_PACKET,
]);

/** An interface, and the unit of its time stamps. */
interface Interface {
  readonly described: Filled<CaptureInterface>;
  /** Returns the nanoseconds of a time stamp. */
  readonly to_ns: (units: bigint) => bigint;
}

/** A type without `readonly`: of an object that is being filled. */
type Filled<T> = { -readonly [Name in keyof T]: T[Name] };

/** Returns the function that makes nanoseconds: the unit is a power of 10, or of 2 if the highest bit is set; `offset` is in seconds. */
function clock(resolution: number, offset: bigint): (units: bigint) => bigint {
  const exponent = BigInt(resolution & ~BINARY_RESOLUTION);
  const offset_ns = offset * numbers.NANOSECONDS;
  if (resolution & BINARY_RESOLUTION)
    return (units) => ((units * numbers.NANOSECONDS) >> exponent) + offset_ns;
  if (exponent <= 9n) {
    const factor = 10n ** (9n - exponent);
    return (units) => units * factor + offset_ns;
  }
  const divisor = 10n ** (exponent - 9n);
  return (units) => units / divisor + offset_ns;
}

export class PcapngParser implements Format {
  readonly name = 'pcapng';
  #interfaces: Interface[] = [];
  #section = -1;
  #about: CaptureSection = {};
  /** The block that is being skipped: its offset, its length, and the bytes of it that are still to come. */
  #skipped: { offset: number; length: number; left: number } | undefined;

  get interfaces(): readonly CaptureInterface[] {
    return this.#interfaces.map(({ described }) => described);
  }

  get section(): CaptureSection {
    return this.#about;
  }

  pending(window: Window): number | undefined {
    if (this.#skipped !== undefined) return this.#skipped.offset;
    return window.length > 0 || this.#section < 0 ? window.position : undefined;
  }

  step(window: Window): Step {
    if (this.#skipped !== undefined) return this.#skip(window, this.#skipped);
    if (window.length < numbers.BLOCK_FRAME) return false;
    const type = window.u32(0);
    if (type === numbers.SECTION_HEADER) this.#byte_order(window);
    const length = window.u32(4);
    if (length < numbers.BLOCK_FRAME || length % 4 !== 0)
      throw new CaptureError(`a block of ${length} bytes`, window.position + 4);
    if (!READ.has(type)) {
      this.#skipped = { offset: window.position, length, left: length };
      return true;
    }
    if (length > numbers.MAX_RECORD)
      throw new CaptureError(
        `a block of ${length} bytes: at most ${numbers.MAX_RECORD}`,
        window.position + 4,
      );
    if (window.length < length) return false;
    this.#check_end(window, length, length);
    const found = this.#read(type, window, length - LENGTH_SIZE) ?? true;
    window.advance(length);
    return found;
  }

  /** Skips a block of another type, except for the length at its end. */
  #skip(window: Window, skipped: { length: number; left: number }): boolean {
    const passed = Math.min(window.length, skipped.left - LENGTH_SIZE);
    window.advance(passed);
    skipped.left -= passed;
    if (skipped.left > LENGTH_SIZE || window.length < LENGTH_SIZE) return false;
    this.#check_end(window, LENGTH_SIZE, skipped.length);
    window.advance(LENGTH_SIZE);
    this.#skipped = undefined;
    return true;
  }

  #check_end(window: Window, end: number, length: number): void {
    const repeated = window.u32(end - LENGTH_SIZE);
    if (repeated !== length)
      throw new CaptureError(
        `a block of ${length} bytes says ${repeated} at its end`,
        window.position + end - LENGTH_SIZE,
      );
  }

  /** Reads a section header, which sets the byte order of all bytes that follow, even of its own length. */
  #byte_order(window: Window): void {
    for (window.little of [true, false]) if (window.u32(BODY) === numbers.BYTE_ORDER_MAGIC) return;
    throw new CaptureError('a section without byte order', window.position + BODY);
  }

  /** Reads a block of a known type, up to `end` in the window. */
  #read(type: number, window: Window, end: number): CapturedPacket | undefined {
    switch (type) {
      case numbers.SECTION_HEADER:
        return this.#begin_section(window, end);
      case numbers.INTERFACE_DESCRIPTION:
        return this.#add_interface(window, end);
      case numbers.INTERFACE_STATISTICS:
        return this.#statistics(window, end);
      case numbers.SIMPLE_PACKET:
        return this.#simple_packet(window, end);
      default:
        return this.#packet(window, end, type);
    }
  }

  #begin_section(window: Window, end: number): undefined {
    fixed_part(window, end, SECTION_BODY);
    const [major, minor] = [window.u16(BODY + 4), window.u16(BODY + 6)];
    if (major !== 1)
      throw new CaptureError(`pcapng of version ${major}.${minor}`, window.position + BODY + 4);
    const about: Filled<CaptureSection> = {};
    const comments: string[] = [];
    each_option(window, BODY + SECTION_BODY, end, (code, at, length) => {
      if (code === numbers.SECTION_HARDWARE) about.hardware = text(window, at, length);
      else if (code === numbers.SECTION_OS) about.os = text(window, at, length);
      else if (code === numbers.SECTION_APPLICATION) about.application = text(window, at, length);
      else if (code === numbers.OPTION_COMMENT) comments.push(text(window, at, length));
    });
    if (comments.length > 0) about.comments = comments;
    this.#about = about;
    this.#section++;
    this.#interfaces = [];
  }

  #add_interface(window: Window, end: number): undefined {
    fixed_part(window, end, INTERFACE_BODY);
    if (this.#interfaces.length === MAX_INTERFACES)
      throw new CaptureError(`more than ${MAX_INTERFACES} interfaces`, window.position);
    let resolution = MICROSECONDS_RESOLUTION;
    let offset = 0n;
    const about: Filled<Partial<CaptureInterface>> = {};
    each_option(window, BODY + INTERFACE_BODY, end, (code, at, length) => {
      if (code === numbers.IF_TSRESOL) {
        check_option(window, code, at, length, 1);
        resolution = window.u8(at);
      } else if (code === numbers.IF_TSOFFSET) {
        check_option(window, code, at, length, 8);
        offset = window.i64(at);
      } else if (code === numbers.IF_SPEED) {
        check_option(window, code, at, length, 8);
        about.speed = window.u64(at);
      } else if (code === numbers.IF_NAME) about.name = text(window, at, length);
      else if (code === numbers.IF_DESCRIPTION) about.description = text(window, at, length);
      else if (code === numbers.IF_OS) about.os = text(window, at, length);
      else if (code === numbers.IF_HARDWARE) about.hardware = text(window, at, length);
      else if (code === numbers.IF_FILTER && length > 0 && window.u8(at) === numbers.FILTER_TEXT)
        about.filter = text(window, at + 1, length - 1);
    });
    const described = { linktype: window.u16(BODY), snaplen: window.u32(BODY + 4), ...about };
    this.#interfaces.push({ described, to_ns: clock(resolution, offset) });
  }

  #interface(window: Window, index: number): Interface {
    const found = this.#interfaces[index];
    if (found === undefined)
      throw new CaptureError(
        `a packet of interface ${index}, where ${this.#interfaces.length} are described`,
        window.position,
      );
    return found;
  }

  #statistics(window: Window, end: number): undefined {
    fixed_part(window, end, STATISTICS_BODY);
    const of = this.#interface(window, window.u32(BODY));
    const counts = Object.entries(numbers.COUNTS);
    const time = (at: number) => of.to_ns((BigInt(window.u32(at)) << 32n) | BigInt(window.u32(at + 4)));
    const found: Record<string, bigint> = {};
    each_option(window, BODY + STATISTICS_BODY, end, (code, at, length) => {
      const name = counts.find(([, number]) => number === code)?.[0];
      const is_time = code === numbers.STATISTICS_START || code === numbers.STATISTICS_END;
      if (name === undefined && !is_time) return;
      check_option(window, code, at, length, 8);
      if (name !== undefined) found[name] = window.u64(at);
      else found[code === numbers.STATISTICS_START ? 'start_ns' : 'end_ns'] = time(at);
    });
    // A block without counts says nothing.
    if (Object.keys(found).length > 0) of.described.statistics = { time_ns: time(BODY + 4), ...found };
  }

  #packet(window: Window, end: number, type: number): CapturedPacket {
    fixed_part(window, end, PACKET_BODY);
    const index = type === numbers.ENHANCED_PACKET ? window.u32(BODY) : window.u16(BODY);
    const { described, to_ns } = this.#interface(window, index);
    const begin = BODY + PACKET_BODY;
    const captured = window.u32(BODY + 12);
    check_captured(window, captured, end - begin);
    const units = (BigInt(window.u32(BODY + 4)) << 32n) | BigInt(window.u32(BODY + 8));
    const comments: string[] = [];
    let flags = 0;
    // The older block counts in its fixed part; all bits set: not known.
    const counted = type === numbers.ENHANCED_PACKET ? UNKNOWN_COUNT : window.u16(BODY + 2);
    let dropped = counted === UNKNOWN_COUNT ? 0n : BigInt(counted);
    each_option(window, begin + numbers.pad4(captured), end, (code, at, length) => {
      if (code === numbers.OPTION_COMMENT) comments.push(text(window, at, length));
      else if (code === numbers.PACKET_FLAGS && length === 4) flags = window.u32(at);
      else if (code === numbers.PACKET_DROPPED && length === 8) dropped = window.u64(at);
    });
    return {
      data: window.copy(begin, captured),
      time_ns: to_ns(units),
      length: Math.max(window.u32(BODY + 16), captured),
      linktype: described.linktype,
      interface: index,
      section: this.#section,
      comments,
      direction: numbers.DIRECTIONS[(flags & numbers.DIRECTION) - 1],
      dropped: dropped || undefined,
      flags: flags || undefined,
    };
  }

  /** Reads a simple packet: it is of the first interface and has no time, and its captured length follows from the interface's limit. */
  #simple_packet(window: Window, end: number): CapturedPacket {
    fixed_part(window, end, SIMPLE_BODY);
    const { linktype, snaplen } = this.#interface(window, 0).described;
    const length = window.u32(BODY);
    const captured = snaplen === 0 ? length : Math.min(length, snaplen);
    check_captured(window, captured, end - BODY - SIMPLE_BODY);
    return {
      data: window.copy(BODY + SIMPLE_BODY, captured),
      time_ns: undefined,
      length,
      linktype,
      interface: 0,
      section: this.#section,
      comments: [],
    };
  }
}

function fixed_part(window: Window, end: number, size: number): void {
  if (end < BODY + size)
    throw new CaptureError(
      `a block of ${end + LENGTH_SIZE} bytes is too short for its type`,
      window.position,
    );
}

function check_captured(window: Window, captured: number, room: number): void {
  if (captured > room)
    throw new CaptureError(`a packet of ${captured} bytes in a block with ${room} for it`, window.position);
}

/** Calls `visit` for each option between two offsets of the window. No list is made: it could be longer than the options. */
function each_option(
  window: Window,
  begin: number,
  end: number,
  visit: (code: number, at: number, length: number) => void,
): void {
  let at = begin;
  while (at + OPTION_FRAME <= end) {
    const code = window.u16(at);
    const length = window.u16(at + 2);
    if (code === numbers.OPTION_END) break;
    if (length > end - at - OPTION_FRAME)
      throw new CaptureError(`an option of ${length} bytes reaches beyond its block`, window.position + at);
    visit(code, at + OPTION_FRAME, length);
    at += OPTION_FRAME + numbers.pad4(length);
  }
}

function text(window: Window, at: number, length: number): string {
  return window.copy(at, length).toString('utf8');
}

function check_option(window: Window, code: number, at: number, length: number, size: number): void {
  if (length !== size)
    throw new CaptureError(
      `option ${code} of an interface has ${length} bytes, not ${size}`,
      window.position + at - OPTION_FRAME,
    );
}
