// The source of captured packets: an interface (ring_source.ts, or packet_socket.ts) or a capture file (packet_file.ts). All are the same
// to who reads the packets: an async iterable of them.
import type { PacketBlock } from '../../../packet/index.js';

/** A captured packet. */
export interface Captured {
  readonly data: Buffer;
  /** In nanoseconds since 1970; undefined if the capture has no time. */
  readonly time_ns: bigint | undefined;
  /** Bytes of the packet on the wire. */
  readonly length: number;
  /** The type of the first header: LINKTYPE_*. */
  readonly linktype: number;
  /** Returns where the packet came from. It is a function, because the name of the interface costs a system call. */
  source(): Origin;
}

export interface Origin {
  /** The name of the interface; undefined if a capture does not say it. */
  readonly interface?: string | undefined;
  readonly outgoing?: boolean | undefined;
}

/** Packets that came together. */
export interface Batch extends Iterable<Captured> {
  /** The block of a packet ring that has them, which a capture file can take as it is. */
  readonly block?: PacketBlock;
}

/** Numbers of packets. */
export interface Statistics {
  /** Those that came, and that the filter accepted. */
  readonly packets: number;
  /** Those of them that were dropped for lack of room. */
  readonly drops: number;
}

/** What is said of a source before its first packet: "listening on eth0". */
export interface Title {
  readonly text: string;
  readonly linktype: number;
  /** Bytes that are kept of a packet. */
  readonly snaplen: number;
}

export interface PacketSource extends AsyncIterable<Batch> {
  /** What the source is; undefined until its first bytes are read. */
  readonly title: Title | undefined;
  /**
   * The packets, as many at a time as are there. Their bytes are valid until the next ones are asked for. The iterator ends if the
   * signal of the source is aborted, or at the end of a file.
   *
   * @throws Failure; OSError; the file system's error
   */
  [Symbol.asyncIterator](): AsyncGenerator<Batch, void, undefined>;
  /** Returns what was counted so far; undefined for a file. */
  statistics(): Statistics | undefined;
  close(): void;
}
