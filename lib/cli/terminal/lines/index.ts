// The text of a packet in the format of tcpdump: one line, or several with -v. sniff prints it.
//
// Each layer has a function that writes its text, in a file of this folder; the table below has all of them. A function gets the
// layer and its place in the packet (place.ts), and asks the place for the text of the layer behind it. To add a protocol, write
// its function and add its row. What ports of UDP and TCP carry is told by service/index.ts.
import {
  type LayerName,
  type Layers,
  LINKTYPE_IPV4,
  LINKTYPE_IPV6,
  LINKTYPE_RAW,
  type Packet,
} from '../../../packet/index.js';
import { if_indextoname } from '../../../socket/index.js';
import { gre_text } from './internet/gre.js';
import { icmp_text } from './internet/icmp.js';
import { icmpv6_text } from './internet/icmpv6.js';
import { ipv4_text } from './internet/ipv4.js';
import { ipv6_text } from './internet/ipv6.js';
import { ipv4_header_missing, ipv6_header_missing } from './internet/missing.js';
import { igmp_text } from './internet/multicast.js';
import { ah_text, esp_text } from './internet/security.js';
import { arp_text } from './link/arp.js';
import { linux_sll_text, linux_sll2_text, loopback_text } from './link/cooked.js';
import { ethernet_text, vlan_text } from './link/ethernet.js';
import { llc_size, llc_text, snap_text } from './link/llc.js';
import { mpls_text } from './link/mpls.js';
import { ppp_link_text, ppp_size } from './link/ppp.js';
import { radiotap_text } from './link/radiotap.js';
import { wlan_size, wlan_text } from './link/wlan.js';
import { type Frame, type LineText, Place, type Style } from './place.js';
import { tcp_text } from './transport/tcp.js';
import { udp_text } from './transport/udp.js';

export type { Style } from './place.js';
export { Sequences } from './transport/sequences.js';

/** The function of each layer. A payload has none: what carries it says how long it is. */
const TEXTS: { readonly [Name in LayerName]?: LineText<Name> } = {
  ah: ah_text,
  arp: arp_text,
  esp: esp_text,
  ethernet: ethernet_text,
  gre: gre_text,
  icmp: icmp_text,
  icmpv6: icmpv6_text,
  igmp: igmp_text,
  ipv4: ipv4_text,
  ipv6: ipv6_text,
  linux_sll: linux_sll_text,
  linux_sll2: linux_sll2_text,
  llc: llc_text,
  loopback: loopback_text,
  mpls: mpls_text,
  ppp: ppp_link_text,
  radiotap: radiotap_text,
  snap: snap_text,
  tcp: tcp_text,
  udp: udp_text,
  vlan: vlan_text,
  wlan: wlan_text,
};

function text_of(place: Place): string | undefined {
  const { layer } = place;
  if (layer === undefined) return undefined;
  // The key of the table says the type of the layer.
  const text = TEXTS[layer.layer] as LineText<never> | undefined;
  return text?.(layer as never, place);
}

/** Bytes of the headers of the link layer. */
const LINK: { readonly [Name in LayerName]?: number | ((layer: Layers[Name]) => number) } = {
  ethernet: 14,
  linux_sll: 16,
  linux_sll2: 20,
  llc: llc_size,
  loopback: 4,
  ppp: ppp_size,
  radiotap: ({ length }) => length,
  snap: 5,
  vlan: 4,
  wlan: wlan_size,
};
const RAW: readonly number[] = [LINKTYPE_RAW, LINKTYPE_IPV4, LINKTYPE_IPV6, 12, 14];

function link_header_size({ layers }: Packet): number {
  let size = 0;
  for (const layer of layers) {
    const own = LINK[layer.layer];
    if (own === undefined) break;
    // The key of the table says the type of the layer.
    size += typeof own === 'number' ? own : own(layer as never);
  }
  return size;
}

/** The marks of packets that break off in their first header, by link type. */
const CUT: Readonly<Record<number, string>> = { 0: 'null', 1: 'ether', 108: 'null', 113: 'sll', 276: 'sll2' };

/** A packet to write as text. */
export interface Captured {
  readonly data: Buffer;
  /** Bytes of the packet on the wire. */
  readonly length: number;
  readonly linktype: number;
  /** The interface of a packet with a cooked header; left out: that with the index of the header. */
  readonly interface?: string | undefined;
}

export interface PacketText {
  readonly text: string;
  /** Bytes of the link-layer header, which -x leaves out. */
  readonly link_header: number;
}

/**
 * packet_text(packet, captured, style) -> the text of a packet.
 *
 * @param packet the result of `parse`
 */
export function packet_text(packet: Packet, captured: Captured, style: Style): PacketText {
  const frame: Frame = {
    style,
    text_of,
    broken: false,
    interface_name: (index) => captured.interface ?? interface_name(index),
  };
  const place = new Place(frame, packet.layers, 0, captured.data, captured.length);
  const is_raw = RAW.includes(captured.linktype);
  const text =
    (is_raw && style.link ? 'ip: ' : '') + (place.text() ?? unknown_text(place, captured.linktype));
  return { text, link_header: frame.broken ? 0 : link_header_size(packet) };
}

function interface_name(index: number): string {
  try {
    return if_indextoname(index);
  } catch {
    return '?';
  }
}

/** Returns the text of a packet of which no header is known. */
function unknown_text(place: Place, linktype: number): string {
  const [first] = place.bytes;
  if (RAW.includes(linktype)) {
    if (first === undefined) return ' [|raw]';
    const version = first >>> 4;
    if (version === 4) return ipv4_header_missing(place);
    return version === 6 ? ipv6_header_missing(place) : `unknown ip ${version}`;
  }
  const cut = CUT[linktype];
  return cut === undefined ? `link type ${linktype}, length ${place.length}: ${place.dump()}` : ` [|${cut}]`;
}
