// What a capture file needs of a block of packet_ring, and a block of a capture file. The block's class is in ring/, which needs the addon.
import type { Bytes } from '../../util/validate.js';
import { shown } from '../../util/validate.js';

/** How a block writes its packets. */
export interface BlockFormat {
  /** The index of the interface in pcapng; -1: pcap. */
  readonly interface_id: number;
  readonly snaplen: number;
  /** Nanoseconds of a unit of time: 1 or 1000. */
  readonly unit_ns: number;
}

/** How much of a block is in the file. */
export interface WrittenBlock {
  readonly written: number;
  /** Raises the error that ended it; undefined: all is written. */
  readonly fail: (() => never) | undefined;
}

/** A block of packet_ring, as write_block takes it. */
export interface EncodableBlock {
  readonly length: number;
  /** @internal */
  _encode(out: Bytes, format: BlockFormat): number;
  /** @internal */
  _write(fd: number, format: BlockFormat): WrittenBlock;
  /** @internal */
  readonly _ring: { readonly used_size: number; readonly linktype: number };
}

/** Returns the block. @throws TypeError for anything else */
export function encodable(value: unknown): EncodableBlock {
  if (typeof value === 'object' && value !== null && '_encode' in value) return value as EncodableBlock;
  throw new TypeError(`block must be a block of packet_ring, not ${shown(value)}`);
}
