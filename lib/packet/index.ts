/**
 * Packets from layers and layers from packets, down to the last bit; filters, capture files, fragments, streams. See the
 * guides to [packets](../../docs/packet.md), [filters](../../docs/filters.md) and [captures](../../docs/captures.md). No socket is needed
 * but for `send_receive` and `packet_ring`.
 *
 * @module bsd-sockets/packet
 */

// Each protocol has a file in layers/ with its types, its maker, its parser and its builder; protocols.ts links them; CONTRIBUTING.md
// says how to add one. options/ reads and writes options of all kinds, bytes/ has what the protocols share, capture/ reads and writes
// capture files, and exchange/ sends packets and matches their answers. README.md draws who calls whom.

export { build } from './build.js';
export { checksum } from './bytes/checksum.js';
export type { Problem } from './bytes/input.js';
export type { CaptureStream } from './capture/capture_stream.js';
export type { CaptureFormat, CapturePacket, NewInterface, NewSection, Precision } from './capture/encoder.js';
export {
  type CapturedPacket,
  CaptureError,
  type CaptureInterface,
  type CaptureSection,
  type CaptureStatistics,
  type Direction,
  type TimedStatistics,
} from './capture/format.js';
export { type Capture, type CaptureSource, read_capture } from './capture/read.js';
export {
  type CaptureFile,
  type WriteCaptureOptions,
  write_capture,
} from './capture/write.js';
export {
  define_layer,
  type LayerDefinition,
  type OwnLayer,
  type OwnMaker,
} from './define/define_layer.js';
export { field, type OwnField } from './define/own_fields.js';
export type { Exchanged, SendReceiveOptions, Sent } from './exchange/send_receive.js';
export { type CompileFilterOptions, compile_filter, type FilterProgram } from './filter/compile.js';
export { FilterError } from './filter/error.js';
export { matches } from './filter/machine.js';
export { fragment } from './flows/fragment.js';
export type { PacketBytes, Packets } from './flows/pipe.js';
export {
  type DroppedPackets,
  type Reassembled,
  type ReassembleOptions,
  reassemble,
} from './flows/reassemble.js';
export { type Stream, type StreamPart, type StreamsOptions, streams } from './flows/streams.js';
export type {
  AnyDraft,
  Cut,
  Draft,
  Layer,
  LayerName,
  Layers,
  OwnDraft,
  Payload,
  PayloadDraft,
} from './layer_types.js';
export { type Ah, type AhDraft, type AhFields, ah } from './layers/ah.js';
export { type Arp, type ArpDraft, type ArpFields, arp } from './layers/arp.js';
export { type Dhcp, type DhcpDraft, type DhcpFields, dhcp } from './layers/dhcp/dhcp.js';
export type { DhcpAgentOption, DhcpOption, DhcpOptionFields } from './layers/dhcp/dhcp_options.js';
export { type Dhcpv6, type Dhcpv6Draft, type Dhcpv6Fields, dhcpv6 } from './layers/dhcp/dhcpv6.js';
export type {
  Dhcpv6Message,
  Dhcpv6MessageFields,
  Dhcpv6Option,
  Dhcpv6OptionFields,
} from './layers/dhcp/dhcpv6_options.js';
export { type Dns, type DnsDraft, type DnsFields, dns } from './layers/dns/dns.js';
export type { DnsClass, DnsType } from './layers/dns/numbers.js';
export type {
  EdnsOption,
  EdnsOptionFields,
  ServiceParameter,
  ServiceParameterFields,
} from './layers/dns/options.js';
export type { DnsQuestion, DnsRecord, DnsRecordFields } from './layers/dns/records.js';
export { type Esp, type EspDraft, type EspFields, esp } from './layers/esp.js';
export { type Ethernet, type EthernetDraft, type EthernetFields, ethernet } from './layers/ethernet.js';
export { type Gre, type GreDraft, type GreFields, gre } from './layers/gre.js';
export type { IcmpExtension, IcmpExtensionFields, MplsLabel } from './layers/icmp/extensions.js';
export { type Icmp, type IcmpDraft, icmp } from './layers/icmp/icmp.js';
export { type Icmpv6, type Icmpv6Draft, icmpv6 } from './layers/icmp/icmpv6.js';
export type { MulticastRecord, MulticastRecordFields } from './layers/icmp/multicast.js';
export { type Igmp, type IgmpDraft, igmp } from './layers/igmp.js';
export { type Ipv4, type Ipv4Draft, type Ipv4Fields, ipv4 } from './layers/ipv4.js';
export { type Ipv6, type Ipv6Draft, type Ipv6Fields, ipv6 } from './layers/ipv6.js';
export {
  type LinuxSll,
  type LinuxSll2,
  type LinuxSll2Draft,
  type LinuxSll2Fields,
  type LinuxSllDraft,
  type LinuxSllFields,
  linux_sll,
  linux_sll2,
} from './layers/linux_sll.js';
export { type Loopback, type LoopbackDraft, type LoopbackFields, loopback } from './layers/loopback.js';
export { type Mpls, type MplsDraft, type MplsFields, mpls } from './layers/mpls.js';
export {
  type NtpControl,
  type NtpControlDraft,
  type NtpControlFields,
  ntp_control,
} from './layers/ntp/control.js';
export {
  type Ntp,
  type NtpDraft,
  type NtpExtension,
  type NtpFields,
  type NtpMac,
  ntp,
} from './layers/ntp/ntp.js';
export { payload } from './layers/payload.js';
export { type Tcp, type TcpDraft, type TcpFields, tcp } from './layers/tcp.js';
export {
  type Geneve,
  type GeneveDraft,
  type GeneveFields,
  type GeneveOption,
  type GeneveOptionFields,
  geneve,
} from './layers/tunnel/geneve.js';
export { type Vxlan, type VxlanDraft, type VxlanFields, vxlan } from './layers/tunnel/vxlan.js';
export { type Udp, type UdpDraft, type UdpFields, udp } from './layers/udp.js';
export { type Udplite, type UdpliteDraft, type UdpliteFields, udplite } from './layers/udplite.js';
export { type Vlan, type VlanDraft, type VlanFields, vlan } from './layers/vlan.js';
export * from './link_layers.js';
export * from './linktypes.js';
export type { Ipv4Option, Ipv4OptionFields } from './options/ipv4.js';
export type { Ipv6Option, Ipv6OptionFields } from './options/ipv6.js';
export type { Ipv6Extension, Ipv6ExtensionFields } from './options/ipv6_extensions.js';
export type { NdpOption, NdpOptionFields } from './options/ndp.js';
export type { TcpOption, TcpOptionFields } from './options/tcp.js';
export { packet_ring } from './packet_ring.js';
export { Packet, type ParseOptions, parse } from './parse.js';
export type { Binding } from './registry.js';
export type { PacketBlock } from './ring/block.js';
export type { RingPacket, RingVlan } from './ring/memory.js';
export type {
  FanoutMode,
  FanoutOptions,
  PacketRingOptions,
  RingDirection,
} from './ring/options.js';
export type { PacketRing, RingStatistics } from './ring/packet_ring.js';
export type { Blocks as RingBlocks, Packets as RingPackets } from './ring/sequences.js';
export { send_receive } from './send_receive.js';
export { hexdump, show } from './show.js';
