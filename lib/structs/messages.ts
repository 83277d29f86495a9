// The structs of control messages: the address and interface of a packet, its times, its errors. See ip(7), ipv6(7), packet(7),
// and Documentation/networking/timestamping.rst of Linux.
import { type BytesLike, bytes as checked_bytes } from '../util/validate.js';
import { encode_sockaddr, in_addr, in6_addr, read_sockaddr } from './addresses.js';
import { timespec } from './options.js';
import {
  array_of,
  type Decoded,
  define,
  type Encodable,
  fields_of,
  int,
  layout_of,
  type Struct,
  type StructAddress,
} from './struct.js';

const IN_PKTINFO = {
  /** The index of the interface: received, that the packet came by; sent, that it must leave by. */
  ifindex: int,
  /** Received: the local address that the packet was routed to. Sent: the address to send from. */
  spec_dst: in_addr,
  /** The destination in the packet's header. */
  addr: in_addr,
};
/** The fields of in_pktinfo as decode gives them; the constant in_pktinfo says what the struct is for. */
export interface in_pktinfo extends Decoded<typeof IN_PKTINFO> {}
/** struct in_pktinfo: IP_PKTINFO, received and sent. See ip(7). */
export const in_pktinfo: Struct<in_pktinfo> = define('in_pktinfo', IN_PKTINFO);

const IN6_PKTINFO = {
  /** Received: the destination in the packet's header. Sent: the address to send from. */
  addr: in6_addr,
  /** The index of the interface: received, that the packet came by; sent, that it must leave by. */
  ifindex: int,
};
/** The fields of in6_pktinfo as decode gives them; the constant in6_pktinfo says what the struct is for. */
export interface in6_pktinfo extends Decoded<typeof IN6_PKTINFO> {}
/** struct in6_pktinfo: IPV6_PKTINFO, received and sent. See ipv6(7). */
export const in6_pktinfo: Struct<in6_pktinfo> = define('in6_pktinfo', IN6_PKTINFO);

const SOCK_EXTENDED_ERR = {
  /** The error number; ENOMSG for a time stamp, which is no error; 0 for MSG_ZEROCOPY. */
  errno: int,
  /** The origin of the error: SO_EE_ORIGIN_LOCAL, SO_EE_ORIGIN_ICMP, … */
  origin: int,
  /** The ICMP message's type. */
  type: int,
  /** The ICMP message's code. */
  code: int,
  /** Depends on the origin: the path's MTU for EMSGSIZE, the first notification of MSG_ZEROCOPY, the kind of time stamp. */
  info: int,
  /** Depends on the origin: the last notification of MSG_ZEROCOPY, or the number of the packet with the time stamp. */
  data: int,
};
/** The fields of sock_extended_err as decode gives them; the constant sock_extended_err says what the struct is for. */
export interface sock_extended_err extends Decoded<typeof SOCK_EXTENDED_ERR> {
  /** SO_EE_OFFENDER: the address of the machine that sent the ICMP message; null without one. */
  offender?: StructAddress | undefined;
}
/** The fields of sock_extended_err as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type sock_extended_err_like = Encodable<sock_extended_err>;

const fixed_part = define<Decoded<typeof SOCK_EXTENDED_ERR>>('sock_extended_err', SOCK_EXTENDED_ERR);
/** What the kernel gives instead of an address: a struct sockaddr of AF_UNSPEC, which is 0. */
const NO_OFFENDER = new Uint8Array(layout_of('sockaddr').size);
const ERROR_FIELDS = [...Object.keys(SOCK_EXTENDED_ERR), 'offender'];

/**
 * struct sock_extended_err with the offender's address behind it: IP_RECVERR, IPV6_RECVERR, on the error queue
 * (MSG_ERRQUEUE). `size` is without the address. See ip(7).
 */
export const sock_extended_err: Struct<sock_extended_err> = Object.freeze({
  ...fixed_part,
  encode(value: sock_extended_err_like): Buffer {
    fields_of(value, 'sock_extended_err', ERROR_FIELDS);
    const { offender, ...fields } = value;
    return Buffer.concat([
      fixed_part.encode(fields),
      offender === null ? NO_OFFENDER : encode_sockaddr(offender, 'sock_extended_err.offender'),
    ]);
  },
  decode(bytes: BytesLike): sock_extended_err {
    const view = checked_bytes(bytes, 'bytes');
    const fields = fixed_part.decode(view);
    if (view.length < fixed_part.size + 2) return fields;
    return { ...fields, offender: read_sockaddr(view.subarray(fixed_part.size)) };
  },
});

const SCM_TIMESTAMPING = {
  /** Three times: of the kernel's stamp, unused (deprecated), of the device's stamp. A missing stamp is zero. */
  ts: array_of(timespec, 3),
};
/** The fields of scm_timestamping as decode gives them; the constant scm_timestamping says what the struct is for. */
export interface scm_timestamping extends Decoded<typeof SCM_TIMESTAMPING> {}
/** The fields of scm_timestamping as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type scm_timestamping_like = Encodable<scm_timestamping>;
/** struct scm_timestamping: SCM_TIMESTAMPING, the time stamps that SO_TIMESTAMPING requested. */
export const scm_timestamping: Struct<scm_timestamping> = define('scm_timestamping', SCM_TIMESTAMPING);

const TPACKET_AUXDATA = {
  /** TP_STATUS_* flags, such as TP_STATUS_VLAN_VALID. */
  status: int,
  /** The packet's length on the wire, in bytes. */
  len: int,
  /** The captured length, in bytes. */
  snaplen: int,
  /** The offset of the link layer's header. */
  mac: int,
  /** The offset of the network layer's header. */
  net: int,
  /** The VLAN tag that the kernel removed, if `status` has TP_STATUS_VLAN_VALID. */
  vlan_tci: int,
  /** The tag's protocol, 0x8100 for 802.1Q. */
  vlan_tpid: int,
};
/** The fields of tpacket_auxdata as decode gives them; the constant tpacket_auxdata says what the struct is for. */
export interface tpacket_auxdata extends Decoded<typeof TPACKET_AUXDATA> {}
/** struct tpacket_auxdata: PACKET_AUXDATA. See packet(7). */
export const tpacket_auxdata: Struct<tpacket_auxdata> = define('tpacket_auxdata', TPACKET_AUXDATA);
