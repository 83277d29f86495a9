// The line of LLDP, as tcpdump writes it.
import type { Layers } from '../../../../packet/index.js';
import { caret } from '../names.js';
import type { Place } from '../place.js';

/** Returns the text of an LLDP message: the name of the device. The length is that with the padding behind it. */
export function lldp_text({ tlvs }: Layers['lldp'], { length }: Place): string {
  const names = tlvs.filter(({ type }) => type === 5).map(({ data }) => `: ${caret(data)}`);
  return `LLDP, length ${length}${names.join('')}`;
}
