// The protocols near the link, and the link types of captures of devices: protocols.ts registers these.
import { type Can, type CanDraft, can_protocol } from './layers/devices/can.js';
import { type Netlink, type NetlinkDraft, netlink_protocol } from './layers/devices/netlink.js';
import { type Nflog, type NflogDraft, nflog_protocol } from './layers/devices/nflog.js';
import { type Sctp, type SctpDraft, sctp_protocol } from './layers/ip/sctp.js';
import { type Vrrp, type VrrpDraft, vrrp_protocol } from './layers/ip/vrrp.js';
import { type Cdp, type CdpDraft, cdp_protocol } from './layers/llc/cdp.js';
import {
  type Llc,
  type LlcDraft,
  llc_protocol,
  type Snap,
  type SnapDraft,
  snap_protocol,
} from './layers/llc/llc.js';
import { type Lldp, type LldpDraft, lldp_protocol } from './layers/llc/lldp.js';
import { type Stp, type StpDraft, stp_protocol } from './layers/llc/stp.js';
import {
  type Chap,
  type ChapDraft,
  chap_protocol,
  type Pap,
  type PapDraft,
  pap_protocol,
} from './layers/ppp/authentication.js';
import {
  type Ipcp,
  type IpcpDraft,
  type Ipv6cp,
  type Ipv6cpDraft,
  ipcp_protocol,
  ipv6cp_protocol,
  type Lcp,
  type LcpDraft,
  lcp_protocol,
} from './layers/ppp/control.js';
import { type Ppp, type PppDraft, ppp_or_cisco, ppp_protocol } from './layers/ppp/ppp.js';
import {
  type Pppoed,
  type PppoedDraft,
  type Pppoes,
  type PppoesDraft,
  pppoe,
  pppoed_protocol,
  pppoes_protocol,
} from './layers/ppp/pppoe.js';
import { type Radiotap, type RadiotapDraft, radiotap_protocol } from './layers/wireless/radiotap.js';
import { type Wlan, type WlanDraft, wlan_protocol } from './layers/wireless/wlan.js';
import * as linktypes from './linktypes.js';
import { register, register_linktype } from './registry.js';

declare module './layer_types.js' {
  interface LayerTypes {
    can: [parsed: Can, draft: CanDraft];
    cdp: [parsed: Cdp, draft: CdpDraft];
    chap: [parsed: Chap, draft: ChapDraft];
    ipcp: [parsed: Ipcp, draft: IpcpDraft];
    ipv6cp: [parsed: Ipv6cp, draft: Ipv6cpDraft];
    lcp: [parsed: Lcp, draft: LcpDraft];
    llc: [parsed: Llc, draft: LlcDraft];
    lldp: [parsed: Lldp, draft: LldpDraft];
    netlink: [parsed: Netlink, draft: NetlinkDraft];
    nflog: [parsed: Nflog, draft: NflogDraft];
    pap: [parsed: Pap, draft: PapDraft];
    ppp: [parsed: Ppp, draft: PppDraft];
    pppoed: [parsed: Pppoed, draft: PppoedDraft];
    pppoes: [parsed: Pppoes, draft: PppoesDraft];
    radiotap: [parsed: Radiotap, draft: RadiotapDraft];
    sctp: [parsed: Sctp, draft: SctpDraft];
    snap: [parsed: Snap, draft: SnapDraft];
    stp: [parsed: Stp, draft: StpDraft];
    vrrp: [parsed: Vrrp, draft: VrrpDraft];
    wlan: [parsed: Wlan, draft: WlanDraft];
  }
}

/** Registers them, with their numbers. Those of PPP and of LLC stand in the files of these. */
export function register_link_protocols(): void {
  register(llc_protocol);
  register(snap_protocol);
  register(stp_protocol);
  register(cdp_protocol);
  register(lldp_protocol, { ethertypes: [0x88cc] });
  register(pppoed_protocol, { ethertypes: [0x8863] });
  register(pppoes_protocol, { ethertypes: [0x8864] });
  register_linktype(linktypes.LINKTYPE_PPP_ETHER, pppoe);
  register(ppp_protocol, { linktypes: [linktypes.LINKTYPE_PPP] });
  register_linktype(linktypes.LINKTYPE_PPP_HDLC, ppp_or_cisco);
  register(lcp_protocol);
  register(ipcp_protocol);
  register(ipv6cp_protocol);
  register(pap_protocol);
  register(chap_protocol);
  register(sctp_protocol, { ip_protocols: [132] });
  register(vrrp_protocol, { ip_protocols: [112] });
  register(nflog_protocol, { linktypes: [linktypes.LINKTYPE_NFLOG] });
  register(netlink_protocol, { linktypes: [linktypes.LINKTYPE_NETLINK] });
  register(can_protocol, { linktypes: [linktypes.LINKTYPE_CAN_SOCKETCAN] });
  register(radiotap_protocol, { linktypes: [linktypes.LINKTYPE_IEEE802_11_RADIOTAP] });
  register(wlan_protocol, { linktypes: [linktypes.LINKTYPE_IEEE802_11] });
}
