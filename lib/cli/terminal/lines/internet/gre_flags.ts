// The flags of GRE with their names.
import type { Flags } from '../names.js';

export const GRE_FLAGS: Flags = [
  [0x8000, 'checksum present'],
  [0x4000, 'routing present'],
  [0x2000, 'key present'],
  [0x1000, 'sequence# present'],
  [0x0800, 'source routing present'],
  [0x0080, 'ack present'],
];
