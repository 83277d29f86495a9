// The line of LLDP, as tcpdump writes it.
import type { Layers } from '../../../packet/index.js';
import { printable } from './values.js';

/**
 * lldp_text(layer, length) -> the text of an LLDP message: the name of the device.
 *
 * @param length of the message on the wire with the padding behind it, in bytes
 */
export function lldp_text({ tlvs }: Layers['lldp'], length: number): string {
  const names = tlvs.filter(({ type }) => type === 5).map(({ data }) => `: ${printable(data)}`);
  return `LLDP, length ${length}${names.join('')}`;
}
