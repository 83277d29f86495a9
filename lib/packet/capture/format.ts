// The numbers of the two capture formats, and what reading and writing share.
//
// pcap: a file header, then records. pcapng: blocks `type, length, body, length`; a section begins with a header that
// says the byte order, and describes its interfaces before their packets. See draft-ietf-opsawg-pcap and -pcapng.
import type { Window } from './window.js';

/** What the first four bytes of a pcap file say, as written by a machine of the same byte order. */
export const PCAP_MICROSECONDS = 0xa1b2c3d4;
export const PCAP_NANOSECONDS = 0xa1b23c4d;
/** Alexey Kuznetsov's form: microseconds, and 8 bytes more in a record's header. */
export const PCAP_MODIFIED = 0xa1b2cd34;
export const PCAP_HEADER_SIZE = 24;
export const PCAP_RECORD_SIZE = 16;
export const PCAP_MODIFIED_RECORD_SIZE = 24;
export const PCAP_MAJOR = 2;
export const PCAP_MINOR = 4;

/** Block types. That of a section header is the same in both byte orders. */
export const SECTION_HEADER = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION = 1;
export const OBSOLETE_PACKET = 2;
export const SIMPLE_PACKET = 3;
export const ENHANCED_PACKET = 6;

export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
/** Type, length, and the length again. */
export const BLOCK_FRAME = 12;

/** Options: a number, a length, a value padded to 4 bytes. */
export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const IF_NAME = 2;
export const IF_DESCRIPTION = 3;
export const IF_TSRESOL = 9;
export const IF_TSOFFSET = 14;

/** What a packet is cut to where nothing else is said: tools refuse longer ones. */
export const DEFAULT_SNAPLEN = 262_144;
export const UINT32_MAX = 2 ** 32 - 1;
export const NANOSECONDS = 1_000_000_000n;

export const pad4 = (length: number): number => (length + 3) & ~3;

/** An interface of a capture. */
export interface CaptureInterface {
  /** What its packets begin with: LINKTYPE_*. */
  readonly linktype: number;
  /** What packets were cut to, in bytes; 0 for no limit. */
  readonly snaplen: number;
  readonly name?: string;
  readonly description?: string;
}

/** A packet of a capture. */
export interface CapturedPacket {
  /** What was captured of it. */
  data: Buffer;
  /** When, in nanoseconds since 1970; undefined where the capture does not say. */
  time_ns: bigint | undefined;
  /** Its length on the wire, in bytes: never less than those of data, whatever the file says. */
  length: number;
  /** What it begins with: LINKTYPE_*. */
  linktype: number;
  /** The interface's index in the section. */
  interface: number;
  /** The section's index in the file. */
  section: number;
  /** What somebody wrote about it. */
  comments: string[];
}

/** Nothing longer is kept in memory: no link has such packets. */
export const MAX_RECORD = 16 * 1024 * 1024;

/** What a step found: a packet; nothing to give, and something was read (`true`); nothing, and more is needed (`false`). */
export type Step = CapturedPacket | boolean;

/** One format: reads the next record of a window. */
export interface Format {
  readonly name: 'pcap' | 'pcapng';
  /** The interfaces of the section that is being read. */
  readonly interfaces: readonly CaptureInterface[];
  step(window: Window): Step;
  /** Where the record begins that the capture ended in; undefined if it ended between two. */
  pending(window: Window): number | undefined;
}

/** A capture that is malformed or cut short. `offset` is the byte of it where what cannot be read begins. */
export class CaptureError extends Error {
  static {
    Object.defineProperty(CaptureError.prototype, 'name', {
      value: 'CaptureError',
      configurable: true,
      writable: true,
    });
  }
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(`byte ${offset}: ${message}`);
    this.offset = offset;
  }
}
