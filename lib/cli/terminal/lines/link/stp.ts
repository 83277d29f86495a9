// The line of STP, RSTP and MSTP, as tcpdump writes it.
import type { Layers } from '../../../../packet/index.js';
import { type Flags, flag_names } from '../names.js';
import type { Place } from '../place.js';

const PROTOCOLS: Readonly<Record<number, string>> = { 0: '802.1d', 2: '802.1w', 3: '802.1s', 4: '802.1aq' };
const TYPES: Readonly<Record<number, string>> = { 0: 'Config', 2: 'Rapid STP', 128: 'Topology Change' };
const FLAGS: Flags = [
  [0x01, 'Topology change'],
  [0x02, 'Proposal'],
  [0x10, 'Learn'],
  [0x20, 'Forward'],
  [0x40, 'Agreement'],
  [0x80, 'Topology change ACK'],
];

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');

/** Returns the text of a message of bridges. */
export function stp_text(layer: Layers['stp'], place: Place): string {
  if (layer.cut !== undefined) return place.broken('stp');
  const { length } = place;
  const { version, type, flags, bridge_priority, bridge_mac, port, protocol_id } = layer;
  if (protocol_id !== 0) return `unknown STP version, length ${length}`;
  const protocol = PROTOCOLS[version];
  if (protocol === undefined) return `STP Unknown STP protocol (0x${hex(version, 2)})`;
  const name = TYPES[type] ?? `Unknown BPDU Type (0x${hex(type, 2)})`;
  const head = `STP ${protocol}, ${name}`;
  if (flags === undefined || bridge_priority === undefined || (type === 2 && version === 0)) return head;
  const bits = flag_names(FLAGS, flags);
  if (type === 2 && version > 2 && layer.mst === undefined) return `${head} (invalid)`;
  if (type === 2 && version > 2) return `${head}, CIST Flags [${bits}], length ${length}`;
  const bridge = `${hex(bridge_priority, 4)}.${bridge_mac}.${hex(port ?? 0, 4)}`;
  return `${head}, Flags [${bits}], bridge-id ${bridge}, length ${length}`;
}
