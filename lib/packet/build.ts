// Packets from layers.
import './protocols.js';
import { MAX_PACKET, Output } from './bytes/output.js';
import type { Draft } from './layer_types.js';
import { write_layers } from './write_layers.js';

// Packets are written here and copied out. Whatever a getter of a layer builds meanwhile gets memory of its own.
let free: Output | undefined;

/**
 * build(...layers). The bytes of a packet, the outermost layer first.
 *
 * What a layer leaves out is worked out: lengths, protocol numbers, checksums, padding of options. What it gives goes out as it is. A
 * checksum with a pseudo-header takes the addresses of the IP layer outside of it; without one it is 0.
 *
 * @param layers made by `ipv4({ … })` and so on, by hand, or by `parse`
 * @throws TypeError, RangeError naming the layer and its field; RangeError for a packet of more than 65,535 bytes
 */
export function build(...layers: readonly Draft[]): Buffer {
  const output = free ?? new Output();
  free = undefined;
  output.start = MAX_PACKET;
  output.end = MAX_PACKET;
  try {
    write_layers(output, layers);
    return Buffer.from(output.bytes.subarray(output.start, output.end));
  } finally {
    free = output;
  }
}
