// write_capture: writes packets to a file, a descriptor or a stream, as pcap or pcapng.
//
// A CaptureEncoder makes the bytes. To a path or descriptor they are written in the calling thread, 64 KiB at a time, so that a program
// that only blocks keeps no more than that in memory. To a stream they are written by promises, which wait until the stream drains.
import type { Writable } from 'node:stream';
import { INSPECT } from '../../util/inspect.js';
import { UNCLONABLE_STATE } from '../../util/unclonable.js';
import { type BytesLike, integer, options_of, shown } from '../../util/validate.js';
import { CaptureStream } from './capture_stream.js';
import {
  CaptureEncoder,
  type CaptureFormat,
  type CapturePacket,
  closed,
  type NewInterface,
  type NewSection,
  type Precision,
  packet_of,
} from './encoder.js';
import { close_file, open_to_write, write_file } from './files.js';
import type { TimedStatistics } from './format.js';
import { type BlockFormat, type EncodableBlock, encodable } from './write_block.js';

/** Keyword-only arguments of write_capture. */
export interface WriteCaptureOptions {
  /** 'pcapng' if the path ends in .pcapng or interfaces are given, else 'pcap'. */
  readonly format?: CaptureFormat | null | undefined;
  /** LINKTYPE_* of interfaces that have none of their own; Ethernet by default. */
  readonly linktype?: number | null | undefined;
  /** Bytes kept of a packet at most; 0 is the default, 262,144, the most that tools read. */
  readonly snaplen?: number | null | undefined;
  /** The interfaces that packets name by index (pcapng); one by default. */
  readonly interfaces?: readonly NewInterface[] | null | undefined;
  /** 'nano' by default; 'micro' rounds times down to microseconds, which the oldest readers need. */
  readonly precision?: Precision | null | undefined;
}

/** Options of write_block. */
export interface WriteBlockOptions {
  /** Index of the interface that the packets came from (pcapng); 0 by default. */
  readonly interface?: number | null | undefined;
}

const OPTIONS = ['format', 'linktype', 'snaplen', 'interfaces', 'precision'] as const;
const BLOCK_OPTIONS = ['interface'] as const;
const BUFFER_SIZE = 64 * 1024;
const INT_MAX = 2 ** 31 - 1;
const NOTHING = Buffer.alloc(0);

/** The capture that write_capture opens for a path or a descriptor. It writes in the calling thread. */
export class CaptureFile {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #encoder: CaptureEncoder;
  readonly #fd: number;
  readonly #own: boolean;
  readonly #buffer = Buffer.allocUnsafe(BUFFER_SIZE);
  #used = 0;
  /** What of a block could not be written: it comes after the buffer. */
  #rest = NOTHING;
  #size = 0;
  #closed = false;

  constructor(target: string | URL | number, encoder: CaptureEncoder) {
    this.#encoder = encoder;
    this.#own = typeof target !== 'number';
    this.#fd = typeof target === 'number' ? target : open_to_write(target);
    this.#put(encoder.header());
  }

  /** The bytes of the capture so far, those in memory included. */
  get size(): number {
    return this.#size;
  }

  /**
   * write(packet). Up to 64 KiB stay in memory until `flush` or `close`. See docs/captures.md.
   *
   * @param packet a packet of read_capture, or bytes, captured now
   * @throws TypeError, RangeError naming the field; the file system's error
   * @example
   * const file = write_capture('/dev/null');
   * file.write(build(ethernet(), arp({ target_ip: '192.0.2.1' })));
   * file.close();
   */
  write(packet: CapturePacket | BytesLike): void {
    if (this.#closed) throw closed();
    this.#put(this.#encoder.packet(packet_of(packet)));
  }

  /**
   * write_block(block, { interface }). Writes all packets of a block of packet_ring, by native code. What does not fit into the 64 KiB in
   * memory is written at once, from the ring's memory. See docs/captures.md.
   *
   * @param block of `ring.blocks()`; it stays the caller's, who releases it
   * @param options `interface`: its index (pcapng), 0 by default
   * @throws RangeError for packets of another link type; Error for a released block; TypeError; the file system's error, after which `flush`
   *   writes the rest
   * @example
   * const save = (ring: PacketRing, file: CaptureFile) => {
   *   for (using block of ring.blocks()) file.write_block(block);
   * };
   */
  write_block(block: EncodableBlock, options: WriteBlockOptions = {}): void {
    if (this.#closed) throw closed();
    const { used_size, linktype } = encodable(block)._ring;
    const format = this.#encoder.block_format(linktype, options_of(options, BLOCK_OPTIONS).interface);
    if (this.#rest.length > 0) this.flush();
    if (this.#used + used_size <= BUFFER_SIZE) {
      const count = block._encode(this.#buffer.subarray(this.#used), format);
      this.#used += count;
      this.#size += count;
      return;
    }
    if (this.#used > 0) {
      // What came before cannot be written: the block waits behind it.
      try {
        this.flush();
      } catch (error) {
        this.#keep(block, format, 0);
        throw error;
      }
    }
    const { written, fail } = block._write(this.#fd, format);
    this.#size += written;
    if (fail === undefined) return;
    this.#keep(block, format, written);
    fail();
  }

  /** Keeps a copy of what of a block is not written. */
  #keep(block: EncodableBlock, format: BlockFormat, written: number): void {
    const memory = Buffer.allocUnsafeSlow(block._ring.used_size);
    this.#rest = memory.subarray(written, block._encode(memory, format));
    this.#size += this.#rest.length;
  }

  /**
   * add_interface(options) -> its index (pcapng). See docs/captures.md.
   *
   * @param options of the interface: its name, link type, …
   * @returns the index that packets name, from 0 in each section
   * @throws TypeError, RangeError naming the option; RangeError for a pcap file
   * @example
   * const file = write_capture('/dev/null', { format: 'pcapng' });
   * console.log(file.add_interface({ name: 'eth1' })); // 1
   * file.close();
   */
  add_interface(options: NewInterface): number {
    if (this.#closed) throw closed();
    const [index, block] = this.#encoder.add_interface(options);
    this.#put(block);
    return index;
  }

  /**
   * begin_section(section). Begins a section (pcapng): interfaces count from 0 again. See docs/captures.md.
   *
   * @param section what it says about the capture
   * @throws TypeError, RangeError naming the field; RangeError for a pcap file
   * @example
   * const file = write_capture('/dev/null', { format: 'pcapng' });
   * file.begin_section({ comments: ['the second part'] });
   * file.close();
   */
  begin_section(section: NewSection = {}): void {
    if (this.#closed) throw closed();
    this.#put(this.#encoder.begin_section(section));
  }

  /**
   * write_statistics(index, statistics). Writes what an interface counted (pcapng). See docs/captures.md.
   *
   * @param statistics `time_ns` is needed
   * @param index of the interface in the section
   * @throws TypeError, RangeError naming the field
   * @example
   * const file = write_capture('/dev/null', { format: 'pcapng' });
   * file.write_statistics(0, { time_ns: 0n, received: 10n });
   * file.close();
   */
  write_statistics(index: number, statistics: TimedStatistics): void {
    if (this.#closed) throw closed();
    this.#put(this.#encoder.statistics(index, statistics));
  }

  /**
   * flush(). Writes the bytes in memory. See docs/captures.md.
   *
   * @throws the file system's error; bytes that could not be written are kept
   * @example
   * const file = write_capture('/dev/null');
   * file.flush();
   * file.close();
   */
  flush(): void {
    const size = this.#used;
    let written = 0;
    try {
      while (written < size) {
        written += write_file(this.#fd, this.#buffer.subarray(written, size));
      }
    } finally {
      this.#buffer.copyWithin(0, written, size);
      this.#used = size - written;
    }
    while (this.#rest.length > 0) this.#rest = this.#rest.subarray(write_file(this.#fd, this.#rest));
    this.#rest = NOTHING;
  }

  /**
   * close(). Writes the bytes in memory; closes the file of a path, not a descriptor. A second call does nothing. See docs/captures.md.
   *
   * @throws the file system's error
   * @example
   * write_capture('/dev/null').close();
   */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      this.flush();
    } finally {
      if (this.#own) close_file(this.#fd);
    }
  }

  /**
   * The same as close(), for the statement `using` of ECMAScript.
   *
   * @throws as close()
   * @example
   * write_capture('/dev/null')[Symbol.dispose]();
   */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * const file = write_capture('/dev/null');
   * console.log(file); // for example <CaptureFile pcap>
   * file.close();
   */
  [INSPECT](): string {
    return `<CaptureFile ${this.#closed ? '[closed]' : `fd=${this.#fd}`}>`;
  }

  #put(bytes: Uint8Array): void {
    if (this.#rest.length > 0) this.flush();
    this.#size += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      if (this.#used === BUFFER_SIZE) this.flush();
      const count = Math.min(bytes.length - at, BUFFER_SIZE - this.#used);
      this.#buffer.set(bytes.subarray(at, at + count), this.#used);
      this.#used += count;
      at += count;
    }
  }
}

function is_writable(target: unknown): target is Writable {
  return (
    typeof target === 'object' &&
    target !== null &&
    'write' in target &&
    typeof target.write === 'function' &&
    'on' in target &&
    typeof target.on === 'function'
  );
}

/**
 * write_capture(target, { format, linktype, snaplen, interfaces, precision }) -> a capture to write to. See docs/captures.md.
 *
 * @param target a path, whose file is emptied first; a descriptor, which stays open; a stream, which `close` ends
 * @param options of the file; see WriteCaptureOptions
 * @returns for a stream, an object whose `write` and `close` return promises; for a path or descriptor, they are done at once
 * @throws TypeError, RangeError naming the argument; the file system's error
 * @example
 * const file = write_capture('/tmp/some.pcapng');
 * file.write({ data: build(ethernet(), arp({ target_ip: '192.0.2.1' })), time_ns: 1_000_000_000n });
 * file.close();
 */
export function write_capture(target: string | URL | number, options?: WriteCaptureOptions): CaptureFile;
/** write_capture(stream, options) -> the same for a stream, whose promises wait for it. See docs/captures.md. */
export function write_capture(target: Writable, options?: WriteCaptureOptions): CaptureStream;
export function write_capture(
  target: string | URL | number | Writable,
  options: WriteCaptureOptions = {},
): CaptureFile | CaptureStream {
  const is_path = typeof target === 'string' || target instanceof URL;
  if (!is_path && typeof target !== 'number' && !is_writable(target))
    throw new TypeError(`target must be a path, a descriptor or a stream, not ${shown(target)}`);
  if (typeof target === 'number') integer(target, 'target', 0, INT_MAX);
  const { format, linktype, snaplen, interfaces, precision } = options_of(options, OPTIONS);
  const is_pcapng = interfaces !== undefined && interfaces !== null;
  const guess = is_pcapng || (is_path && String(target).endsWith('.pcapng')) ? 'pcapng' : 'pcap';
  const encoder = new CaptureEncoder(format ?? guess, linktype, snaplen, interfaces, precision ?? 'nano');
  return is_path || typeof target === 'number'
    ? new CaptureFile(target, encoder)
    : new CaptureStream(target, encoder);
}
