// The types of all layers, by name: as they are parsed (every field is there) and as they are built (what is left out is worked out).
import type { Ah, AhDraft } from './layers/ah.js';
import type { Arp, ArpDraft } from './layers/arp.js';
import type { Ethernet, EthernetDraft } from './layers/ethernet.js';
import type { Gre, GreDraft } from './layers/gre.js';
import type { Icmp, IcmpDraft } from './layers/icmp/icmp.js';
import type { Icmpv6, Icmpv6Draft } from './layers/icmp/icmpv6.js';
import type { Ipv4, Ipv4Draft } from './layers/ipv4.js';
import type { Ipv6, Ipv6Draft } from './layers/ipv6.js';
import type { LinuxSll, LinuxSll2, LinuxSll2Draft, LinuxSllDraft } from './layers/linux_sll.js';
import type { Loopback, LoopbackDraft } from './layers/loopback.js';
import type { Payload, PayloadDraft } from './layers/payload.js';
import type { Tcp, TcpDraft } from './layers/tcp.js';
import type { Udp, UdpDraft } from './layers/udp.js';
import type { Vlan, VlanDraft } from './layers/vlan.js';

/** The parsed form of each layer. */
export interface Layers {
  ah: Ah;
  arp: Arp;
  ethernet: Ethernet;
  gre: Gre;
  icmp: Icmp;
  icmpv6: Icmpv6;
  ipv4: Ipv4;
  ipv6: Ipv6;
  linux_sll: LinuxSll;
  linux_sll2: LinuxSll2;
  loopback: Loopback;
  payload: Payload;
  tcp: Tcp;
  udp: Udp;
  vlan: Vlan;
}

export type LayerName = keyof Layers;

/** A parsed layer: `layer` says which. */
export type Layer = Layers[LayerName];

/** A layer to build. */
export type Draft =
  | AhDraft
  | ArpDraft
  | EthernetDraft
  | GreDraft
  | IcmpDraft
  | Icmpv6Draft
  | Ipv4Draft
  | Ipv6Draft
  | LinuxSllDraft
  | LinuxSll2Draft
  | LoopbackDraft
  | PayloadDraft
  | TcpDraft
  | UdpDraft
  | VlanDraft;

/** What a maker takes: fields of the parsed layer, some of them in another form. checksum_ok is allowed and does nothing. */
export type Fields<Parsed, Other = unknown> = Partial<Omit<Parsed, 'layer' | keyof Other> & Readonly<Other>>;
