// The public names of the protocols near the link: index.ts exports them.

// The declarations of the package need its LayerTypes.
import './link_protocols.js';

export { type Can, type CanDraft, type CanFields, can } from './layers/devices/can.js';
export {
  type Netlink,
  type NetlinkDraft,
  type NetlinkFields,
  type NetlinkMessage,
  type NetlinkMessageFields,
  netlink,
} from './layers/devices/netlink.js';
export {
  type Nflog,
  type NflogDraft,
  type NflogFields,
  type NflogTlv,
  type NflogTlvFields,
  nflog,
} from './layers/devices/nflog.js';
export { type Sctp, type SctpDraft, type SctpFields, sctp } from './layers/ip/sctp.js';
export type {
  SctpCause,
  SctpCauseFields,
  SctpChunk,
  SctpChunkFields,
  SctpParameter,
  SctpParameterFields,
} from './layers/ip/sctp_chunks.js';
export { type Vrrp, type VrrpDraft, type VrrpFields, vrrp } from './layers/ip/vrrp.js';
export {
  type Cdp,
  type CdpDraft,
  type CdpFields,
  type CdpTlv,
  type CdpTlvFields,
  cdp,
} from './layers/llc/cdp.js';
export {
  type Llc,
  type LlcDraft,
  type LlcFields,
  llc,
  type Snap,
  type SnapDraft,
  type SnapFields,
  snap,
} from './layers/llc/llc.js';
export {
  type Lldp,
  type LldpDraft,
  type LldpFields,
  type LldpTlv,
  type LldpTlvFields,
  lldp,
} from './layers/llc/lldp.js';
export {
  type Mst,
  type MstFields,
  type MstInstance,
  type Stp,
  type StpDraft,
  type StpFields,
  stp,
} from './layers/llc/stp.js';
export {
  type Chap,
  type ChapDraft,
  type ChapFields,
  chap,
  type Pap,
  type PapDraft,
  type PapFields,
  pap,
} from './layers/ppp/authentication.js';
export {
  type Ipcp,
  type IpcpDraft,
  type IpcpFields,
  type IpcpOption,
  type IpcpOptionFields,
  type Ipv6cp,
  type Ipv6cpDraft,
  type Ipv6cpFields,
  type Ipv6cpOption,
  type Ipv6cpOptionFields,
  ipcp,
  ipv6cp,
  type Lcp,
  type LcpDraft,
  type LcpFields,
  type LcpOption,
  type LcpOptionFields,
  lcp,
} from './layers/ppp/control.js';
export { type Ppp, type PppDraft, type PppFields, ppp } from './layers/ppp/ppp.js';
export {
  type Pppoed,
  type PppoedDraft,
  type PppoedFields,
  type Pppoes,
  type PppoesDraft,
  type PppoesFields,
  type PppoeTag,
  type PppoeTagFields,
  pppoed,
  pppoes,
} from './layers/ppp/pppoe.js';
export {
  type Radiotap,
  type RadiotapDraft,
  type RadiotapFields,
  radiotap,
} from './layers/wireless/radiotap.js';
export { type Wlan, type WlanDraft, type WlanFields, wlan } from './layers/wireless/wlan.js';
export type { WlanElement, WlanElementFields } from './layers/wireless/wlan_elements.js';
