// Every protocol, and the numbers that stand for it.
//
// The numbers are link types, ethertypes, IP protocols and ports. CONTRIBUTING.md says how to add one ("A packet protocol").

import type { Parser } from './bytes/input.js';
import { type Ah, type AhDraft, ah_protocol } from './layers/ah.js';
import { type Arp, type ArpDraft, arp_protocol } from './layers/arp.js';
import { type Dhcp, type DhcpDraft, dhcp_protocol } from './layers/dhcp/dhcp.js';
import { type Dhcpv6, type Dhcpv6Draft, dhcpv6_protocol } from './layers/dhcp/dhcpv6.js';
import { type Dns, type DnsDraft, dns_in_tcp, dns_protocol } from './layers/dns/dns.js';
import { type Esp, type EspDraft, esp_protocol } from './layers/esp.js';
import { type Ethernet, type EthernetDraft, ethernet_protocol } from './layers/ethernet.js';
import { type Gre, type GreDraft, gre_protocol } from './layers/gre.js';
import { type Icmp, type IcmpDraft, icmp_protocol } from './layers/icmp/icmp.js';
import { type Icmpv6, type Icmpv6Draft, icmpv6_protocol } from './layers/icmp/icmpv6.js';
import { type Igmp, type IgmpDraft, igmp_protocol } from './layers/igmp.js';
import { type Ipv4, type Ipv4Draft, ipv4_protocol } from './layers/ipv4.js';
import { type Ipv6, type Ipv6Draft, ipv6_protocol } from './layers/ipv6.js';
import {
  type LinuxSll,
  type LinuxSll2,
  type LinuxSll2Draft,
  type LinuxSllDraft,
  linux_sll_protocol,
  linux_sll2_protocol,
} from './layers/linux_sll.js';
import { type Loopback, type LoopbackDraft, loop, loopback_protocol } from './layers/loopback.js';
import { type Mpls, type MplsDraft, mpls_protocol } from './layers/mpls.js';
import { type NtpControl, type NtpControlDraft, ntp_control_protocol } from './layers/ntp/control.js';
import { type Ntp, type NtpDraft, ntp_protocol } from './layers/ntp/ntp.js';
import { payload_protocol } from './layers/payload.js';
import { type Tcp, type TcpDraft, tcp_protocol } from './layers/tcp.js';
import { type Geneve, type GeneveDraft, geneve_protocol } from './layers/tunnel/geneve.js';
import { type Vxlan, type VxlanDraft, vxlan_protocol } from './layers/tunnel/vxlan.js';
import { type Udp, type UdpDraft, udp_protocol } from './layers/udp.js';
import { type Udplite, type UdpliteDraft, udplite_protocol } from './layers/udplite.js';
import { type Vlan, type VlanDraft, vlan_protocol } from './layers/vlan.js';
import { register_link_protocols } from './link_protocols.js';
import * as linktypes from './linktypes.js';
import { register, register_linktype, register_ports } from './registry.js';

declare module './layer_types.js' {
  interface LayerTypes {
    ah: [parsed: Ah, draft: AhDraft];
    arp: [parsed: Arp, draft: ArpDraft];
    dhcp: [parsed: Dhcp, draft: DhcpDraft];
    dhcpv6: [parsed: Dhcpv6, draft: Dhcpv6Draft];
    dns: [parsed: Dns, draft: DnsDraft];
    esp: [parsed: Esp, draft: EspDraft];
    ethernet: [parsed: Ethernet, draft: EthernetDraft];
    geneve: [parsed: Geneve, draft: GeneveDraft];
    gre: [parsed: Gre, draft: GreDraft];
    icmp: [parsed: Icmp, draft: IcmpDraft];
    icmpv6: [parsed: Icmpv6, draft: Icmpv6Draft];
    igmp: [parsed: Igmp, draft: IgmpDraft];
    ipv4: [parsed: Ipv4, draft: Ipv4Draft];
    ipv6: [parsed: Ipv6, draft: Ipv6Draft];
    linux_sll: [parsed: LinuxSll, draft: LinuxSllDraft];
    linux_sll2: [parsed: LinuxSll2, draft: LinuxSll2Draft];
    loopback: [parsed: Loopback, draft: LoopbackDraft];
    mpls: [parsed: Mpls, draft: MplsDraft];
    ntp: [parsed: Ntp, draft: NtpDraft];
    ntp_control: [parsed: NtpControl, draft: NtpControlDraft];
    tcp: [parsed: Tcp, draft: TcpDraft];
    udp: [parsed: Udp, draft: UdpDraft];
    udplite: [parsed: Udplite, draft: UdpliteDraft];
    vlan: [parsed: Vlan, draft: VlanDraft];
    vxlan: [parsed: Vxlan, draft: VxlanDraft];
  }
}

register(ethernet_protocol, { linktypes: [linktypes.LINKTYPE_ETHERNET] });
register(loopback_protocol, { linktypes: [linktypes.LINKTYPE_NULL] });
register(linux_sll_protocol, { linktypes: [linktypes.LINKTYPE_LINUX_SLL] });
register(linux_sll2_protocol, { linktypes: [linktypes.LINKTYPE_LINUX_SLL2] });
register(vlan_protocol, { ethertypes: [0x8100, 0x88a8, 0x9100] });
// RARP has ARP's format, RFC 903.
register(arp_protocol, { ethertypes: [0x0806, 0x8035] });
register(ipv4_protocol, { linktypes: [linktypes.LINKTYPE_IPV4], ethertypes: [0x0800], ip_protocols: [4] });
register(ipv6_protocol, { linktypes: [linktypes.LINKTYPE_IPV6], ethertypes: [0x86dd], ip_protocols: [41] });
register(icmp_protocol, { ip_protocols: [1] });
register(igmp_protocol, { ip_protocols: [2] });
register(mpls_protocol, { ethertypes: [0x8847, 0x8848], ip_protocols: [137] });
register(esp_protocol, { ip_protocols: [50] });
register(tcp_protocol, { ip_protocols: [6] });
register(udp_protocol, { ip_protocols: [17] });
register(gre_protocol, { ip_protocols: [47] });
register(ah_protocol, { ip_protocols: [51] });
register(udplite_protocol, { ip_protocols: [136] });
register(icmpv6_protocol, { ip_protocols: [58] });
register_link_protocols();
register(payload_protocol);
// At ports, a layer of one's own takes the place of these.
register_ports(dns_protocol, { udp_ports: [53, 5353, 5355] });
register_ports(dns_in_tcp, { tcp_ports: [53, 5353, 5355] });
register_ports(dhcp_protocol, { udp_ports: [67, 68] });
register_ports(dhcpv6_protocol, { udp_ports: [547, 546] });
// Control messages stand at the same port: ntp_protocol finds them.
for (const protocol of [ntp_control_protocol, ntp_protocol]) register_ports(protocol, { udp_ports: [123] });
register_ports(vxlan_protocol, { udp_ports: [4789] });
register_ports(geneve_protocol, { udp_ports: [6081] });

/** IP without a header before it: the version says which. */
const raw: Parser = {
  parse(input) {
    const version = input.at < input.end ? input.view.getUint8(input.at) >>> 4 : 4;
    return version === 6 ? ipv6_protocol : ipv4_protocol;
  },
};
// 12 and 14 are DLT_RAW of most systems and of OpenBSD: some programs write them where 101 is meant.
for (const number of [linktypes.LINKTYPE_RAW, 12, 14]) register_linktype(number, raw);
register_linktype(linktypes.LINKTYPE_LOOP, loop);
