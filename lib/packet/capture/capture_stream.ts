// A capture that is written to a stream, by promises which wait for it.
import type { Writable } from 'node:stream';
import { INSPECT } from '../../util/inspect.js';
import { UNCLONABLE_STATE } from '../../util/unclonable.js';
import type { BytesLike } from '../../util/validate.js';
import {
  type CaptureEncoder,
  type CapturePacket,
  closed,
  type NewInterface,
  type NewSection,
  packet_of,
} from './encoder.js';
import type { TimedStatistics } from './format.js';

/** The capture that write_capture opens for a stream: its promises wait for the stream. */
export class CaptureStream {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #encoder: CaptureEncoder;
  readonly #target: Writable;
  #error: Error | undefined;
  #closing: Promise<void> | undefined;
  /** Callbacks that wait for the stream to drain or to fail. */
  #waiting: (() => void)[] = [];

  constructor(target: Writable, encoder: CaptureEncoder) {
    this.#encoder = encoder;
    this.#target = target;
    target.on('error', (error: Error) => this.#fail(error));
    target.on('close', () => {
      if (!target.writableFinished) this.#fail(new Error('the stream was closed before the capture'));
    });
    target.on('drain', () => this.#wake());
    target.write(encoder.header());
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * console.log(write_capture(createWriteStream('/dev/null'))); // for example <CaptureStream pcap>
   */
  [INSPECT](): string {
    return `<CaptureStream${this.#closing === undefined ? '' : ' [closed]'}>`;
  }

  /**
   * write(packet). Resolves when the stream takes more. See docs/captures.md.
   *
   * @param packet a packet of read_capture, or bytes, captured now
   * @throws rejects with TypeError, RangeError naming the field; the stream's error
   * @example
   * const capture = write_capture(createWriteStream('/dev/null'));
   * await capture.write(build(ethernet(), arp({ target_ip: '192.0.2.1' })));
   * await capture.close();
   */
  async write(packet: CapturePacket | BytesLike): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await this.#put(this.#encoder.packet(packet_of(packet)));
  }

  /**
   * add_interface(options) -> its index (pcapng). See docs/captures.md.
   *
   * @param options of the interface: its name, link type, …
   * @returns the index that packets name, from 0 in each section
   * @throws TypeError, RangeError naming the option; RangeError for a pcap file
   * @example
   * const capture = write_capture(createWriteStream('/dev/null'), { format: 'pcapng' });
   * console.log(capture.add_interface({ name: 'eth1' })); // 1
   * await capture.close();
   */
  add_interface(options: NewInterface): number {
    if (this.#closing !== undefined) throw closed();
    const [index, block] = this.#encoder.add_interface(options);
    this.#target.write(block);
    return index;
  }

  /**
   * begin_section(section). As that of CaptureFile; resolves when the stream takes more. See docs/captures.md.
   *
   * @param section what it says about the capture
   * @throws rejects with TypeError, RangeError naming the field; the stream's error
   * @example
   * const capture = write_capture(createWriteStream('/dev/null'), { format: 'pcapng' });
   * await capture.begin_section({ comments: ['the second part'] });
   * await capture.close();
   */
  async begin_section(section: NewSection = {}): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await this.#put(this.#encoder.begin_section(section));
  }

  /**
   * write_statistics(index, statistics). As that of CaptureFile; resolves when the stream takes more. See docs/captures.md.
   *
   * @param index of the interface in the section
   * @param statistics `time_ns` is needed
   * @throws rejects with TypeError, RangeError naming the field; the stream's error
   * @example
   * const capture = write_capture(createWriteStream('/dev/null'), { format: 'pcapng' });
   * await capture.write_statistics(0, { time_ns: 0n, received: 10n });
   * await capture.close();
   */
  async write_statistics(index: number, statistics: TimedStatistics): Promise<void> {
    if (this.#closing !== undefined) throw closed();
    await this.#put(this.#encoder.statistics(index, statistics));
  }

  /**
   * close(). Ends the stream, except stdout and stderr, and resolves when all is written. A second call does nothing. See docs/captures.md.
   *
   * @throws rejects with the stream's error
   * @example
   * await write_capture(createWriteStream('/dev/null')).close();
   */
  close(): Promise<void> {
    this.#closing ??= this.#end();
    return this.#closing;
  }

  /**
   * The same as close(), for `await using` of ECMAScript.
   *
   * @throws rejects as close()
   * @example
   * await write_capture(createWriteStream('/dev/null'))[Symbol.asyncDispose]();
   */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #fail(error: Error): void {
    this.#error ??= error;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  async #put(bytes: Uint8Array): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    if (this.#target.write(bytes)) return;
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
    if (this.#error !== undefined) throw this.#error;
  }

  #end(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => (this.#error === undefined ? resolve() : reject(this.#error));
      if (this.#error !== undefined) return settle();
      this.#waiting.push(settle);
      const standard: unknown[] = [process.stdout, process.stderr];
      if (standard.includes(this.#target)) this.#target.write('', () => this.#wake());
      else this.#target.end(() => this.#wake());
    });
  }
}
