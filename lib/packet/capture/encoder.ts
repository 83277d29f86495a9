// The encoder: makes the bytes of a capture, either pcap with nanoseconds or one section of pcapng. Little-endian.
import {
  array,
  type Bytes,
  type BytesLike,
  bytes as checked_bytes,
  integer_or,
  shown,
} from '../../util/validate.js';
import { LINKTYPE_ETHERNET } from '../linktypes.js';
import * as numbers from './format.js';

/** The format of a capture. */
export type CaptureFormat = 'pcap' | 'pcapng';

/** A packet to write; the packets of read_capture have this form. */
export interface CapturePacket {
  readonly data: BytesLike;
  /** Time in nanoseconds since 1970; if left out, the packet has no time (pcap: 0). */
  readonly time_ns?: bigint | undefined;
  /** Length on the wire, at least that of the data, which is the default. */
  readonly length?: number | undefined;
  /** Must be the linktype of the interface, if given. */
  readonly linktype?: number | undefined;
  /** Index of the interface, 0 by default. */
  readonly interface?: number | undefined;
  /** Comments, in pcapng only. */
  readonly comments?: readonly string[] | undefined;
}

/** An interface of a capture to write. */
export interface NewInterface {
  readonly name?: string | null;
  readonly description?: string | null;
  /** LINKTYPE_*; by default that of the capture. */
  readonly linktype?: number | null;
  /** Bytes kept of a packet; by default those of the capture. */
  readonly snaplen?: number | null;
}

const SNAPLEN_MAX = 2 ** 31 - 1;
const UINT64_MAX = 2n ** 64n - 1n;
const TIME_MAX = (BigInt(numbers.UINT32_MAX) + 1n) * numbers.NANOSECONDS - 1n;
const NANOSECONDS_RESOLUTION = 9;
const OPTION_SIZE_MAX = 65_535;
const SECTION_BODY = 16;

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
}

function option(code: number, value: Uint8Array, name: string): Buffer {
  if (value.length > OPTION_SIZE_MAX)
    throw new RangeError(`${name} must have at most ${OPTION_SIZE_MAX} bytes, not ${value.length}`);
  const bytes = Buffer.alloc(4 + numbers.pad4(value.length));
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt16LE(value.length, 2);
  bytes.set(value, 4);
  return bytes;
}

/** Returns the option of a text; none if the text is left out. */
function text_option(code: number, value: unknown, name: string): Buffer[] {
  if (value === undefined || value === null) return [];
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, not ${shown(value)}`);
  return [option(code, Buffer.from(value, 'utf8'), name)];
}

/** Returns a block: its type and length, a body that `fill` writes, options, the length again. */
function block(
  type: number,
  body_size: number,
  options: readonly Buffer[],
  fill: (body: Buffer) => void,
): Buffer {
  const options_size = options.reduce((sum, { length }) => sum + length, 0) + (options.length > 0 ? 4 : 0);
  const size = numbers.BLOCK_FRAME + numbers.pad4(body_size) + options_size;
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32LE(type, 0);
  bytes.writeUInt32LE(size, 4);
  fill(bytes.subarray(8));
  let at = 8 + numbers.pad4(body_size);
  for (const one of options) {
    bytes.set(one, at);
    at += one.length;
  }
  bytes.writeUInt32LE(size, size - 4);
  return bytes;
}

export class CaptureEncoder {
  readonly #format: CaptureFormat;
  readonly #linktype: number;
  readonly #snaplen: number;
  readonly #interfaces: Known[] = [];
  readonly #header: Buffer;

  /** @throws TypeError, RangeError naming the argument */
  constructor(format: unknown, linktype: unknown, snaplen: unknown, interfaces: unknown) {
    if (format !== 'pcap' && format !== 'pcapng')
      throw new RangeError(`format must be 'pcap' or 'pcapng', not ${shown(format)}`);
    this.#format = format;
    this.#linktype = integer_or(LINKTYPE_ETHERNET, linktype, 'linktype', 0, 65_535);
    this.#snaplen = integer_or(0, snaplen, 'snaplen', 0, SNAPLEN_MAX) || numbers.DEFAULT_SNAPLEN;
    if (format === 'pcap') {
      if (interfaces !== undefined && interfaces !== null)
        throw new TypeError("interfaces are for format 'pcapng'");
      this.#interfaces.push({ linktype: this.#linktype, snaplen: this.#snaplen });
      this.#header = this.#pcap_header();
      return;
    }
    const described =
      interfaces === undefined || interfaces === null ? [{}] : array(interfaces, 'interfaces');
    const blocks = described.map((one, index) => this.#describe(one, `interfaces[${index}]`));
    this.#header = Buffer.concat([section_header(), ...blocks]);
  }

  /** Returns the bytes at the beginning of the capture. */
  header(): Buffer {
    return this.#header;
  }

  /** Adds an interface. Returns its index and its block. @throws TypeError, RangeError */
  add_interface(options: unknown): [index: number, block: Buffer] {
    if (this.#format === 'pcap') throw new TypeError("interfaces are for format 'pcapng'");
    const bytes = this.#describe(options, 'interface');
    return [this.#interfaces.length - 1, bytes];
  }

  /** Returns the record or block of a packet. @throws TypeError, RangeError naming the field */
  packet(packet: CapturePacket): Buffer {
    const checked = this.#check(packet);
    return this.#format === 'pcap' ? pcap_record(checked) : pcapng_block(checked);
  }

  #pcap_header(): Buffer {
    const bytes = Buffer.alloc(numbers.PCAP_HEADER_SIZE);
    bytes.writeUInt32LE(numbers.PCAP_NANOSECONDS, 0);
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
      option(numbers.IF_TSRESOL, Uint8Array.of(NANOSECONDS_RESOLUTION), `${name}.if_tsresol`),
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
    if (known === undefined)
      throw new RangeError(
        `packet.interface is ${index}, and the capture has ${this.#interfaces.length} interfaces`,
      );
    const linktype = integer_or(known.linktype, packet.linktype, 'packet.linktype', 0, numbers.UINT32_MAX);
    if (linktype !== known.linktype)
      throw new RangeError(`packet.linktype is ${linktype}, and its interface has ${known.linktype}`);
    const comments = array(packet.comments ?? [], 'packet.comments');
    if (comments.length > 0 && this.#format === 'pcap')
      throw new TypeError("packet.comments are for format 'pcapng'");
    return {
      data: data.subarray(0, known.snaplen),
      time_ns: time(packet.time_ns, this.#format === 'pcap' ? TIME_MAX : UINT64_MAX),
      length: integer_or(data.length, packet.length, 'packet.length', data.length, numbers.UINT32_MAX),
      index,
      snaplen: known.snaplen,
      comments: comments.map((comment, at) => {
        if (typeof comment === 'string') return comment;
        throw new TypeError(`packet.comments[${at}] must be a string, not ${shown(comment)}`);
      }),
    };
  }
}

function time(value: unknown, max: bigint): bigint | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'bigint')
    throw new TypeError(`packet.time_ns must be a bigint of nanoseconds, not ${shown(value)}`);
  if (value < 0n || value > max)
    throw new RangeError(`packet.time_ns must be between 0 and ${max}, not ${value}`);
  return value;
}

function section_header(): Buffer {
  return block(numbers.SECTION_HEADER, SECTION_BODY, [], (body) => {
    body.writeUInt32LE(numbers.BYTE_ORDER_MAGIC, 0);
    body.writeUInt16LE(1, 4);
    // The length of the section is not known.
    body.fill(0xff, 8, SECTION_BODY);
  });
}

function pcap_record({ data, time_ns = 0n, length }: Checked): Buffer {
  const bytes = Buffer.allocUnsafe(numbers.PCAP_RECORD_SIZE + data.length);
  bytes.writeUInt32LE(Number(time_ns / numbers.NANOSECONDS), 0);
  bytes.writeUInt32LE(Number(time_ns % numbers.NANOSECONDS), 4);
  bytes.writeUInt32LE(data.length, 8);
  bytes.writeUInt32LE(length, 12);
  bytes.set(data, numbers.PCAP_RECORD_SIZE);
  return bytes;
}

function pcapng_block(packet: Checked): Buffer {
  const { data, time_ns, length, index, snaplen, comments } = packet;
  // A simple packet block has no time, no interface and no captured length: the interface must be 0, the length must follow from snaplen.
  const is_simple = time_ns === undefined && index === 0 && comments.length === 0;
  if (is_simple && data.length === Math.min(length, snaplen)) {
    return block(numbers.SIMPLE_PACKET, 4 + data.length, [], (body) => {
      body.writeUInt32LE(length, 0);
      body.set(data, 4);
    });
  }
  const options = comments.flatMap((comment, at) =>
    text_option(numbers.OPTION_COMMENT, comment, `packet.comments[${at}]`),
  );
  return block(numbers.ENHANCED_PACKET, 20 + data.length, options, (body) => {
    body.writeUInt32LE(index, 0);
    body.writeUInt32LE(Number((time_ns ?? 0n) >> 32n), 4);
    body.writeUInt32LE(Number((time_ns ?? 0n) & 0xffff_ffffn), 8);
    body.writeUInt32LE(data.length, 12);
    body.writeUInt32LE(length, 16);
    body.set(data, 20);
  });
}
