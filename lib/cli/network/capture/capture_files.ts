// The capture files that sniff writes: one, or one after another by time (-G) and size (-C), named and limited (-W) as tcpdump does.
import { type CaptureFile, type PacketBlock, write_capture } from '../../../packet/index.js';
import { FAILED, Failure } from '../../terminal/errors.js';
import { with_time } from '../../terminal/file_times.js';
import type { Captured } from './packet_source.js';

export interface Rotation {
  /** Seconds after which another file begins; its name is made of the time by strftime(3). */
  readonly seconds: number | undefined;
  /** Bytes after which another file begins; a number follows its name. */
  readonly size: number | undefined;
  /** With `size`: as many files are written, then again the first one. Else: as many are written, then the capture ends. */
  readonly count: number | undefined;
}

const STANDARD_OUTPUT = 1;

export class CaptureFiles {
  readonly #name: string;
  readonly #rotation: Rotation;
  readonly #snaplen: number;
  readonly #ended = new AbortController();
  readonly #interfaces = new Map<number, number>();
  #file: CaptureFile | undefined;
  #linktype = 0;
  #begun_s = 0;
  /** Of the files by time, and of those by size in one of them. */
  #time_count = 0;
  #size_count = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param name a path, which has conversions of strftime(3) if it is made of the time; '-' is standard output */
  constructor(name: string, snaplen: number, rotation: Rotation) {
    this.#name = name;
    this.#snaplen = snaplen;
    this.#rotation = rotation;
  }

  /** Aborts when the last file's time is over. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  get #is_pcapng(): boolean {
    return this.#name.endsWith('.pcapng');
  }

  /** Opens the first file. @param linktype that of the packets @throws the file system's error */
  open(linktype: number): void {
    this.#linktype = linktype;
    this.#begun_s = Math.floor(Date.now() / 1000);
    this.#open();
  }

  #open(): void {
    const target = this.#name === '-' ? STANDARD_OUTPUT : this.#current_name();
    const format = this.#is_pcapng ? 'pcapng' : 'pcap';
    this.#file = write_capture(target, { linktype: this.#linktype, snaplen: this.#snaplen, format });
    this.#interfaces.clear();
    this.#interfaces.set(this.#linktype, 0);
    const { seconds, size, count } = this.#rotation;
    if (seconds === undefined || size !== undefined || count === undefined) return;
    if (this.#time_count + 1 < count) return;
    const left_ms = (this.#begun_s + seconds) * 1000 - Date.now();
    this.#timer = setTimeout(() => this.#ended.abort(), Math.max(0, left_ms));
  }

  #current_name(): string {
    const { seconds, size, count } = this.#rotation;
    const name = seconds === undefined ? this.#name : with_time(this.#name, new Date(this.#begun_s * 1000));
    // As many digits as the number of the last file has, so that names sort.
    const digits = size === undefined || count === undefined || count === 1 ? 0 : String(count - 1).length;
    return this.#size_count === 0 && digits === 0
      ? name
      : name + String(this.#size_count).padStart(digits, '0');
  }

  /** Writes all packets of a block. Returns false if one of them may belong to another file. @throws the file system's error */
  write_block(block: PacketBlock): boolean {
    const { seconds, size } = this.#rotation;
    if (this.#file === undefined || seconds !== undefined || size !== undefined) return false;
    this.#file.write_block(block);
    return true;
  }

  /** Writes a packet, to another file if it is time. @throws Failure; the file system's error */
  write({ data, time_ns, length, linktype, source }: Captured): void {
    this.#rotate();
    if (this.#file === undefined) this.open(linktype);
    const file = this.#file;
    if (file === undefined || this.ended.aborted) return;
    let index = this.#interfaces.get(linktype);
    if (index === undefined) {
      if (!this.#is_pcapng) {
        const advice = 'pcap holds one; a name that ends in .pcapng makes a file that holds several';
        throw new Failure(`packets of link types ${this.#linktype} and ${linktype}: ${advice}`, FAILED);
      }
      index = file.add_interface({ linktype, snaplen: this.#snaplen });
      this.#interfaces.set(linktype, index);
    }
    const outgoing = this.#is_pcapng ? source().outgoing : undefined;
    file.write({
      data,
      length,
      interface: index,
      ...(time_ns !== undefined && { time_ns }),
      ...(outgoing !== undefined && { direction: outgoing ? 'outbound' : 'inbound' }),
    });
  }

  #rotate(): void {
    const { seconds, size, count } = this.#rotation;
    if (this.#file === undefined) return;
    const now_s = Math.floor(Date.now() / 1000);
    if (seconds !== undefined && now_s - this.#begun_s >= seconds) {
      this.#begun_s = now_s;
      this.#time_count++;
      this.#size_count = 0;
      if (size === undefined && count !== undefined && this.#time_count >= count) this.#ended.abort();
      else this.#reopen();
    } else if (size !== undefined && this.#file.size > size) {
      this.#size_count++;
      if (count !== undefined && this.#size_count >= count) this.#size_count = 0;
      this.#reopen();
    }
  }

  #reopen(): void {
    this.#file?.close();
    this.#open();
  }

  /** Writes what is in memory. @throws the file system's error */
  flush(): void {
    this.#file?.flush();
  }

  /** @throws the file system's error */
  close(): void {
    clearTimeout(this.#timer);
    this.#file?.close();
  }
}
