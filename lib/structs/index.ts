// bsd-sockets/structs: encodes and decodes the C structs of socket options, control messages and netlink.
export { can_frame, type can_frame_like, canfd_frame, type canfd_frame_like } from './can.js';
export {
  type ControlValues,
  type DecodedControl,
  decode_control,
  type EncodableControl,
  encode_control,
  type KnownControl,
  type UnknownControl,
} from './control.js';
export { type hardware_address, ifreq, type ifreq_like } from './ifreq.js';
export {
  in_pktinfo,
  in6_pktinfo,
  scm_timestamping,
  type scm_timestamping_like,
  sock_extended_err,
  type sock_extended_err_like,
  tpacket_auxdata,
} from './messages.js';
export {
  ifaddrmsg,
  ifinfomsg,
  ndmsg,
  nlattr,
  type nlattr_like,
  nlmsghdr,
  type nlmsghdr_like,
  rtmsg,
} from './netlink.js';
export {
  group_req,
  type group_req_like,
  group_source_req,
  type group_source_req_like,
  ip_mreq,
  ip_mreq_source,
  ip_mreqn,
  ipv6_mreq,
  linger,
  packet_mreq,
  type packet_mreq_like,
  sock_filter,
  tcp_md5sig,
  type tcp_md5sig_like,
  timespec,
  timeval,
  tpacket_stats,
  tpacket_stats_v3,
  ucred,
} from './options.js';
export type { Encodable, Struct, StructAddress, StructAddressLike } from './struct.js';
export { tcp_info } from './tcp_info.js';
