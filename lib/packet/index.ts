// bsd-sockets/packet: packets from layers and layers from packets, down to the last bit. No socket is needed for that.
//
// Each protocol has a file, with what it looks like, its maker, its parser and its builder; protocols.ts says how they are linked, and
// how to add one. input.ts and output.ts are what they share; options.ts reads and writes options of all kinds.
// capture_*.ts read and write capture files.
export { type Ah, type AhDraft, type AhFields, ah } from './ah.js';
export { type Arp, type ArpDraft, type ArpFields, arp } from './arp.js';
export { build } from './build.js';
export type { CaptureFormat, CapturePacket, NewInterface } from './capture_encoder.js';
export { type CapturedPacket, CaptureError, type CaptureInterface } from './capture_format.js';
export { type Capture, type CaptureSource, read_capture } from './capture_read.js';
export {
  type CaptureFile,
  type CaptureStream,
  type WriteCaptureOptions,
  write_capture,
} from './capture_write.js';
export { checksum } from './checksum.js';
export { type Ethernet, type EthernetDraft, type EthernetFields, ethernet } from './ethernet.js';
export { type Gre, type GreDraft, type GreFields, gre } from './gre.js';
export { type Icmp, type IcmpDraft, icmp } from './icmp.js';
export type { IcmpExtension, IcmpExtensionFields, MplsLabel } from './icmp_error.js';
export { type Icmpv6, type Icmpv6Draft, icmpv6 } from './icmpv6.js';
export type { Problem } from './input.js';
export { type Ipv4, type Ipv4Draft, type Ipv4Fields, ipv4 } from './ipv4.js';
export type { Ipv4Option, Ipv4OptionFields } from './ipv4_options.js';
export { type Ipv6, type Ipv6Draft, type Ipv6Fields, ipv6 } from './ipv6.js';
export type { Ipv6Extension, Ipv6ExtensionFields } from './ipv6_extensions.js';
export type { Ipv6Option, Ipv6OptionFields } from './ipv6_options.js';
export type { Draft, Layer, LayerName, Layers } from './layers.js';
export * from './linktypes.js';
export {
  type LinuxSll,
  type LinuxSll2,
  type LinuxSll2Draft,
  type LinuxSll2Fields,
  type LinuxSllDraft,
  type LinuxSllFields,
  linux_sll,
  linux_sll2,
} from './linux_sll.js';
export { type Loopback, type LoopbackDraft, type LoopbackFields, loopback } from './loopback.js';
export type { MulticastRecord, MulticastRecordFields } from './mld.js';
export type { NdpOption, NdpOptionFields } from './ndp_options.js';
export { Packet, type ParseOptions, parse } from './parse.js';
export { type Payload, type PayloadDraft, payload } from './payload.js';
export { type Exchanged, type SendReceiveOptions, type Sent, send_receive } from './send_receive.js';
export { hexdump, show } from './show.js';
export { type Tcp, type TcpDraft, type TcpFields, tcp } from './tcp.js';
export type { TcpOption, TcpOptionFields } from './tcp_options.js';
export { type Udp, type UdpDraft, type UdpFields, udp } from './udp.js';
export { type Vlan, type VlanDraft, type VlanFields, vlan } from './vlan.js';
