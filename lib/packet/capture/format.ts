// The numbers of the two capture formats, and what reading and writing share.
//
// pcap: a file header, then records. pcapng: blocks `type, length, body, length`; a section begins with a header that
// says the byte order, and describes its interfaces before their packets. See draft-ietf-opsawg-pcap and -pcapng.
import type { Window } from './window.js';

/** The first four bytes of a pcap file, as written by a machine of the same byte order. */
export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
/** Alexey Kuznetsov's format: microseconds, and 8 more bytes in the header of a record. */
export const PCAP_MODIFIED = 0xa1b2cd34;
export const PCAP_HEADER_SIZE = 24;
export const PCAP_RECORD_SIZE = 16;
export const PCAP_MODIFIED_RECORD_SIZE = 24;
export const PCAP_MAJOR = 2;
export const PCAP_MINOR = 4;

/** Block types. A section header's is the same in both byte orders. */
export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
export const OBSOLETE_PACKET = 2;
export const SIMPLE_PACKET = 3;
export const INTERFACE_STATISTICS = 5;
export const ENHANCED_PACKET = 6;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Bytes around the body of a block: its type, its length, and the length again. */
export const BLOCK_FRAME = 12;

/** Option numbers. An option has a number, a length, and a value padded to 4 bytes. */
export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const SECTION_HARDWARE = 2;
export const SECTION_OS = 3;
export const SECTION_APPLICATION = 4;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_SPEED = 8;
export const IF_TSRESOL = 9;
export const IF_FILTER = 11;
export const IF_OS = 12;
export const IF_TSOFFSET = 14;
export const IF_HARDWARE = 15;
export const PACKET_FLAGS = 2;
export const PACKET_DROPPED = 4;
/** Counts of statistics, by the names of their fields. */
export const COUNTS = { received: 4, dropped: 5, accepted: 6, os_dropped: 7, delivered: 8 } as const;
export const STATISTICS_START = 2;
export const STATISTICS_END = 3;
/** The bits of a packet's flags that say its direction. */
export const DIRECTION = 3;
export const DIRECTIONS = ['inbound', 'outbound'] as const;
/** The first byte of a filter option: the filter is text of pcap-filter(7). */
export const FILTER_TEXT = 0;

/** Bytes kept of a packet by default: tools refuse longer ones. */
export const DEFAULT_SNAPLEN = 262_144;
export const UINT32_MAX = 2 ** 32 - 1;
export const NANOSECONDS = 1_000_000_000n;

export const pad4 = (length: number): number => (length + 3) & ~3;

/** Whether a packet came in or went out. */
export type Direction = (typeof DIRECTIONS)[number];

/** What an interface counted; a field that the capture does not have is left out. */
export interface CaptureStatistics {
  /** Time of the counts, of the beginning and of the end of the capture, in nanoseconds since 1970. */
  readonly time_ns?: bigint | undefined;
  /** The start of the capture, in nanoseconds since 1970. */
  readonly start_ns?: bigint | undefined;
  /** The end of the capture, in nanoseconds since 1970. */
  readonly end_ns?: bigint | undefined;
  /** Packets that the interface received. */
  readonly received?: bigint | undefined;
  /** Packets that the interface dropped for lack of room. */
  readonly dropped?: bigint | undefined;
  /** Packets that passed the filter. */
  readonly accepted?: bigint | undefined;
  /** Packets that the operating system dropped. */
  readonly os_dropped?: bigint | undefined;
  /** Packets that the program got. */
  readonly delivered?: bigint | undefined;
}
/** What an interface counted, as it is written: the format demands the time of the counts. */
export interface TimedStatistics extends CaptureStatistics {
  /** Time of the counts, in nanoseconds since 1970. */
  readonly time_ns: bigint;
}

/** What a section of pcapng says about the capture as a whole. */
export interface CaptureSection {
  /** The hardware of the machine. */
  readonly hardware?: string | undefined;
  /** The operating system of the machine. */
  readonly os?: string | undefined;
  /** The program that captured. */
  readonly application?: string | undefined;
  /** Comments on the section. */
  readonly comments?: readonly string[] | undefined;
}

/** An interface of a capture. */
export interface CaptureInterface {
  /** The type of its packets' first header: LINKTYPE_*. */
  readonly linktype: number;
  /** Bytes to which packets were cut; 0 for no limit. */
  readonly snaplen: number;
  /** The name of the interface, such as 'eth0'. */
  readonly name?: string | undefined;
  /** What the capturing program says about the interface. */
  readonly description?: string | undefined;
  /** In bits a second. */
  readonly speed?: bigint | undefined;
  /** The filter of the capture, in the language of pcap-filter(7). */
  readonly filter?: string | undefined;
  /** The operating system and the hardware of the interface's machine. */
  readonly os?: string | undefined;
  /** The hardware of the interface. */
  readonly hardware?: string | undefined;
  /** The counts that were read last: they mostly stand behind all packets. */
  readonly statistics?: CaptureStatistics | undefined;
}

/** A packet of a capture. */
export interface CapturedPacket {
  /** The captured bytes. */
  data: Buffer;
  /** Time in nanoseconds since 1970; undefined if the capture has none. */
  time_ns: bigint | undefined;
  /** Length on the wire, in bytes: never less than the length of data, even if the file says so. */
  length: number;
  /** The type of the first header: LINKTYPE_*. */
  linktype: number;
  /** Index of the interface in the section. */
  interface: number;
  /** Index of the section in the file. */
  section: number;
  /** Comments in the capture. */
  comments: string[];
  /** Whether the interface received or sent it; undefined if the capture does not say. */
  direction?: Direction | undefined;
  /** Number of packets that were lost before this one; undefined if none were, or the capture does not say. */
  dropped?: bigint | undefined;
  /** The flags of the format, direction included: reception type, length of the checksum, errors; undefined if none is set. */
  flags?: number | undefined;
}

/** Bytes of the largest record that is read: no link has such packets, and none longer is kept in memory. */
export const MAX_RECORD = 16 * 1024 * 1024;

/** The result of a step: a packet; `true`: something was read, but no packet; `false`: more bytes are needed. */
export type Step = CapturedPacket | boolean;

/** One format: reads the next record of a window. */
export interface Format {
  readonly name: 'pcap' | 'pcapng';
  /** The interfaces of the section that is being read. */
  readonly interfaces: readonly CaptureInterface[];
  /** What the section that is being read says about the capture. */
  readonly section: CaptureSection;
  step(window: Window): Step;
  /** The offset of the record in which the capture ended; undefined if it ended between two. */
  pending(window: Window): number | undefined;
}

/** A capture that is malformed or cut short. `offset` is that of the first byte that cannot be read. */
export class CaptureError extends Error {
  static {
    Object.defineProperty(CaptureError.prototype, 'name', {
      value: 'CaptureError',
      configurable: true,
      writable: true,
    });
  }
  /** The byte of the capture at which it is malformed or cut short. */
  readonly offset: number;
  /** @param offset the byte of the capture at which it is malformed or cut short */
  constructor(message: string, offset: number) {
    super(`byte ${offset}: ${message}`);
    this.offset = offset;
  }
}
