// The packets of a capture file, or of standard input, as a source: filtered by a program that runs in JavaScript. A pipe is read
// as a stream, so that one without end can be interrupted; a file in pieces, so that a large one needs no more memory than a small one.
import { closeSync, constants, createReadStream, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { setImmediate as next_turn } from 'node:timers/promises';
import {
  type CapturedPacket,
  CaptureError,
  type CaptureInterface,
  type FilterProgram,
  matches,
  read_capture,
} from '../../../packet/index.js';
import { FAILED, Failure } from '../../terminal/errors.js';
import type { Captured, PacketSource, Title } from './packet_source.js';

/** Returns the filter program for packets of a link type; undefined: all are accepted. */
export type FilterOf = (linktype: number) => FilterProgram | string | undefined;

const STANDARD_INPUT = '-';

/** Packets of a file that are handled between two looks at signals and timers. */
const BATCH = 256;

/** What a path is: a file, whose bytes are there at once, or a stream, for whose bytes one waits. */
type Opened = { readonly fd: number } | { readonly stream: Readable };

/** Opens a path to read; '-' is standard input. @throws the file system's error; Failure for a directory */
function open_path(path: string): Opened {
  if (path === STANDARD_INPUT) return { stream: process.stdin };
  const stat = statSync(path);
  if (stat.isDirectory()) throw new Failure(`${path} is a directory`, FAILED);
  const fd = openSync(path, constants.O_RDONLY);
  if (stat.isFile()) return { fd };
  // The open of a FIFO waits for its writer. Node's streams of files would read it by threads, which nothing interrupts.
  if (stat.isFIFO()) return { stream: new Socket({ fd, readable: true, writable: false }) };
  return { stream: createReadStream(path, { fd }) };
}

export class PacketFile implements PacketSource {
  readonly #path: string;
  readonly #opened: Opened;
  readonly #signal: AbortSignal;
  #is_closed = false;
  readonly #filter_of: FilterOf;
  readonly #capture;
  readonly #filters = new Map<number, FilterProgram | string | undefined>();

  /** @throws the file system's error; Failure for a directory */
  constructor(path: string, { filter_of, signal }: { filter_of: FilterOf; signal: AbortSignal }) {
    this.#path = path;
    this.#opened = open_path(path);
    this.#signal = signal;
    this.#filter_of = filter_of;
    this.#capture = read_capture('fd' in this.#opened ? this.#opened.fd : this.#opened.stream);
  }

  get title(): Title | undefined {
    const [first] = this.#capture.interfaces;
    if (first === undefined) return undefined;
    const { linktype, snaplen } = first;
    return { text: `reading from file ${this.#path}`, linktype, snaplen };
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<readonly Captured[], void, undefined> {
    const stop = () => this.close();
    this.#signal.addEventListener('abort', stop);
    try {
      if (this.#signal.aborted) return;
      yield* 'fd' in this.#opened ? this.#read_file() : this.#read_stream();
    } catch (error) {
      // A stream that is closed while it is read reports it.
      if (this.#signal.aborted) return;
      if (error instanceof CaptureError) throw new Failure(`${this.#path}: ${error.message}`, FAILED);
      throw error;
    } finally {
      this.#signal.removeEventListener('abort', stop);
    }
  }

  /** Yields the packets of a file; an error of the file comes behind those that are whole. */
  async *#read_file(): AsyncGenerator<readonly Captured[], void, undefined> {
    const packets = this.#capture[Symbol.iterator]();
    for (let is_over = false; !is_over && !this.#signal.aborted; ) {
      const batch: Captured[] = [];
      let failure: unknown;
      try {
        while (batch.length < BATCH && !is_over) {
          const { value, done = false } = packets.next();
          is_over = done;
          if (value !== undefined && this.#accepts(value)) batch.push(this.#captured(value));
        }
      } catch (error) {
        failure = error;
      }
      if (batch.length > 0) yield batch;
      if (failure !== undefined) throw failure;
      await next_turn();
    }
  }

  async *#read_stream(): AsyncGenerator<readonly Captured[], void, undefined> {
    for await (const packet of this.#capture) {
      if (this.#signal.aborted) return;
      if (this.#accepts(packet)) yield [this.#captured(packet)];
    }
  }

  #captured(packet: CapturedPacket): Captured {
    const { data, time_ns, length, linktype, direction } = packet;
    const source = () => ({
      interface: this.#interface(packet.interface)?.name,
      outgoing: direction === undefined ? undefined : direction === 'outbound',
    });
    return { data, time_ns, length, linktype, source };
  }

  #interface(index: number): CaptureInterface | undefined {
    return this.#capture.interfaces[index];
  }

  #accepts({ linktype, data, length }: CapturedPacket): boolean {
    if (!this.#filters.has(linktype)) this.#filters.set(linktype, this.#filter_of(linktype));
    const program = this.#filters.get(linktype);
    return program === undefined || matches(program, data, { length });
  }

  statistics(): undefined {
    return undefined;
  }

  close(): void {
    if (!('fd' in this.#opened)) this.#opened.stream.destroy();
    else if (!this.#is_closed) closeSync(this.#opened.fd);
    this.#is_closed = true;
  }
}
