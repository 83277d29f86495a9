// The types of all layers, by name: as they are parsed (every field is there) and as they are built (what is left out is worked out).
import type { Ah, AhDraft } from './ah.js';
import type { Arp, ArpDraft } from './arp.js';
import type { Ethernet, EthernetDraft } from './ethernet.js';
import type { Gre, GreDraft } from './gre.js';
import type { Icmp, IcmpDraft } from './icmp.js';
import type { Icmpv6, Icmpv6Draft } from './icmpv6.js';
import type { Ipv4, Ipv4Draft } from './ipv4.js';
import type { Ipv6, Ipv6Draft } from './ipv6.js';
import type { LinuxSll, LinuxSll2, LinuxSll2Draft, LinuxSllDraft } from './linux_sll.js';
import type { Loopback, LoopbackDraft } from './loopback.js';
import type { Payload, PayloadDraft } from './payload.js';
import type { Tcp, TcpDraft } from './tcp.js';
import type { Udp, UdpDraft } from './udp.js';
import type { Vlan, VlanDraft } from './vlan.js';

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
