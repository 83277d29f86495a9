// The structs of control messages: the address and interface of a packet, its times, its errors. See ip(7), ipv6(7), packet(7),
// and Documentation/networking/timestamping.rst of Linux.
import { type BytesLike, bytes as checked_bytes } from '../util/validate.js';
import {
  encode_sockaddr,
  in_addr,
  in6_addr,
  read_sockaddr,
  type StructAddress,
  type StructAddressLike,
} from './addresses.js';
import { timespec } from './options.js';
import { array_of, define, type Encodable, fields_of, int, type Struct } from './struct.js';

/** struct in_pktinfo. */
export interface in_pktinfo {
  /** The index of the interface: received, that the packet came by; sent, that it must leave by. */
  ifindex: number;
  /** Received: the local address that the packet was routed to. Sent: the address to send from. */
  spec_dst: string;
  /** The destination in the packet's header. */
  addr: string;
}
/** struct in_pktinfo: IP_PKTINFO, received and sent. See ip(7). */
export const in_pktinfo: Struct<in_pktinfo> = define('in_pktinfo', {
  ifindex: int,
  spec_dst: in_addr,
  addr: in_addr,
});

/** struct in6_pktinfo. */
export interface in6_pktinfo {
  /** Received: the destination in the packet's header. Sent: the address to send from. */
  addr: string;
  /** The index of the interface: received, that the packet came by; sent, that it must leave by. */
  ifindex: number;
}
/** struct in6_pktinfo: IPV6_PKTINFO, received and sent. See ipv6(7). */
export const in6_pktinfo: Struct<in6_pktinfo> = define('in6_pktinfo', { addr: in6_addr, ifindex: int });

/** struct sock_extended_err. */
export interface sock_extended_err {
  /** The error number; ENOMSG for a time stamp, which is no error; 0 for MSG_ZEROCOPY. */
  errno: number;
  /** The origin of the error: SO_EE_ORIGIN_LOCAL, SO_EE_ORIGIN_ICMP, … */
  origin: number;
  /** The ICMP message's type. */
  type: number;
  /** The ICMP message's code. */
  code: number;
  /** Depends on the origin: the path's MTU for EMSGSIZE, the first notification of MSG_ZEROCOPY, the kind of time stamp. */
  info: number;
  /** Depends on the origin: the last notification of MSG_ZEROCOPY, or the number of the packet with the time stamp. */
  data: number;
  /** SO_EE_OFFENDER: the address of the machine that sent the ICMP message; null without one. */
  offender?: StructAddress;
}
/** The fields of sock_extended_err as encode takes them. */
export interface sock_extended_err_like extends Omit<Encodable<sock_extended_err>, 'offender'> {
  readonly offender?: StructAddressLike;
}

const fixed_part = define<Omit<sock_extended_err, 'offender'>>('sock_extended_err', {
  errno: int,
  origin: int,
  type: int,
  code: int,
  info: int,
  data: int,
});

const ERROR_FIELDS = ['errno', 'origin', 'type', 'code', 'info', 'data', 'offender'];

/**
 * struct sock_extended_err with the offender's address behind it: IP_RECVERR, IPV6_RECVERR, on the error queue
 * (MSG_ERRQUEUE). `size` is without the address. See ip(7).
 */
export const sock_extended_err: Struct<sock_extended_err, sock_extended_err_like> = Object.freeze({
  ...fixed_part,
  encode(value: sock_extended_err_like): Buffer {
    fields_of(value, 'sock_extended_err', ERROR_FIELDS);
    const { offender, ...fields } = value;
    return Buffer.concat([
      fixed_part.encode(fields),
      encode_sockaddr(offender, 'sock_extended_err.offender'),
    ]);
  },
  decode(bytes: BytesLike): sock_extended_err {
    const view = checked_bytes(bytes, 'bytes');
    const fields = fixed_part.decode(view);
    if (view.length < fixed_part.size + 2) return fields;
    return { ...fields, offender: read_sockaddr(view.subarray(fixed_part.size)) };
  },
});

/** struct scm_timestamping. */
export interface scm_timestamping {
  /** Three times: of the kernel's stamp, unused (deprecated), of the device's stamp. A missing stamp is zero. */
  ts: timespec[];
}
/** The fields of scm_timestamping as encode takes them. */
export interface scm_timestamping_like {
  readonly ts?: readonly Encodable<timespec>[];
}
/** struct scm_timestamping: SCM_TIMESTAMPING, the time stamps that SO_TIMESTAMPING requested. */
export const scm_timestamping: Struct<scm_timestamping, scm_timestamping_like> = define('scm_timestamping', {
  ts: array_of(timespec, 3),
});

/** struct tpacket_auxdata. */
export interface tpacket_auxdata {
  /** TP_STATUS_* flags, such as TP_STATUS_VLAN_VALID. */
  status: number;
  /** The packet's length on the wire, in bytes. */
  len: number;
  /** The captured length, in bytes. */
  snaplen: number;
  /** The offset of the link layer's header. */
  mac: number;
  /** The offset of the network layer's header. */
  net: number;
  /** The VLAN tag that the kernel removed, if `status` has TP_STATUS_VLAN_VALID. */
  vlan_tci: number;
  /** The tag's protocol, 0x8100 for 802.1Q. */
  vlan_tpid: number;
}
/** struct tpacket_auxdata: PACKET_AUXDATA. See packet(7). */
export const tpacket_auxdata: Struct<tpacket_auxdata> = define('tpacket_auxdata', {
  status: int,
  len: int,
  snaplen: int,
  mac: int,
  net: int,
  vlan_tci: int,
  vlan_tpid: int,
});
