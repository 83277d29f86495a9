// read_capture: packets from a capture file, an open descriptor or chunks of bytes.
import { INSPECT } from '../../util/inspect.js';
import { UNCLONABLE_STATE } from '../../util/unclonable.js';
import {
  type Bytes,
  type BytesLike,
  bytes as checked_bytes,
  integer,
  is_bytes,
  shown,
} from '../../util/validate.js';
import { close_file, open_later, open_to_read, read_file, read_file_later } from './files.js';
import type { CapturedPacket, CaptureInterface, CaptureSection } from './format.js';
import { CaptureParser } from './parser.js';

/** The source of a capture: a path; a descriptor, which stays open; its bytes, whole or in chunks that are cut anywhere. */
export type CaptureSource =
  | string
  | URL
  | number
  | BytesLike
  | Iterable<BytesLike>
  | AsyncIterable<BytesLike>;

const CHUNK_SIZE = 64 * 1024;
const INT_MAX = 2 ** 31 - 1;

const has = (value: unknown, symbol: symbol): boolean =>
  typeof value === 'object' && value !== null && symbol in value;

const is_async = (value: CaptureSource): value is AsyncIterable<BytesLike> =>
  has(value, Symbol.asyncIterator);
const is_sync = (value: CaptureSource): value is Iterable<BytesLike> => has(value, Symbol.iterator);

function* descriptor_chunks(fd: number): Generator<Bytes> {
  const chunk = new Uint8Array(CHUNK_SIZE);
  for (let count = read_file(fd, chunk); count > 0; count = read_file(fd, chunk))
    yield chunk.subarray(0, count);
}

function* path_chunks(path: string | URL): Generator<Bytes> {
  const fd = open_to_read(path);
  try {
    yield* descriptor_chunks(fd);
  } finally {
    close_file(fd);
  }
}

async function* descriptor_chunks_later(fd: number): AsyncGenerator<Bytes> {
  const chunk = new Uint8Array(CHUNK_SIZE);
  for (;;) {
    const count = await read_file_later(fd, chunk);
    if (count === 0) return;
    yield chunk.subarray(0, count);
  }
}

async function* path_chunks_later(path: string | URL): AsyncGenerator<Bytes> {
  const file = await open_later(path);
  try {
    yield* descriptor_chunks_later(file.fd);
  } finally {
    await file.close();
  }
}

function chunks(source: CaptureSource): Iterable<unknown> {
  if (typeof source === 'number') return descriptor_chunks(source);
  if (typeof source === 'string' || source instanceof URL) return path_chunks(source);
  if (is_bytes(source)) return [source];
  if (is_sync(source)) return source;
  throw new TypeError('source gives its bytes asynchronously: use `for await`');
}

function chunks_later(source: CaptureSource): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof source === 'number') return descriptor_chunks_later(source);
  if (typeof source === 'string' || source instanceof URL) return path_chunks_later(source);
  if (is_bytes(source)) return [source];
  return source;
}

/** The packets of a capture: `for (const packet of …)`, `for await (const packet of …)`. */
export class Capture implements Iterable<CapturedPacket>, AsyncIterable<CapturedPacket> {
  /** @internal */ readonly _unclonable = UNCLONABLE_STATE;
  readonly #source: CaptureSource;
  #parser: CaptureParser | undefined;

  constructor(source: CaptureSource) {
    this.#source = source;
  }

  /** The format; undefined until the first bytes are read. */
  get format(): 'pcap' | 'pcapng' | undefined {
    return this.#parser?.format?.name;
  }

  /** The interfaces of the section that is being read, as far as they are described; a packet's `interface` is an index. */
  get interfaces(): readonly CaptureInterface[] {
    const described = this.#parser?.format?.interfaces ?? [];
    return described.map((one) => ({ ...one }));
  }

  /** What the section that is being read says about the capture: hardware, operating system, program, comments. In pcap nothing. */
  get section(): CaptureSection {
    return this.#parser?.format?.section ?? {};
  }

  /**
   * What Node's console and util.inspect show.
   *
   * @returns one line of text
   * @example
   * console.log(read_capture(Buffer.alloc(0))); // for example <Capture>
   */
  [INSPECT](): string {
    return `<Capture format=${this.format ?? null}>`;
  }

  #begin(): CaptureParser {
    this.#parser = new CaptureParser();
    return this.#parser;
  }

  /**
   * Yields the packets; blocks while the source does. A path is opened anew each time. See docs/captures.md.
   *
   * @returns an iterator of its own
   * @throws CaptureError if the capture is malformed or cut short, after all packets that are whole; the file system's error
   * @example
   * for (const packet of read_capture('/tmp/some.pcap')) console.log(packet.length);
   */
  *[Symbol.iterator](): Generator<CapturedPacket, void, undefined> {
    const parser = this.#begin();
    for (const chunk of chunks(this.#source)) yield* parser.push(checked_bytes(chunk, 'source: chunk'));
    parser.end();
  }

  /**
   * Yields the packets without blocking. See docs/captures.md.
   *
   * @returns an iterator of its own
   * @throws CaptureError if the capture is malformed or cut short, after all packets that are whole; the file system's error
   * @example
   * for await (const packet of read_capture(process.stdin)) console.log(packet.length);
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<CapturedPacket, void, undefined> {
    const parser = this.#begin();
    for await (const chunk of chunks_later(this.#source)) {
      for (const packet of parser.push(checked_bytes(chunk, 'source: chunk'))) yield packet;
    }
    parser.end();
  }
}

/**
 * read_capture(source) -> an iterable of its packets. Reads pcap and pcapng; see docs/captures.md.
 *
 * All packets that are whole come first, then the error is thrown.
 *
 * @param source a path, a descriptor, bytes, or an iterable or async iterable of bytes (a stream)
 * @returns an iterable, also for `for await`. It throws a CaptureError with the byte offset if the capture is malformed or cut short, and
 *   the file system's error if the source cannot be read
 * @throws TypeError, RangeError if the source is none of these
 * @example
 * for (const packet of read_capture('/tmp/some.pcap')) {
 *   console.log(packet.time_ns, parse(packet.data, packet).layers);
 * }
 */
export function read_capture(source: CaptureSource): Capture {
  if (typeof source === 'number') integer(source, 'source', 0, INT_MAX);
  else if (typeof source !== 'string' && !(source instanceof URL) && !is_bytes(source)) {
    if (!is_async(source) && !is_sync(source))
      throw new TypeError(
        `source must be a path, a descriptor, or an iterable of bytes, not ${shown(source)}`,
      );
  }
  return new Capture(source);
}
