// build: turns layers into the bytes of a packet.
import './protocols.js';
import { NO_ROOM, Output } from './bytes/output.js';
import type { AnyDraft, Layer } from './layer_types.js';
import { write_layers } from './write_layers.js';

// Memory of the last packet, used again: a packet is written here and copied out. If a getter of a layer calls build, that call has its own.
let free: Output | undefined;

/**
 * build(...layers) -> the bytes of a packet. The outermost layer comes first.
 *
 * Fields that a layer leaves out are worked out: lengths, protocol numbers, checksums, padding of options. Fields that are given go out
 * as they are. A checksum with a pseudo-header takes the addresses of the IP layer outside of its layer; without an IP layer it is 0.
 *
 * @param layers made by `ipv4({ … })` and so on, by hand, or by `parse`
 * @returns a Buffer of the packet's length
 * @throws TypeError, RangeError naming the layer and its field; RangeError if a length is more than its field can say (see docs/packet.md),
 *   and for a packet of more than 16 MiB
 * @example
 * const bytes = build(ipv4({ dst: '192.0.2.1' }), icmp.echo({ id: 1, seq: 1 }));
 * console.log(bytes.length); // 28
 */
export function build(...layers: readonly AnyDraft[]): Buffer {
  const output = free ?? new Output();
  free = undefined;
  try {
    return written(output, layers);
  } catch (error) {
    if (error !== NO_ROOM) throw error;
    return written(Output.largest(), layers);
  } finally {
    free = output;
  }
}

function written(output: Output, layers: readonly AnyDraft[]): Buffer {
  output.reset();
  write_layers(output, layers);
  return Buffer.from(output.bytes.subarray(output.start, output.end));
}

/** Returns the bytes behind a parsed layer, whatever the layers are that they were parsed to. */
export function bytes_behind(layers: readonly Layer[], index: number): Buffer {
  const [next, ...others] = layers.slice(index + 1);
  if (next === undefined) return Buffer.alloc(0);
  return next.layer === 'payload' && others.length === 0 ? next.data : build(next, ...others);
}
