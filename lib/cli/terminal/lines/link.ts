// The line of a packet whose protocols are near the link: what each layer writes, one behind the other, and the length that each has.
import type { Layer, Layers, Packet } from '../../../packet/index.js';
import { lldp_text } from './lldp.js';
import { chap_text, control_text, pap_text, pppoe_text } from './ppp.js';
import { radiotap_text } from './radiotap.js';
import { stp_text } from './stp.js';
import { wlan_text } from './wlan.js';

/** Bytes of headers that say nothing by themselves, and of PPPoE's. */
const SIZES: Readonly<Record<string, number>> = {
  ethernet: 14,
  vlan: 4,
  snap: 5,
  linux_sll: 16,
  linux_sll2: 20,
  pppoes: 6,
  pppoed: 6,
};
const LARGEST_LENGTH = 1500;
const NONE = Buffer.alloc(0);

/** Returns the length of what a layer carries, in bytes. @param length of the layer and what it carries */
function carried_length(layer: Layer, length: number): number {
  const rest = length - size_of(layer);
  if ('ethertype' in layer && layer.ethertype <= LARGEST_LENGTH) return Math.min(rest, layer.ethertype);
  return layer.layer === 'pppoes' ? Math.min(rest, layer.length) : rest;
}

function size_of(layer: Layer): number {
  if (layer.layer === 'llc') return (layer.control & 3) === 3 ? 3 : 4;
  if (layer.layer === 'ppp') return (layer.address === undefined ? 0 : 2) + (layer.compressed ? 1 : 2);
  if (layer.layer === 'radiotap') return layer.length;
  if (layer.layer === 'wlan') return wlan_size(layer);
  return SIZES[layer.layer] ?? 0;
}

/** Returns the size of a data frame's header. */
function wlan_size({ address4, qos, ht_control }: Layers['wlan']): number {
  return (
    24 + (address4 === undefined ? 0 : 6) + (qos === undefined ? 0 : 2) + (ht_control === undefined ? 0 : 4)
  );
}

/** Returns bytes as numbers, 16 in a row. */
function rows_of(data: Buffer): string {
  const rows = Array.from({ length: Math.ceil(data.length / 16) }, (_, i) =>
    data.subarray(i * 16, i * 16 + 16),
  );
  const words = (row: Buffer) => row.toString('hex').replaceAll(/(.{4})(?=.)/g, '$1 ');
  return rows.map((row, i) => `\n\t0x${(i * 16).toString(16).padStart(4, '0')}:  ${words(row)}`).join('');
}

/** Returns the text of a layer. `end`: nothing follows it in the line. */
function text_of(layer: Layer, next: Layer | undefined, length: number): { text: string; end: boolean } {
  const data = next?.layer === 'payload' ? next.data : NONE;
  const last = (text: string) => ({ text, end: true });
  switch (layer.layer) {
    case 'stp':
      return last(stp_text(layer, length));
    case 'lldp':
      return last(lldp_text(layer, length));
    case 'pppoed':
      return last(pppoe_text(layer));
    case 'pppoes':
      return { text: pppoe_text(layer), end: false };
    case 'ppp': {
      const hex = layer.protocol.toString(16).padStart(4, '0');
      const is_unknown = next === undefined || next.layer === 'payload';
      return is_unknown ? last(`unknown PPP protocol (0x${hex}) ${rows_of(data)}`) : { text: '', end: false };
    }
    case 'lcp':
    case 'ipcp':
    case 'ipv6cp':
      return last(control_text(layer, length));
    case 'pap':
      return last(pap_text(layer));
    case 'chap':
      return last(chap_text(layer));
    case 'radiotap':
      return { text: radiotap_text(layer), end: false };
    case 'wlan': {
      const text = wlan_text(layer, data);
      return text === undefined ? { text: '', end: false } : last(text);
    }
    default:
      return { text: '', end: false };
  }
}

/**
 * near_link_text(packet, length, others) -> the text of a packet with such layers; undefined if there is no text for it.
 *
 * @param length of the packet on the wire, in bytes
 * @param others the text of layers that are not of this file
 */
export function near_link_text(
  { layers }: Packet,
  length: number,
  others: (layers: readonly Layer[]) => string | undefined,
): string | undefined {
  let text = '';
  let left = length;
  for (const [i, layer] of layers.entries()) {
    if (['arp', 'ipv4', 'ipv6'].includes(layer.layer)) {
      const rest = others(layers.slice(i));
      return rest === undefined ? undefined : text + rest;
    }
    const is_cut = 'cut' in layer && layer.cut !== undefined;
    if (is_cut) return i === 0 ? undefined : `${text}[|${layer.layer}]`;
    const { text: own, end } = text_of(layer, layers[i + 1], left);
    text += own;
    if (end) return text;
    left = carried_length(layer, left);
  }
  return undefined;
}
