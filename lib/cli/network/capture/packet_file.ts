// The packets of a capture file, or of standard input, as a source: filtered by a program that runs in JavaScript. The file is read as
// a stream, so that a pipe without end can be interrupted, and a large file needs no more memory than a small one.
import { constants, createReadStream, openSync, statSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import {
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

/** Opens a path to read; '-' is standard input. @throws the file system's error; Failure for a directory */
function open_stream(path: string): Readable {
  if (path === STANDARD_INPUT) return process.stdin;
  const stat = statSync(path);
  if (stat.isDirectory()) throw new Failure(`${path} is a directory`, FAILED);
  // The open of a FIFO waits for its writer. Node's streams of files would read it by threads, which nothing interrupts.
  if (stat.isFIFO())
    return new Socket({ fd: openSync(path, constants.O_RDONLY), readable: true, writable: false });
  return createReadStream(path, { fd: openSync(path, constants.O_RDONLY) });
}

export class PacketFile implements PacketSource {
  readonly #path: string;
  readonly #stream: Readable;
  readonly #signal: AbortSignal;
  readonly #filter_of: FilterOf;
  readonly #capture;
  readonly #filters = new Map<number, FilterProgram | string | undefined>();

  /** @throws the file system's error; Failure for a directory */
  constructor(path: string, { filter_of, signal }: { filter_of: FilterOf; signal: AbortSignal }) {
    this.#path = path;
    this.#stream = open_stream(path);
    this.#signal = signal;
    this.#filter_of = filter_of;
    this.#capture = read_capture(this.#stream);
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
      for await (const packet of this.#capture) {
        if (this.#signal.aborted) return;
        const { data, time_ns, length, linktype, direction } = packet;
        if (!this.#accepts(linktype, data, length)) continue;
        const source = () => ({
          interface: this.#interface(packet.interface)?.name,
          outgoing: direction === undefined ? undefined : direction === 'outbound',
        });
        yield [{ data, time_ns, length, linktype, source }];
      }
    } catch (error) {
      // A stream that is closed while it is read reports it.
      if (this.#signal.aborted) return;
      if (error instanceof CaptureError) throw new Failure(`${this.#path}: ${error.message}`, FAILED);
      throw error;
    } finally {
      this.#signal.removeEventListener('abort', stop);
    }
  }

  #interface(index: number): CaptureInterface | undefined {
    return this.#capture.interfaces[index];
  }

  #accepts(linktype: number, data: Buffer, length: number): boolean {
    if (!this.#filters.has(linktype)) this.#filters.set(linktype, this.#filter_of(linktype));
    const program = this.#filters.get(linktype);
    return program === undefined || matches(program, data, { length });
  }

  statistics(): undefined {
    return undefined;
  }

  close(): void {
    this.#stream.destroy();
  }
}
