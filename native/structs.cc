// The layouts of the C structs that socket options, control messages and netlink carry, for lib/structs: the
// compiler takes offsets, sizes and signs from the headers. JavaScript reads them once.
//
// A struct has its C name, a field its C name without the prefix of the struct. Some structs grow: newer
// fields than those of the headers are declared here, and compared with the headers if these have them.
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
// These headers use types of the libc headers above.
#include <linux/can.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/tcp.h>
#include <node_api.h>

#include <cstdint>
#include <type_traits>

#include "calls.h"
#include "values.h"

namespace bsd_sockets {
namespace {

// struct tcp_info of Linux 6.18, and the last word as Linux 7.0 has it.
struct TcpInfo {
  uint8_t tcpi_state, tcpi_ca_state, tcpi_retransmits, tcpi_probes, tcpi_backoff, tcpi_options;
  uint8_t tcpi_snd_wscale : 4, tcpi_rcv_wscale : 4;
  uint8_t tcpi_delivery_rate_app_limited : 1, tcpi_fastopen_client_fail : 2;
  uint32_t tcpi_rto, tcpi_ato, tcpi_snd_mss, tcpi_rcv_mss;
  uint32_t tcpi_unacked, tcpi_sacked, tcpi_lost, tcpi_retrans, tcpi_fackets;
  uint32_t tcpi_last_data_sent, tcpi_last_ack_sent, tcpi_last_data_recv, tcpi_last_ack_recv;
  uint32_t tcpi_pmtu, tcpi_rcv_ssthresh, tcpi_rtt, tcpi_rttvar, tcpi_snd_ssthresh, tcpi_snd_cwnd, tcpi_advmss;
  uint32_t tcpi_reordering, tcpi_rcv_rtt, tcpi_rcv_space, tcpi_total_retrans;
  __u64 tcpi_pacing_rate, tcpi_max_pacing_rate, tcpi_bytes_acked, tcpi_bytes_received;
  uint32_t tcpi_segs_out, tcpi_segs_in, tcpi_notsent_bytes, tcpi_min_rtt, tcpi_data_segs_in,
      tcpi_data_segs_out;
  __u64 tcpi_delivery_rate, tcpi_busy_time, tcpi_rwnd_limited, tcpi_sndbuf_limited;
  uint32_t tcpi_delivered, tcpi_delivered_ce;
  __u64 tcpi_bytes_sent, tcpi_bytes_retrans;
  uint32_t tcpi_dsack_dups, tcpi_reord_seen, tcpi_rcv_ooopack, tcpi_snd_wnd, tcpi_rcv_wnd, tcpi_rehash;
  uint16_t tcpi_total_rto, tcpi_total_rto_recoveries;
  uint32_t tcpi_total_rto_time, tcpi_received_ce;
  uint32_t tcpi_delivered_e1_bytes, tcpi_delivered_e0_bytes, tcpi_delivered_ce_bytes;
  uint32_t tcpi_received_e1_bytes, tcpi_received_e0_bytes, tcpi_received_ce_bytes;
  union {
    struct {
      uint16_t tcpi_accecn_fail_mode, tcpi_accecn_opt_seen;
    } linux_6_18;
    struct {
      uint32_t tcpi_ecn_mode : 2, tcpi_accecn_opt_seen : 2, tcpi_accecn_fail_mode : 4, tcpi_options2 : 24;
    } linux_7_0;
  };
};

// The fields of TcpInfo that have an offset. (clang-format never ends laying it out anew.)
// clang-format off
#define BSD_SOCKETS_TCP_INFO(X)                                                                         \
  X(state) X(ca_state) X(retransmits) X(probes) X(backoff) X(options) X(rto) X(ato) X(snd_mss)          \
  X(rcv_mss) X(unacked) X(sacked) X(lost) X(retrans) X(fackets) X(last_data_sent) X(last_ack_sent)      \
  X(last_data_recv) X(last_ack_recv) X(pmtu) X(rcv_ssthresh) X(rtt) X(rttvar) X(snd_ssthresh)           \
  X(snd_cwnd) X(advmss) X(reordering) X(rcv_rtt) X(rcv_space) X(total_retrans) X(pacing_rate)           \
  X(max_pacing_rate) X(bytes_acked) X(bytes_received) X(segs_out) X(segs_in) X(notsent_bytes)           \
  X(min_rtt) X(data_segs_in) X(data_segs_out) X(delivery_rate) X(busy_time) X(rwnd_limited)             \
  X(sndbuf_limited) X(delivered) X(delivered_ce) X(bytes_sent) X(bytes_retrans) X(dsack_dups)           \
  X(reord_seen) X(rcv_ooopack) X(snd_wnd) X(rcv_wnd) X(rehash) X(total_rto) X(total_rto_recoveries)     \
  X(total_rto_time) X(received_ce) X(delivered_e1_bytes) X(delivered_e0_bytes) X(delivered_ce_bytes)    \
  X(received_e1_bytes) X(received_e0_bytes) X(received_ce_bytes)
// clang-format on

// Asserts that the fields that the headers know stand at the same offset in TcpInfo.
#define BSD_SOCKETS_SAME(name)                                             \
  template <typename T>                                                    \
  constexpr auto Same_##name(int)->decltype((void)&T::tcpi_##name, true) { \
    return offsetof(T, tcpi_##name) == offsetof(TcpInfo, tcpi_##name) &&   \
           sizeof(T::tcpi_##name) == sizeof(TcpInfo::tcpi_##name);         \
  }                                                                        \
  template <typename T>                                                    \
  constexpr bool Same_##name(...) {                                        \
    return true;                                                           \
  }                                                                        \
  static_assert(Same_##name<tcp_info>(0), "tcpi_" #name " stands elsewhere in linux/tcp.h");
BSD_SOCKETS_TCP_INFO(BSD_SOCKETS_SAME)
#undef BSD_SOCKETS_SAME

// A struct (`field` is null), or a field of the struct above it.
struct Row {
  const char* structure;
  const char* field;
  uint32_t offset;
  uint32_t size;
  bool is_signed;
  // For a bit field: sets all its bits in zeroed memory. Offset and size are those of the unit that has the
  // bits.
  void (*fill)(void* memory);
};

#define STRUCT(name, type) {#name, nullptr, 0, sizeof(type), false, nullptr},
#define FIELD(type, prefix, name)                  \
  {nullptr,                                        \
   #name,                                          \
   offsetof(type, prefix##name),                   \
   sizeof(type::prefix##name),                     \
   std::is_signed_v<decltype(type::prefix##name)>, \
   nullptr},
#define BITS(type, unit, path, prefix, name) \
  {nullptr,      #name, 0,                   \
   sizeof(unit), false, [](void* memory) { --static_cast<type*>(memory)->path prefix##name; }},
#define TCP_FIELD(name) FIELD(TcpInfo, tcpi_, name)
// clang-format off
const Row kRows[] = {
  STRUCT(linger, struct linger) FIELD(linger, l_, onoff) FIELD(linger, l_, linger)
  STRUCT(timeval, timeval) FIELD(timeval, tv_, sec) FIELD(timeval, tv_, usec)
  STRUCT(timespec, timespec) FIELD(timespec, tv_, sec) FIELD(timespec, tv_, nsec)
  STRUCT(ucred, ucred) FIELD(ucred, , pid) FIELD(ucred, , uid) FIELD(ucred, , gid)

  STRUCT(ip_mreq, ip_mreq) FIELD(ip_mreq, imr_, multiaddr) FIELD(ip_mreq, imr_, interface)
  STRUCT(ip_mreqn, ip_mreqn)
    FIELD(ip_mreqn, imr_, multiaddr) FIELD(ip_mreqn, imr_, address) FIELD(ip_mreqn, imr_, ifindex)
  STRUCT(ip_mreq_source, ip_mreq_source)
    FIELD(ip_mreq_source, imr_, multiaddr) FIELD(ip_mreq_source, imr_, interface)
    FIELD(ip_mreq_source, imr_, sourceaddr)
  STRUCT(ipv6_mreq, ipv6_mreq) FIELD(ipv6_mreq, ipv6mr_, multiaddr) FIELD(ipv6_mreq, ipv6mr_, interface)
  STRUCT(group_req, group_req) FIELD(group_req, gr_, interface) FIELD(group_req, gr_, group)
  STRUCT(group_source_req, group_source_req)
    FIELD(group_source_req, gsr_, interface) FIELD(group_source_req, gsr_, group)
    FIELD(group_source_req, gsr_, source)

  STRUCT(in_pktinfo, in_pktinfo)
    FIELD(in_pktinfo, ipi_, ifindex) FIELD(in_pktinfo, ipi_, spec_dst) FIELD(in_pktinfo, ipi_, addr)
  STRUCT(in6_pktinfo, in6_pktinfo) FIELD(in6_pktinfo, ipi6_, addr) FIELD(in6_pktinfo, ipi6_, ifindex)
  STRUCT(sock_extended_err, sock_extended_err)
    FIELD(sock_extended_err, ee_, errno) FIELD(sock_extended_err, ee_, origin)
    FIELD(sock_extended_err, ee_, type) FIELD(sock_extended_err, ee_, code)
    FIELD(sock_extended_err, ee_, info) FIELD(sock_extended_err, ee_, data)
  STRUCT(scm_timestamping, scm_timestamping) FIELD(scm_timestamping, , ts)

  STRUCT(ifreq, ifreq)
    FIELD(ifreq, ifr_, name) FIELD(ifreq, ifr_, addr) FIELD(ifreq, ifr_, dstaddr) FIELD(ifreq, ifr_, broadaddr)
    FIELD(ifreq, ifr_, netmask) FIELD(ifreq, ifr_, hwaddr) FIELD(ifreq, ifr_, ifindex) FIELD(ifreq, ifr_, metric)
    FIELD(ifreq, ifr_, mtu) FIELD(ifreq, ifr_, qlen) FIELD(ifreq, ifr_, newname)
    // The C struct has a short; IFF_DYNAMIC is its sign.
    {nullptr, "flags", offsetof(ifreq, ifr_flags), sizeof(short), false, nullptr},
  STRUCT(sockaddr, sockaddr) FIELD(sockaddr, sa_, family) FIELD(sockaddr, sa_, data)

  STRUCT(tcp_md5sig, tcp_md5sig)
    FIELD(tcp_md5sig, tcpm_, addr) FIELD(tcp_md5sig, tcpm_, flags) FIELD(tcp_md5sig, tcpm_, prefixlen)
    FIELD(tcp_md5sig, tcpm_, keylen) FIELD(tcp_md5sig, tcpm_, ifindex) FIELD(tcp_md5sig, tcpm_, key)
  STRUCT(tcp_info, TcpInfo) BSD_SOCKETS_TCP_INFO(TCP_FIELD)
    BITS(TcpInfo, uint8_t, , tcpi_, snd_wscale) BITS(TcpInfo, uint8_t, , tcpi_, rcv_wscale)
    BITS(TcpInfo, uint8_t, , tcpi_, delivery_rate_app_limited)
    BITS(TcpInfo, uint8_t, , tcpi_, fastopen_client_fail)
  STRUCT(tcp_info_6_18, TcpInfo)
    FIELD(TcpInfo, linux_6_18.tcpi_, accecn_fail_mode) FIELD(TcpInfo, linux_6_18.tcpi_, accecn_opt_seen)
  STRUCT(tcp_info_7_0, TcpInfo)
    BITS(TcpInfo, uint32_t, linux_7_0., tcpi_, ecn_mode)
    BITS(TcpInfo, uint32_t, linux_7_0., tcpi_, accecn_opt_seen)
    BITS(TcpInfo, uint32_t, linux_7_0., tcpi_, accecn_fail_mode)
    BITS(TcpInfo, uint32_t, linux_7_0., tcpi_, options2)

  STRUCT(sock_filter, sock_filter)
    FIELD(sock_filter, , code) FIELD(sock_filter, , jt) FIELD(sock_filter, , jf) FIELD(sock_filter, , k)
  STRUCT(packet_mreq, packet_mreq)
    FIELD(packet_mreq, mr_, ifindex) FIELD(packet_mreq, mr_, type) FIELD(packet_mreq, mr_, alen)
    FIELD(packet_mreq, mr_, address)
  STRUCT(tpacket_stats, tpacket_stats) FIELD(tpacket_stats, tp_, packets) FIELD(tpacket_stats, tp_, drops)
  STRUCT(tpacket_stats_v3, tpacket_stats_v3)
    FIELD(tpacket_stats_v3, tp_, packets) FIELD(tpacket_stats_v3, tp_, drops)
    FIELD(tpacket_stats_v3, tp_, freeze_q_cnt)
  STRUCT(tpacket_auxdata, tpacket_auxdata)
    FIELD(tpacket_auxdata, tp_, status) FIELD(tpacket_auxdata, tp_, len) FIELD(tpacket_auxdata, tp_, snaplen)
    FIELD(tpacket_auxdata, tp_, mac) FIELD(tpacket_auxdata, tp_, net) FIELD(tpacket_auxdata, tp_, vlan_tci)
    FIELD(tpacket_auxdata, tp_, vlan_tpid)

  STRUCT(can_frame, can_frame)
    FIELD(can_frame, , can_id) FIELD(can_frame, , data)
    // Headers before 5.11 have can_dlc alone, and padding in place of len8_dlc.
    {nullptr, "len", offsetof(can_frame, can_dlc), sizeof(can_frame::can_dlc), false, nullptr},
    {nullptr, "len8_dlc", offsetof(can_frame, data) - 1, 1, false, nullptr},
  STRUCT(canfd_frame, canfd_frame)
    FIELD(canfd_frame, , can_id) FIELD(canfd_frame, , len) FIELD(canfd_frame, , flags)
    FIELD(canfd_frame, , data)

  STRUCT(nlmsghdr, nlmsghdr)
    FIELD(nlmsghdr, nlmsg_, len) FIELD(nlmsghdr, nlmsg_, type) FIELD(nlmsghdr, nlmsg_, flags)
    FIELD(nlmsghdr, nlmsg_, seq) FIELD(nlmsghdr, nlmsg_, pid)
  STRUCT(nlattr, nlattr) FIELD(nlattr, nla_, len) FIELD(nlattr, nla_, type)
  STRUCT(ifinfomsg, ifinfomsg)
    FIELD(ifinfomsg, ifi_, family) FIELD(ifinfomsg, ifi_, type) FIELD(ifinfomsg, ifi_, index)
    FIELD(ifinfomsg, ifi_, flags) FIELD(ifinfomsg, ifi_, change)
  STRUCT(ifaddrmsg, ifaddrmsg)
    FIELD(ifaddrmsg, ifa_, family) FIELD(ifaddrmsg, ifa_, prefixlen) FIELD(ifaddrmsg, ifa_, flags)
    FIELD(ifaddrmsg, ifa_, scope) FIELD(ifaddrmsg, ifa_, index)
  STRUCT(rtmsg, rtmsg)
    FIELD(rtmsg, rtm_, family) FIELD(rtmsg, rtm_, dst_len) FIELD(rtmsg, rtm_, src_len)
    FIELD(rtmsg, rtm_, tos) FIELD(rtmsg, rtm_, table) FIELD(rtmsg, rtm_, protocol) FIELD(rtmsg, rtm_, scope)
    FIELD(rtmsg, rtm_, type) FIELD(rtmsg, rtm_, flags)
  STRUCT(ndmsg, ndmsg)
    FIELD(ndmsg, ndm_, family) FIELD(ndmsg, ndm_, ifindex) FIELD(ndmsg, ndm_, state)
    FIELD(ndmsg, ndm_, flags) FIELD(ndmsg, ndm_, type)
};
// clang-format on
#undef TCP_FIELD
#undef BITS
#undef FIELD
#undef STRUCT

uint64_t Load(const uint8_t* at, size_t size) {
  if (size == 1) return *at;
  uint32_t word;
  memcpy(&word, at, sizeof word);
  return word;
}

// Returns [offset, size, signed, shift, width]; shift and width are 0 unless the field is a bit field.
napi_value Layout(napi_env env, const Row& row) {
  uint32_t offset = row.offset, shift = 0, width = 0;
  if (row.fill != nullptr) {
    alignas(max_align_t) uint8_t memory[sizeof(TcpInfo)] = {};
    row.fill(memory);
    while (Load(memory + offset, row.size) == 0) offset += row.size;
    uint64_t bits = Load(memory + offset, row.size);
    shift = static_cast<uint32_t>(__builtin_ctzll(bits));
    width = static_cast<uint32_t>(__builtin_popcountll(bits));
  }
  return MakeArray(env, {MakeUint(env, offset), MakeUint(env, row.size), MakeUint(env, row.is_signed),
                         MakeUint(env, shift), MakeUint(env, width)});
}

}  // namespace

// structs() -> { linger: { size, fields: { onoff: [offset, size, signed, shift, width], … } }, … }
napi_value Structs(napi_env env, napi_callback_info info) {
  // Each step fails if the environment is stopping.
  auto set = [&](napi_value object, const char* name, napi_value value) {
    return value != nullptr && napi_set_named_property(env, object, name, value) == napi_ok;
  };
  napi_value structs, structure, fields = nullptr;
  if (napi_create_object(env, &structs) != napi_ok) return nullptr;
  for (const Row& row : kRows) {
    if (row.field != nullptr) {
      if (!set(fields, row.field, Layout(env, row))) return nullptr;
      continue;
    }
    if (napi_create_object(env, &structure) != napi_ok || napi_create_object(env, &fields) != napi_ok ||
        !set(structure, "size", MakeUint(env, row.size)) || !set(structure, "fields", fields) ||
        !set(structs, row.structure, structure)) {
      return nullptr;
    }
  }
  return structs;
}

}  // namespace bsd_sockets
