// The structs of socket options: times, groups, credentials, filters, packet sockets. See socket(7), ip(7), ipv6(7),
// packet(7), unix(7).
import type { BytesLike } from '../util/validate.js';
import { in_addr, in6_addr, type StructAddress, type StructAddressLike, sockaddr } from './addresses.js';
import { define, type Encodable, int, long, octets, type Struct, with_length } from './struct.js';

/** struct linger, of SO_LINGER. */
export interface linger {
  /** Not 0: close() waits for unsent data to be sent, or with `linger` 0 resets the connection. */
  onoff: number;
  /** The time that close() waits at most, in seconds. */
  linger: number;
}
/** struct linger: the value of SO_LINGER. See socket(7). */
export const linger: Struct<linger> = define('linger', { onoff: int, linger: int });

/** struct timeval. */
export interface timeval {
  /** Seconds. */
  sec: number | bigint;
  /** Microseconds, 0 to 999,999. */
  usec: number | bigint;
}
/** struct timeval: SO_RCVTIMEO, SO_SNDTIMEO, SCM_TIMESTAMP. */
export const timeval: Struct<timeval> = define('timeval', { sec: long, usec: long });

/** struct timespec. */
export interface timespec {
  /** Seconds. */
  sec: number | bigint;
  /** Nanoseconds, 0 to 999,999,999. */
  nsec: number | bigint;
}
/** struct timespec: SCM_TIMESTAMPNS, and three times in scm_timestamping. */
export const timespec: Struct<timespec> = define('timespec', { sec: long, nsec: long });

/** struct ucred. */
export interface ucred {
  /** The process id. */
  pid: number;
  /** The user id. */
  uid: number;
  /** The group id. */
  gid: number;
}
/** struct ucred: SO_PEERCRED, SCM_CREDENTIALS. See unix(7). */
export const ucred: Struct<ucred> = define('ucred', { pid: int, uid: int, gid: int });

/** struct ip_mreq. */
export interface ip_mreq {
  /** The group. */
  multiaddr: string;
  /** The local address of the interface; 0.0.0.0: the kernel chooses. */
  interface: string;
}
/** struct ip_mreq: IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP. See ip(7). */
export const ip_mreq: Struct<ip_mreq> = define('ip_mreq', { multiaddr: in_addr, interface: in_addr });

/** struct ip_mreqn. */
export interface ip_mreqn {
  /** The group. */
  multiaddr: string;
  /** The local address of the interface. */
  address: string;
  /** The interface's index, which takes precedence over its address; 0: the address counts. */
  ifindex: number;
}
/** struct ip_mreqn: IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF. See ip(7). */
export const ip_mreqn: Struct<ip_mreqn> = define('ip_mreqn', {
  multiaddr: in_addr,
  address: in_addr,
  ifindex: int,
});

/** struct ip_mreq_source. */
export interface ip_mreq_source {
  /** The group. */
  multiaddr: string;
  /** The local address of the interface. */
  interface: string;
  /** The sender. */
  sourceaddr: string;
}
/** struct ip_mreq_source: IP_ADD_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, … See ip(7). */
export const ip_mreq_source: Struct<ip_mreq_source> = define('ip_mreq_source', {
  multiaddr: in_addr,
  interface: in_addr,
  sourceaddr: in_addr,
});

/** struct ipv6_mreq. */
export interface ipv6_mreq {
  /** The group. */
  multiaddr: string;
  /** The interface's index; 0: the kernel chooses. */
  interface: number;
}
/** struct ipv6_mreq: IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP. See ipv6(7). */
export const ipv6_mreq: Struct<ipv6_mreq> = define('ipv6_mreq', {
  multiaddr: in6_addr,
  interface: int,
});

/** struct group_req. */
export interface group_req {
  /** The interface's index; 0: the kernel chooses. */
  interface: number;
  /** The group: an address with port 0. */
  group: StructAddress;
}
/** The fields of group_req as encode takes them. */
export interface group_req_like {
  readonly interface?: number | bigint;
  readonly group?: StructAddressLike;
}
/** struct group_req: MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, for IPv4 and IPv6 alike. */
export const group_req: Struct<group_req, group_req_like> = define('group_req', {
  interface: int,
  group: sockaddr,
});

/** struct group_source_req. */
export interface group_source_req {
  /** The interface's index; 0: the kernel chooses. */
  interface: number;
  /** The group: an address with port 0. */
  group: StructAddress;
  /** The sender. */
  source: StructAddress;
}
/** The fields of group_source_req as encode takes them. */
export interface group_source_req_like extends group_req_like {
  readonly source?: StructAddressLike;
}
/** struct group_source_req: MCAST_JOIN_SOURCE_GROUP, MCAST_BLOCK_SOURCE, …, for IPv4 and IPv6 alike. */
export const group_source_req: Struct<group_source_req, group_source_req_like> = define('group_source_req', {
  interface: int,
  group: sockaddr,
  source: sockaddr,
});

/** struct sock_filter. */
export interface sock_filter {
  /** The operation: BPF_* flags combined. */
  code: number;
  /** The number of instructions to skip if true. */
  jt: number;
  /** The number of instructions to skip if false. */
  jf: number;
  /** The operand. */
  k: number;
}
/** struct sock_filter: one instruction of classic BPF. `attach_filter` of a socket takes a whole program. */
export const sock_filter: Struct<sock_filter> = define('sock_filter', {
  code: int,
  jt: int,
  jf: int,
  k: int,
});

/** struct packet_mreq. */
export interface packet_mreq {
  /** The interface's index. */
  ifindex: number;
  /** PACKET_MR_MULTICAST, PACKET_MR_PROMISC, … */
  type: number;
  /** The number of bytes of the address that count. */
  alen: number;
  /** The hardware address: `alen` bytes. */
  address: Buffer;
}
/** The fields of packet_mreq as encode takes them: `alen` is the length of the address if it is left out. */
export interface packet_mreq_like extends Omit<Encodable<packet_mreq>, 'address'> {
  readonly address?: BytesLike;
}
/** struct packet_mreq: PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP. See packet(7). */
export const packet_mreq: Struct<packet_mreq, packet_mreq_like> = with_length(
  define('packet_mreq', { ifindex: int, type: int, alen: int, address: octets }),
  'alen',
  'address',
);

/** struct tpacket_stats. */
export interface tpacket_stats {
  /** The number of packets that arrived, dropped packets included. */
  packets: number;
  /** The number of packets that were dropped because the receive buffer was full. */
  drops: number;
}
/** struct tpacket_stats: PACKET_STATISTICS, the counts since the last call. See packet(7). */
export const tpacket_stats: Struct<tpacket_stats> = define('tpacket_stats', { packets: int, drops: int });

/** struct tpacket_stats_v3. */
export interface tpacket_stats_v3 extends tpacket_stats {
  /** The number of times the ring was full. */
  freeze_q_cnt: number;
}
/** struct tpacket_stats_v3: PACKET_STATISTICS of a socket with a TPACKET_V3 ring. */
export const tpacket_stats_v3: Struct<tpacket_stats_v3> = define('tpacket_stats_v3', {
  packets: int,
  drops: int,
  freeze_q_cnt: int,
});
