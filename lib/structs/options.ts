// The structs of socket options: times, groups, credentials, filters, packet sockets. See socket(7), ip(7), ipv6(7),
// packet(7), unix(7).
import { in_addr, in6_addr, sockaddr } from './addresses.js';
import {
  type Decoded,
  define,
  type Encodable,
  int,
  long,
  octets,
  type Struct,
  with_length,
} from './struct.js';

const LINGER = {
  /** Not 0: close() waits for unsent data to be sent, or with `linger` 0 resets the connection. */
  onoff: int,
  /** The time that close() waits at most, in seconds. */
  linger: int,
};
/** The fields of linger as decode gives them; the constant linger says what the struct is for. */
export interface linger extends Decoded<typeof LINGER> {}
/** struct linger: the value of SO_LINGER. See socket(7). */
export const linger: Struct<linger> = define('linger', LINGER);

const TIMEVAL = {
  /** Seconds. */
  sec: long,
  /** Microseconds, 0 to 999,999. */
  usec: long,
};
/** The fields of timeval as decode gives them; the constant timeval says what the struct is for. */
export interface timeval extends Decoded<typeof TIMEVAL> {}
/** struct timeval: SO_RCVTIMEO, SO_SNDTIMEO, SCM_TIMESTAMP. */
export const timeval: Struct<timeval> = define('timeval', TIMEVAL);

const TIMESPEC = {
  /** Seconds. */
  sec: long,
  /** Nanoseconds, 0 to 999,999,999. */
  nsec: long,
};
/** The fields of timespec as decode gives them; the constant timespec says what the struct is for. */
export interface timespec extends Decoded<typeof TIMESPEC> {}
/** struct timespec: SCM_TIMESTAMPNS, and three times in scm_timestamping. */
export const timespec: Struct<timespec> = define('timespec', TIMESPEC);

const UCRED = {
  /** The process id. */
  pid: int,
  /** The user id. */
  uid: int,
  /** The group id. */
  gid: int,
};
/** The fields of ucred as decode gives them; the constant ucred says what the struct is for. */
export interface ucred extends Decoded<typeof UCRED> {}
/** struct ucred: SO_PEERCRED, SCM_CREDENTIALS. See unix(7). */
export const ucred: Struct<ucred> = define('ucred', UCRED);

const IP_MREQ = {
  /** The group. */
  multiaddr: in_addr,
  /** The local address of the interface; 0.0.0.0: the kernel chooses. */
  interface: in_addr,
};
/** The fields of ip_mreq as decode gives them; the constant ip_mreq says what the struct is for. */
export interface ip_mreq extends Decoded<typeof IP_MREQ> {}
/** struct ip_mreq: IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP. See ip(7). */
export const ip_mreq: Struct<ip_mreq> = define('ip_mreq', IP_MREQ);

const IP_MREQN = {
  /** The group. */
  multiaddr: in_addr,
  /** The local address of the interface. */
  address: in_addr,
  /** The interface's index, which takes precedence over its address; 0: the address counts. */
  ifindex: int,
};
/** The fields of ip_mreqn as decode gives them; the constant ip_mreqn says what the struct is for. */
export interface ip_mreqn extends Decoded<typeof IP_MREQN> {}
/** struct ip_mreqn: IP_ADD_MEMBERSHIP, IP_DROP_MEMBERSHIP, IP_MULTICAST_IF. See ip(7). */
export const ip_mreqn: Struct<ip_mreqn> = define('ip_mreqn', IP_MREQN);

const IP_MREQ_SOURCE = {
  ...IP_MREQ,
  /** The sender. */
  sourceaddr: in_addr,
};
/** The fields of ip_mreq_source as decode gives them; the constant ip_mreq_source says what the struct is for. */
export interface ip_mreq_source extends Decoded<typeof IP_MREQ_SOURCE> {}
/** struct ip_mreq_source: IP_ADD_SOURCE_MEMBERSHIP, IP_BLOCK_SOURCE, … See ip(7). */
export const ip_mreq_source: Struct<ip_mreq_source> = define('ip_mreq_source', IP_MREQ_SOURCE);

const IPV6_MREQ = {
  /** The group. */
  multiaddr: in6_addr,
  /** The interface's index; 0: the kernel chooses. */
  interface: int,
};
/** The fields of ipv6_mreq as decode gives them; the constant ipv6_mreq says what the struct is for. */
export interface ipv6_mreq extends Decoded<typeof IPV6_MREQ> {}
/** struct ipv6_mreq: IPV6_JOIN_GROUP, IPV6_LEAVE_GROUP. See ipv6(7). */
export const ipv6_mreq: Struct<ipv6_mreq> = define('ipv6_mreq', IPV6_MREQ);

const GROUP_REQ = {
  /** The interface's index; 0: the kernel chooses. */
  interface: int,
  /** The group: an address with port 0. */
  group: sockaddr,
};
/** The fields of group_req as decode gives them; the constant group_req says what the struct is for. */
export interface group_req extends Decoded<typeof GROUP_REQ> {}
/** The fields of group_req as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type group_req_like = Encodable<group_req>;
/** struct group_req: MCAST_JOIN_GROUP, MCAST_LEAVE_GROUP, for IPv4 and IPv6 alike. */
export const group_req: Struct<group_req> = define('group_req', GROUP_REQ);

const GROUP_SOURCE_REQ = {
  ...GROUP_REQ,
  /** The sender. */
  source: sockaddr,
};
/** The fields of group_source_req as decode gives them; the constant group_source_req says what the struct is for. */
export interface group_source_req extends Decoded<typeof GROUP_SOURCE_REQ> {}
/** The fields of group_source_req as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type group_source_req_like = Encodable<group_source_req>;
/** struct group_source_req: MCAST_JOIN_SOURCE_GROUP, MCAST_BLOCK_SOURCE, …, for IPv4 and IPv6 alike. */
export const group_source_req: Struct<group_source_req> = define('group_source_req', GROUP_SOURCE_REQ);

const SOCK_FILTER = {
  /** The operation: BPF_* flags combined. */
  code: int,
  /** The number of instructions to skip if true. */
  jt: int,
  /** The number of instructions to skip if false. */
  jf: int,
  /** The operand. */
  k: int,
};
/** The fields of sock_filter as decode gives them; the constant sock_filter says what the struct is for. */
export interface sock_filter extends Decoded<typeof SOCK_FILTER> {}
/** struct sock_filter: one instruction of classic BPF. `attach_filter` of a socket takes a whole program. */
export const sock_filter: Struct<sock_filter> = define('sock_filter', SOCK_FILTER);

const PACKET_MREQ = {
  /** The interface's index. */
  ifindex: int,
  /** PACKET_MR_MULTICAST, PACKET_MR_PROMISC, … */
  type: int,
  /** The number of bytes of the address that count. */
  alen: int,
  /** The hardware address: `alen` bytes. */
  address: octets,
};
/** The fields of packet_mreq as decode gives them; the constant packet_mreq says what the struct is for. */
export interface packet_mreq extends Decoded<typeof PACKET_MREQ> {}
/** The fields of packet_mreq as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type packet_mreq_like = Encodable<packet_mreq>;
/** struct packet_mreq: PACKET_ADD_MEMBERSHIP, PACKET_DROP_MEMBERSHIP. `alen` is the length of the address unless encode
 * is given another. See packet(7). */
export const packet_mreq: Struct<packet_mreq> = with_length(
  define('packet_mreq', PACKET_MREQ),
  'alen',
  'address',
);

const TPACKET_STATS = {
  /** The number of packets that arrived, dropped packets included. */
  packets: int,
  /** The number of packets that were dropped because the receive buffer was full. */
  drops: int,
};
/** The fields of tpacket_stats as decode gives them; the constant tpacket_stats says what the struct is for. */
export interface tpacket_stats extends Decoded<typeof TPACKET_STATS> {}
/** struct tpacket_stats: PACKET_STATISTICS, the counts since the last call. See packet(7). */
export const tpacket_stats: Struct<tpacket_stats> = define('tpacket_stats', TPACKET_STATS);

const TPACKET_STATS_V3 = {
  ...TPACKET_STATS,
  /** The number of times the ring was full. */
  freeze_q_cnt: int,
};
/** The fields of tpacket_stats_v3 as decode gives them; the constant tpacket_stats_v3 says what the struct is for. */
export interface tpacket_stats_v3 extends Decoded<typeof TPACKET_STATS_V3> {}
/** struct tpacket_stats_v3: PACKET_STATISTICS of a socket with a TPACKET_V3 ring. */
export const tpacket_stats_v3: Struct<tpacket_stats_v3> = define('tpacket_stats_v3', TPACKET_STATS_V3);

const TCP_MD5SIG = {
  /** The peer, with port 0: segments from and to it are signed. */
  addr: sockaddr,
  /** TCP_MD5SIG_FLAG_*, for TCP_MD5SIG_EXT. */
  flags: int,
  /** The number of bits of the address that count, with TCP_MD5SIG_FLAG_PREFIX. */
  prefixlen: int,
  /** The number of bytes of the key; 0 removes the key. */
  keylen: int,
  /** The interface's index, with TCP_MD5SIG_FLAG_IFINDEX. */
  ifindex: int,
  /** The key: `keylen` bytes, at most TCP_MD5SIG_MAXKEYLEN. */
  key: octets,
};
/** The fields of tcp_md5sig as decode gives them; the constant tcp_md5sig says what the struct is for. */
export interface tcp_md5sig extends Decoded<typeof TCP_MD5SIG> {}
/** The fields of tcp_md5sig as encode takes them: any may be left out, an integer may be a bigint, bytes may be of any kind. */
export type tcp_md5sig_like = Encodable<tcp_md5sig>;
/** struct tcp_md5sig: TCP_MD5SIG, TCP_MD5SIG_EXT, signatures of RFC 2385. `keylen` is the length of the key unless encode is
 * given another. Set it before listen or connect. See tcp(7). */
export const tcp_md5sig: Struct<tcp_md5sig> = with_length(define('tcp_md5sig', TCP_MD5SIG), 'keylen', 'key');
