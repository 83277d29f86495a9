// The encoder: makes the bytes of a capture, pcap or pcapng. Little-endian.
import {
  array,
  type Bytes,
  type BytesLike,
  bytes as checked_bytes,
  integer,
  integer_or,
  is_bytes,
  options_of,
  shown,
} from '../../util/validate.js';
import { LINKTYPE_ETHERNET } from '../linktypes.js';
import {
  block,
  comment_options,
  count,
  filter_option,
  option,
  text_option,
  UINT64_MAX,
  u32_bytes,
  u64_option,
} from './blocks.js';
import * as numbers from './format.js';
import type { BlockFormat } from './write_block.js';

/** The format of a capture. */
export type CaptureFormat = 'pcap' | 'pcapng';

/** A packet to write; the packets of read_capture have this form. */
export interface CapturePacket {
  /** The bytes of the packet, as captured. */
  readonly data: BytesLike;
  /** Time in nanoseconds since 1970; if left out, the packet has no time, or 0 where the format has no such packets. */
  readonly time_ns?: bigint | undefined;
  /** Length on the wire, at least that of the data, which is the default. */
  readonly length?: number | undefined;
  /** Must be the linktype of the interface, if given. */
  readonly linktype?: number | undefined;
  /** Index of the interface, 0 by default. */
  readonly interface?: number | undefined;
  /** Comments, in pcapng only. */
  readonly comments?: readonly string[] | undefined;
  /** Whether the interface received or sent it, in pcapng only. */
  readonly direction?: numbers.Direction | undefined;
  /** Number of packets that were lost before this one, in pcapng only. */
  readonly dropped?: bigint | number | undefined;
  /** The flags of the format, in pcapng only; the direction is their two lowest bits. */
  readonly flags?: number | undefined;
}

/** An interface of a capture to write. */
export interface NewInterface {
  /** The name of the interface, such as 'eth0'. */
  readonly name?: string | null | undefined;
  /** A description of the interface. */
  readonly description?: string | null | undefined;
  /** LINKTYPE_*; by default that of the capture. */
  readonly linktype?: number | null | undefined;
  /** Bytes kept of a packet; by default those of the capture. */
  readonly snaplen?: number | null | undefined;
  /** In bits a second. */
  readonly speed?: bigint | number | null | undefined;
  /** The filter of the capture, in the language of pcap-filter(7). */
  readonly filter?: string | null | undefined;
  /** The operating system and the hardware of the interface's machine. */
  readonly os?: string | null | undefined;
  /** The hardware of the interface. */
  readonly hardware?: string | null | undefined;
}

/** A section to begin: what it says about the capture, and its interfaces. */
export interface NewSection extends numbers.CaptureSection {
  /** One, without a name, by default. */
  readonly interfaces?: readonly NewInterface[] | null | undefined;
}

/** Time stamps in microseconds, which all programs read, or nanoseconds. */
export type Precision = 'micro' | 'nano';

const SNAPLEN_MAX = 2 ** 31 - 1;
const TIME_MAX = (BigInt(numbers.UINT32_MAX) + 1n) * numbers.NANOSECONDS - 1n;
/** Of each precision: nanoseconds of a unit, the resolution in pcapng, the first bytes in pcap. */
const PRECISIONS = {
  micro: { unit_ns: 1000n, resolution: 6, magic: numbers.PCAP_MICROSECONDS },
  nano: { unit_ns: 1n, resolution: 9, magic: numbers.PCAP_NANOSECONDS },
} as const;
const STATISTICS_BODY = 12;
const SECTION_BODY = 16;
const SECTION_FIELDS = ['interfaces', 'hardware', 'os', 'application', 'comments'] as const;
const STATISTICS_FIELDS = [
  'time_ns',
  'start_ns',
  'end_ns',
  'received',
  'dropped',
  'accepted',
  'os_dropped',
  'delivered',
] as const;

interface Known {
  readonly linktype: number;
  readonly snaplen: number;
}

/** A packet whose fields are checked and whose data are cut. */
interface Checked {
  readonly data: Bytes;
  readonly time_ns: bigint | undefined;
  readonly length: number;
  readonly index: number;
  readonly snaplen: number;
  readonly comments: readonly string[];
  readonly dropped: bigint | undefined;
  readonly flags: number | undefined;
}

export class CaptureEncoder {
  readonly #format: CaptureFormat;
  readonly #linktype: number;
  readonly #snaplen: number;
  readonly #precision: (typeof PRECISIONS)[Precision];
  #interfaces: Known[] = [];
  readonly #header: Buffer;

  /** @throws TypeError, RangeError naming the argument */
  constructor(format: unknown, linktype: unknown, snaplen: unknown, interfaces: unknown, precision: unknown) {
    if (format !== 'pcap' && format !== 'pcapng')
      throw new RangeError(`format must be 'pcap' or 'pcapng', not ${shown(format)}`);
    if (precision !== 'micro' && precision !== 'nano')
      throw new RangeError(`precision must be 'micro' or 'nano', not ${shown(precision)}`);
    this.#format = format;
    this.#precision = PRECISIONS[precision];
    this.#linktype = integer_or(LINKTYPE_ETHERNET, linktype, 'linktype', 0, 65_535);
    this.#snaplen = integer_or(0, snaplen, 'snaplen', 0, SNAPLEN_MAX) || numbers.DEFAULT_SNAPLEN;
    if (format === 'pcap') {
      if (interfaces !== undefined && interfaces !== null)
        throw new TypeError("interfaces are for format 'pcapng'");
      this.#interfaces.push({ linktype: this.#linktype, snaplen: this.#snaplen });
      this.#header = this.#pcap_header();
      return;
    }
    this.#header = this.#section([], interfaces, 'interfaces');
  }

  /** Returns the header of a section and its interfaces. */
  #section(options: readonly Buffer[], interfaces: unknown, name: string): Buffer {
    const described = interfaces === undefined || interfaces === null ? [{}] : array(interfaces, name);
    const before = this.#interfaces;
    this.#interfaces = [];
    try {
      const blocks = described.map((one, index) => this.#describe(one, `${name}[${index}]`));
      return Buffer.concat([section_header(options), ...blocks]);
    } catch (error) {
      this.#interfaces = before;
      throw error;
    }
  }

  /** Returns the bytes at the beginning of the capture. */
  header(): Buffer {
    return this.#header;
  }

  /** Begins a section: the interfaces are those of the section. Returns its blocks. @throws TypeError, RangeError */
  begin_section(section: NewSection): Buffer {
    this.#only_pcapng('sections');
    const given: { [K in keyof NewSection]: unknown } = options_of(section, SECTION_FIELDS);
    const options = [
      ...comment_options(given.comments, 'section.comments'),
      ...text_option(numbers.SECTION_HARDWARE, given.hardware, 'section.hardware'),
      ...text_option(numbers.SECTION_OS, given.os, 'section.os'),
      ...text_option(numbers.SECTION_APPLICATION, given.application, 'section.application'),
    ];
    return this.#section(options, given.interfaces, 'section.interfaces');
  }

  /** Returns the block of an interface's counts. @throws TypeError, RangeError */
  statistics(index: number, statistics: numbers.CaptureStatistics): Buffer {
    this.#only_pcapng('statistics');
    const number = integer(index, 'index', 0, numbers.UINT32_MAX);
    if (this.#interfaces[number] === undefined) throw this.#no_interface('index', number);
    const given: { [K in keyof numbers.CaptureStatistics]: unknown } = options_of(
      statistics,
      STATISTICS_FIELDS,
    );
    const time_of = (name: 'time_ns' | 'start_ns' | 'end_ns') =>
      this.#time(given[name], `statistics.${name}`);
    const time_ns = time_of('time_ns');
    if (time_ns === undefined) throw new TypeError('statistics.time_ns must be a bigint of nanoseconds');
    const times = [
      [numbers.STATISTICS_START, time_of('start_ns'), 'start_ns'],
      [numbers.STATISTICS_END, time_of('end_ns'), 'end_ns'],
    ] as const;
    const options = times.flatMap(([code, at, name]) =>
      at === undefined ? [] : [option(code, this.#stamp(at), `statistics.${name}`)],
    );
    for (const [name, code] of Object.entries(numbers.COUNTS)) {
      const value = given[name as keyof typeof numbers.COUNTS];
      options.push(...u64_option(code, value, `statistics.${name}`));
    }
    return block(numbers.INTERFACE_STATISTICS, STATISTICS_BODY, options, (body) => {
      body.writeUInt32LE(number, 0);
      body.set(this.#stamp(time_ns), 4);
    });
  }

  #only_pcapng(what: string): void {
    if (this.#format === 'pcap') throw new TypeError(`${what} are for format 'pcapng'`);
  }

  #no_interface(name: string, index: number): RangeError {
    return new RangeError(`${name} is ${index}, and the capture has ${this.#interfaces.length} interfaces`);
  }

  /** Checks a time that is to be stored. @throws TypeError, RangeError */
  #time(value: unknown, name: string): bigint | undefined {
    const max = this.#format === 'pcap' ? TIME_MAX : UINT64_MAX * this.#precision.unit_ns;
    return time(value, max, name);
  }

  /** Returns a time of pcapng: its high and its low 32 bits. */
  #stamp(time_ns: bigint): Buffer {
    const units = time_ns / this.#precision.unit_ns;
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32LE(Number(units >> 32n), 0);
    bytes.writeUInt32LE(Number(units & 0xffff_ffffn), 4);
    return bytes;
  }

  /** Adds an interface. Returns its index and its block. @throws TypeError, RangeError */
  add_interface(options: unknown): [index: number, block: Buffer] {
    this.#only_pcapng('interfaces');
    const bytes = this.#describe(options, 'interface');
    return [this.#interfaces.length - 1, bytes];
  }

  /** Returns the record or block of a packet. @throws TypeError, RangeError naming the field */
  packet(packet: CapturePacket): Buffer {
    const checked = this.#check(packet);
    return this.#format === 'pcap' ? this.#pcap_record(checked) : this.#pcapng_block(checked);
  }

  /** Returns how a block of packet_ring writes its packets. @throws RangeError: the interface has another link type, or is none */
  block_format(linktype: number, interface_id: unknown): BlockFormat {
    const index = integer_or(0, interface_id, 'interface', 0, numbers.UINT32_MAX);
    const known = this.#interfaces[index];
    if (known === undefined) throw this.#no_interface('interface', index);
    if (known.linktype !== linktype)
      throw new RangeError(`the block has linktype ${linktype}, and its interface has ${known.linktype}`);
    return {
      interface_id: this.#format === 'pcap' ? -1 : index,
      snaplen: known.snaplen,
      unit_ns: Number(this.#precision.unit_ns),
    };
  }

  #pcap_header(): Buffer {
    const bytes = Buffer.alloc(numbers.PCAP_HEADER_SIZE);
    bytes.writeUInt32LE(this.#precision.magic, 0);
    bytes.writeUInt16LE(numbers.PCAP_MAJOR, 4);
    bytes.writeUInt16LE(numbers.PCAP_MINOR, 6);
    bytes.writeUInt32LE(this.#snaplen, 16);
    bytes.writeUInt32LE(this.#linktype, 20);
    return bytes;
  }

  #describe(value: unknown, name: string): Buffer {
    if (typeof value !== 'object' || value === null)
      throw new TypeError(`${name} must be an object, not ${shown(value)}`);
    const given: { [K in keyof NewInterface]: unknown } = value;
    const linktype = integer_or(this.#linktype, given.linktype, `${name}.linktype`, 0, 65_535);
    const snaplen = integer_or(this.#snaplen, given.snaplen, `${name}.snaplen`, 0, SNAPLEN_MAX);
    const options = [
      ...text_option(numbers.IF_NAME, given.name, `${name}.name`),
      ...text_option(numbers.IF_DESCRIPTION, given.description, `${name}.description`),
      ...u64_option(numbers.IF_SPEED, given.speed, `${name}.speed`),
      option(numbers.IF_TSRESOL, Uint8Array.of(this.#precision.resolution), `${name}.if_tsresol`),
      ...filter_option(given.filter, `${name}.filter`),
      ...text_option(numbers.IF_OS, given.os, `${name}.os`),
      ...text_option(numbers.IF_HARDWARE, given.hardware, `${name}.hardware`),
    ];
    this.#interfaces.push({ linktype, snaplen: snaplen || numbers.DEFAULT_SNAPLEN });
    return block(numbers.INTERFACE_DESCRIPTION, 8, options, (body) => {
      body.writeUInt16LE(linktype, 0);
      body.writeUInt32LE(snaplen || numbers.DEFAULT_SNAPLEN, 4);
    });
  }

  #check(packet: CapturePacket): Checked {
    if (typeof packet !== 'object' || packet === null)
      throw new TypeError(`packet must be bytes or an object with data, not ${shown(packet)}`);
    const data = checked_bytes(packet.data, 'packet.data');
    const index = integer_or(0, packet.interface, 'packet.interface', 0, numbers.UINT32_MAX);
    const known = this.#interfaces[index];
    if (known === undefined) throw this.#no_interface('packet.interface', index);
    const linktype = integer_or(known.linktype, packet.linktype, 'packet.linktype', 0, numbers.UINT32_MAX);
    if (linktype !== known.linktype)
      throw new RangeError(`packet.linktype is ${linktype}, and its interface has ${known.linktype}`);
    const comments = array(packet.comments ?? [], 'packet.comments');
    const dropped = count(packet.dropped, 'packet.dropped');
    const flags = flags_of(packet);
    if (comments.length > 0) this.#only_pcapng('packet.comments');
    if (flags !== undefined) this.#only_pcapng('packet.flags and packet.direction');
    if (dropped !== undefined) this.#only_pcapng('packet.dropped');
    return {
      data: data.subarray(0, known.snaplen),
      time_ns: this.#time(packet.time_ns, 'packet.time_ns'),
      length: integer_or(data.length, packet.length, 'packet.length', data.length, numbers.UINT32_MAX),
      index,
      snaplen: known.snaplen,
      comments: comments.map((comment, at) => {
        if (typeof comment === 'string') return comment;
        throw new TypeError(`packet.comments[${at}] must be a string, not ${shown(comment)}`);
      }),
      dropped,
      flags,
    };
  }

  #pcap_record({ data, time_ns = 0n, length }: Checked): Buffer {
    const bytes = Buffer.allocUnsafe(numbers.PCAP_RECORD_SIZE + data.length);
    bytes.writeUInt32LE(Number(time_ns / numbers.NANOSECONDS), 0);
    bytes.writeUInt32LE(Number((time_ns % numbers.NANOSECONDS) / this.#precision.unit_ns), 4);
    bytes.writeUInt32LE(data.length, 8);
    bytes.writeUInt32LE(length, 12);
    bytes.set(data, numbers.PCAP_RECORD_SIZE);
    return bytes;
  }

  #pcapng_block(packet: Checked): Buffer {
    const { data, time_ns, length, index, snaplen, comments, dropped, flags } = packet;
    const options = [
      ...comment_options(comments, 'packet.comments'),
      ...(flags === undefined ? [] : [option(numbers.PACKET_FLAGS, u32_bytes(flags), 'packet.flags')]),
      ...u64_option(numbers.PACKET_DROPPED, dropped, 'packet.dropped'),
    ];
    // A simple packet block has no time, no interface, options and captured length: the interface must be 0, the length must follow from
    // snaplen. Any other packet must have a time.
    const is_simple = time_ns === undefined && index === 0 && options.length === 0;
    if (is_simple && data.length === Math.min(length, snaplen)) {
      return block(numbers.SIMPLE_PACKET, 4 + data.length, [], (body) => {
        body.writeUInt32LE(length, 0);
        body.set(data, 4);
      });
    }
    return block(numbers.ENHANCED_PACKET, 20 + data.length, options, (body) => {
      body.writeUInt32LE(index, 0);
      body.set(this.#stamp(time_ns ?? 0n), 4);
      body.writeUInt32LE(data.length, 12);
      body.writeUInt32LE(length, 16);
      body.set(data, 20);
    });
  }
}

/** Returns the flags of a packet with its direction. @throws TypeError; RangeError if the two disagree */
function flags_of({ flags, direction }: CapturePacket): number | undefined {
  const given =
    flags === undefined || flags === null ? undefined : integer(flags, 'packet.flags', 0, numbers.UINT32_MAX);
  if (direction === undefined || direction === null) return given;
  const bits = numbers.DIRECTIONS.indexOf(direction) + 1;
  if (bits === 0)
    throw new RangeError(`packet.direction must be 'inbound' or 'outbound', not ${shown(direction)}`);
  if (given !== undefined && (given & numbers.DIRECTION) !== bits)
    throw new RangeError(`packet.flags and packet.direction disagree; leave one of them out`);
  return given ?? bits;
}

function time(value: unknown, max: bigint, name: string): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'bigint')
    throw new TypeError(`${name} must be a bigint of nanoseconds, not ${shown(value)}`);
  if (value < 0n || value > max) throw new RangeError(`${name} must be between 0 and ${max}, not ${value}`);
  return value;
}

function section_header(options: readonly Buffer[]): Buffer {
  return block(numbers.SECTION_HEADER, SECTION_BODY, options, (body) => {
    body.writeUInt32LE(numbers.BYTE_ORDER_MAGIC, 0);
    body.writeUInt16LE(1, 4);
    // The length of the section is not known.
    body.fill(0xff, 8, SECTION_BODY);
  });
}

/** Returns a packet as an object: one given as bytes was captured now. */
export function packet_of(packet: CapturePacket | BytesLike): CapturePacket {
  return is_bytes(packet) ? { data: packet, time_ns: BigInt(Date.now()) * 1_000_000n } : packet;
}

/** Returns the error of a call on a capture that is closed. */
export function closed(): RangeError {
  return new RangeError('the capture is closed');
}
