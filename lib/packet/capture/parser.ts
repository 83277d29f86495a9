// The parser: makes packets from chunks of bytes. This file recognizes the format and reads pcap; pcapng.ts reads pcapng.
//
// No length is trusted: each is checked before more bytes are awaited, and the memory used is bounded for any input.
import type { Bytes } from '../../util/validate.js';
import * as numbers from './format.js';
import {
  type CapturedPacket,
  CaptureError,
  type CaptureInterface,
  type CaptureSection,
  type Format,
  type Step,
} from './format.js';
import { PcapngParser } from './pcapng.js';
import { Window } from './window.js';

const MAGIC_SIZE = 4;
// In minor versions below this one the two lengths of a record are swapped; in this one, some programs swap them.
const LENGTHS_MINOR = 3;
const LINKTYPE_MASK = 0x03ffffff;

interface Magic {
  readonly ns_per_unit: bigint;
  readonly record_size: number;
}

const MAGICS = new Map<number, Magic>([
  [numbers.PCAP_MICROSECONDS, { ns_per_unit: 1000n, record_size: numbers.PCAP_RECORD_SIZE }],
  [numbers.PCAP_NANOSECONDS, { ns_per_unit: 1n, record_size: numbers.PCAP_RECORD_SIZE }],
  [numbers.PCAP_MODIFIED, { ns_per_unit: 1000n, record_size: numbers.PCAP_MODIFIED_RECORD_SIZE }],
]);

class PcapParser implements Format {
  readonly name = 'pcap';
  interfaces: readonly CaptureInterface[] = [];
  readonly section: CaptureSection = {};
  readonly #magic: Magic;
  #minor = 0;
  #linktype = 0;

  constructor(magic: Magic) {
    this.#magic = magic;
  }

  step(window: Window): Step {
    return this.interfaces.length === 0 ? this.#header(window) : this.#record(window);
  }

  pending(window: Window): number | undefined {
    return window.length > 0 || this.interfaces.length === 0 ? window.position : undefined;
  }

  #header(window: Window): boolean {
    if (window.length < numbers.PCAP_HEADER_SIZE) return false;
    const major = window.u16(4);
    this.#minor = window.u16(6);
    if (major !== numbers.PCAP_MAJOR)
      throw new CaptureError(`pcap of version ${major}.${this.#minor}`, window.position + 4);
    this.#linktype = window.u32(20) & LINKTYPE_MASK;
    this.interfaces = [{ linktype: this.#linktype, snaplen: window.u32(16) }];
    window.advance(numbers.PCAP_HEADER_SIZE);
    return true;
  }

  #record(window: Window): Step {
    const { ns_per_unit, record_size } = this.#magic;
    if (window.length < record_size) return false;
    let captured = window.u32(8);
    let length = window.u32(12);
    if (this.#minor < LENGTHS_MINOR || (this.#minor === LENGTHS_MINOR && captured > length))
      [captured, length] = [length, captured];
    if (captured > numbers.MAX_RECORD)
      throw new CaptureError(`a packet of ${captured} bytes: at most ${numbers.MAX_RECORD}`, window.position);
    if (window.length < record_size + captured) return false;
    const packet: CapturedPacket = {
      data: window.copy(record_size, captured),
      time_ns: BigInt(window.u32(0)) * numbers.NANOSECONDS + BigInt(window.u32(4)) * ns_per_unit,
      length: Math.max(length, captured),
      linktype: this.#linktype,
      interface: 0,
      section: 0,
      comments: [],
    };
    window.advance(record_size + captured);
    return packet;
  }
}

/** Parses a capture from chunks of bytes, cut anywhere. */
export class CaptureParser {
  readonly #window = new Window();
  #format: Format | undefined;

  get format(): Format | undefined {
    return this.#format;
  }

  /** Yields the packets that this chunk completes. @throws CaptureError after them */
  *push(chunk: Bytes): Generator<CapturedPacket, void, undefined> {
    const window = this.#window;
    window.push(chunk);
    if (this.#format === undefined && window.length >= MAGIC_SIZE) this.#format = detect(window);
    while (this.#format !== undefined) {
      const found = this.#format.step(window);
      if (found === false) break;
      if (found !== true) yield found;
    }
    window.keep();
  }

  /** Ends the capture. @throws CaptureError if it ends in the middle of a record */
  end(): void {
    if (this.#format === undefined)
      throw new CaptureError(this.#window.length === 0 ? 'an empty file' : 'cut short in its first bytes', 0);
    const offset = this.#format.pending(this.#window);
    if (offset !== undefined) throw new CaptureError('cut short', offset);
  }
}

/** Returns the format by the first bytes, and sets the byte order. */
function detect(window: Window): Format {
  if (window.u32(0) === numbers.SECTION_HEADER) return new PcapngParser();
  for (window.little of [true, false]) {
    const magic = MAGICS.get(window.u32(0));
    if (magic !== undefined) return new PcapParser(magic);
  }
  throw new CaptureError('neither pcap nor pcapng', 0);
}
