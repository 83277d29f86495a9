// Addresses of the families that only some kernels have: NETLINK, PACKET, VSOCK, CAN, TIPC, ALG, QIPCRTR,
// BLUETOOTH. See address.h.
//
// RDS has addresses of INET, in address.cc; Bluetooth's encoder and decoder are in address_bluetooth.cc.
//
// A family is a row of the table at the end. Fields come in the order of the tuples in README.md, checked by
// lib/calls/address.ts. An interface is given by its name, as in Python, and looked up here.
#include <errno.h>
#include <sys/socket.h>
// The headers of older kernels need the types of the headers above.
#include <linux/can.h>
#include <linux/if_alg.h>
#include <linux/netlink.h>
#include <linux/qrtr.h>
#include <linux/tipc.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stddef.h>
#include <string.h>

#include <algorithm>

#include "address.h"
#include "address_bluetooth.h"

namespace bsd_sockets {
namespace {

// Looks up an interface by its name. 0 or -ENODEV.
int InterfaceIndex(const std::string& name, int* index) {
  // The kernel compares at most IFNAMSIZ bytes, so a longer name would match an interface of its first bytes.
  unsigned int found = name.length() < IFNAMSIZ ? if_nametoindex(name.c_str()) : 0;
  if (found == 0) return -ENODEV;
  *index = static_cast<int>(found);
  return 0;
}

// The name is empty for index 0 (every interface) and for an interface that is gone.
napi_value InterfaceName(napi_env env, int index) {
  char name[IF_NAMESIZE] = "";
  if (index != 0) if_indextoname(static_cast<unsigned int>(index), name);
  return MakeString(env, name, strnlen(name, sizeof name));
}

int EncodeNetlink(int, const AddressFields& fields, Address* address) {
  auto* netlink = reinterpret_cast<sockaddr_nl*>(&address->storage);
  netlink->nl_pid = fields.Uint(0);
  netlink->nl_groups = fields.Uint(1);
  return sizeof *netlink;
}

napi_value DecodeNetlink(napi_env env, const sockaddr* address, socklen_t, int) {
  auto* netlink = reinterpret_cast<const sockaddr_nl*>(address);
  return MakeArray(env, {MakeUint(env, netlink->nl_pid), MakeUint(env, netlink->nl_groups)});
}

int EncodePacket(int, const AddressFields& fields, Address* address) {
  auto* packet = reinterpret_cast<sockaddr_ll*>(&address->storage);
  int error = InterfaceIndex(fields.String(0), &packet->sll_ifindex);
  if (error != 0) return error;
  packet->sll_protocol = htons(static_cast<uint16_t>(fields.Uint(1)));
  packet->sll_pkttype = static_cast<uint8_t>(fields.Uint(2));
  packet->sll_hatype = static_cast<uint16_t>(fields.Uint(3));
  size_t length = fields.Bytes(4, packet->sll_addr, sizeof packet->sll_addr);
  if (length > sizeof packet->sll_addr) return -EINVAL;
  packet->sll_halen = static_cast<uint8_t>(length);
  return sizeof *packet;
}

// The hardware address may be longer than the field of the struct (InfiniBand), up to the length that the
// kernel wrote.
napi_value DecodePacket(napi_env env, const sockaddr* address, socklen_t length, int) {
  auto* packet = reinterpret_cast<const sockaddr_ll*>(address);
  size_t written = length - offsetof(sockaddr_ll, sll_addr);
  const char* hardware = reinterpret_cast<const char*>(address) + offsetof(sockaddr_ll, sll_addr);
  return MakeArray(env, {InterfaceName(env, packet->sll_ifindex), MakeUint(env, ntohs(packet->sll_protocol)),
                         MakeUint(env, packet->sll_pkttype), MakeUint(env, packet->sll_hatype),
                         MakeBuffer(env, hardware, std::min<size_t>(packet->sll_halen, written))});
}

int EncodeVsock(int, const AddressFields& fields, Address* address) {
  auto* vsock = reinterpret_cast<sockaddr_vm*>(&address->storage);
  vsock->svm_cid = fields.Uint(0);
  vsock->svm_port = fields.Uint(1);
  return sizeof *vsock;
}

napi_value DecodeVsock(napi_env env, const sockaddr* address, socklen_t, int) {
  auto* vsock = reinterpret_cast<const sockaddr_vm*>(address);
  return MakeArray(env, {MakeUint(env, vsock->svm_cid), MakeUint(env, vsock->svm_port)});
}

int EncodeCan(int protocol, const AddressFields& fields, Address* address) {
  auto* can = reinterpret_cast<sockaddr_can*>(&address->storage);
  std::string interface = fields.String(0);
  // An empty name stands for every interface.
  int error = interface.empty() ? 0 : InterfaceIndex(interface, &can->can_ifindex);
  if (error != 0) return error;
  switch (protocol) {
    case CAN_RAW:
    case CAN_BCM:
      return sizeof *can;
    case CAN_ISOTP:
      can->can_addr.tp.rx_id = fields.Uint(1);
      can->can_addr.tp.tx_id = fields.Uint(2);
      return sizeof *can;
    case CAN_J1939:
      can->can_addr.j1939.name = fields.Uint64(1);
      can->can_addr.j1939.pgn = fields.Uint(2);
      can->can_addr.j1939.addr = static_cast<uint8_t>(fields.Uint(3));
      return sizeof *can;
  }
  return -EPROTONOSUPPORT;
}

// Raw and BCM sockets write the struct only up to the interface.
napi_value DecodeCan(napi_env env, const sockaddr* address, socklen_t, int protocol) {
  auto* can = reinterpret_cast<const sockaddr_can*>(address);
  napi_value interface = InterfaceName(env, can->can_ifindex);
  switch (protocol) {
    case CAN_ISOTP:
      return MakeArray(
          env, {interface, MakeUint(env, can->can_addr.tp.rx_id), MakeUint(env, can->can_addr.tp.tx_id)});
    case CAN_J1939:
      return MakeArray(
          env, {interface, MakeUint64(env, can->can_addr.j1939.name), MakeUint(env, can->can_addr.j1939.pgn),
                MakeUint(env, can->can_addr.j1939.addr)});
  }
  return MakeArray(env, {interface});
}

int EncodeTipc(int, const AddressFields& fields, Address* address) {
  auto* tipc = reinterpret_cast<sockaddr_tipc*>(&address->storage);
  uint32_t kind = fields.Uint(0);
  tipc->addrtype = static_cast<uint8_t>(kind);
  tipc->scope = static_cast<signed char>(fields.Uint(4));
  switch (kind) {
    case TIPC_ADDR_NAMESEQ:
      tipc->addr.nameseq.type = fields.Uint(1);
      tipc->addr.nameseq.lower = fields.Uint(2);
      tipc->addr.nameseq.upper = fields.Uint(3);
      return sizeof *tipc;
    case TIPC_ADDR_NAME:
      tipc->addr.name.name.type = fields.Uint(1);
      tipc->addr.name.name.instance = fields.Uint(2);
      return sizeof *tipc;
    case TIPC_ADDR_ID:
      tipc->addr.id.node = fields.Uint(1);
      tipc->addr.id.ref = fields.Uint(2);
      return sizeof *tipc;
  }
  return -EINVAL;
}

// The value has three numbers for every kind: as in Python, the instance of a name comes twice and the last
// number of an id is zero.
napi_value DecodeTipc(napi_env env, const sockaddr* address, socklen_t, int) {
  auto* tipc = reinterpret_cast<const sockaddr_tipc*>(address);
  uint32_t values[3] = {};
  switch (tipc->addrtype) {
    case TIPC_ADDR_NAMESEQ:
      values[0] = tipc->addr.nameseq.type;
      values[1] = tipc->addr.nameseq.lower;
      values[2] = tipc->addr.nameseq.upper;
      break;
    case TIPC_ADDR_NAME:
      values[0] = tipc->addr.name.name.type;
      values[1] = values[2] = tipc->addr.name.name.instance;
      break;
    case TIPC_ADDR_ID:
      values[0] = tipc->addr.id.node;
      values[1] = tipc->addr.id.ref;
      break;
    default:
      return MakeBuffer(env, address, sizeof *tipc);
  }
  return MakeArray(env, {MakeUint(env, tipc->addrtype), MakeUint(env, values[0]), MakeUint(env, values[1]),
                         MakeUint(env, values[2]), MakeUint(env, static_cast<uint8_t>(tipc->scope))});
}

// Each text ends with a zero byte inside its field.
int EncodeAlg(int, const AddressFields& fields, Address* address) {
  auto* alg = reinterpret_cast<sockaddr_alg*>(&address->storage);
  std::string type = fields.String(0), name = fields.String(1);
  if (type.length() >= sizeof alg->salg_type || name.length() >= sizeof alg->salg_name) return -EINVAL;
  memcpy(alg->salg_type, type.data(), type.length());
  memcpy(alg->salg_name, name.data(), name.length());
  alg->salg_feat = fields.Uint(2);
  alg->salg_mask = fields.Uint(3);
  return sizeof *alg;
}

napi_value DecodeAlg(napi_env env, const sockaddr* address, socklen_t, int) {
  auto* alg = reinterpret_cast<const sockaddr_alg*>(address);
  const char* type = reinterpret_cast<const char*>(alg->salg_type);
  const char* name = reinterpret_cast<const char*>(alg->salg_name);
  return MakeArray(env, {MakeString(env, type, strnlen(type, sizeof alg->salg_type)),
                         MakeString(env, name, strnlen(name, sizeof alg->salg_name)),
                         MakeUint(env, alg->salg_feat), MakeUint(env, alg->salg_mask)});
}

int EncodeQipcrtr(int, const AddressFields& fields, Address* address) {
  auto* qrtr = reinterpret_cast<sockaddr_qrtr*>(&address->storage);
  qrtr->sq_node = fields.Uint(0);
  qrtr->sq_port = fields.Uint(1);
  return sizeof *qrtr;
}

napi_value DecodeQipcrtr(napi_env env, const sockaddr* address, socklen_t, int) {
  auto* qrtr = reinterpret_cast<const sockaddr_qrtr*>(address);
  return MakeArray(env, {MakeUint(env, qrtr->sq_node), MakeUint(env, qrtr->sq_port)});
}

struct Family {
  int number;
  size_t smallest;  // bytes of the sockaddr that the decoder needs
  int (*encode)(int protocol, const AddressFields& fields, Address* address);  // -> the length, or -errno
  napi_value (*decode)(napi_env env, const sockaddr* address, socklen_t length, int protocol);
};

constexpr Family kFamilies[] = {
    {AF_NETLINK, sizeof(sockaddr_nl), EncodeNetlink, DecodeNetlink},
    {AF_PACKET, offsetof(sockaddr_ll, sll_addr), EncodePacket, DecodePacket},
    {AF_VSOCK, sizeof(sockaddr_vm), EncodeVsock, DecodeVsock},
    {AF_CAN, offsetof(sockaddr_can, can_addr), EncodeCan, DecodeCan},
    {AF_TIPC, sizeof(sockaddr_tipc), EncodeTipc, DecodeTipc},
    {AF_ALG, sizeof(sockaddr_alg), EncodeAlg, DecodeAlg},
    {AF_QIPCRTR, sizeof(sockaddr_qrtr), EncodeQipcrtr, DecodeQipcrtr},
    {AF_BLUETOOTH, kSmallestBluetooth, EncodeBluetooth, DecodeBluetooth},
};

const Family* Find(int number) {
  for (const Family& family : kFamilies) {
    if (family.number == number) return &family;
  }
  return nullptr;
}

}  // namespace

int EncodeLinuxAddress(int family, int protocol, const AddressFields& fields, Address* address) {
  const Family* found = Find(family);
  if (found == nullptr) return -EAFNOSUPPORT;
  address->header.sa_family = static_cast<sa_family_t>(family);
  int length = found->encode(protocol, fields, address);
  if (length < 0) return length;
  address->length = static_cast<socklen_t>(length);
  return 0;
}

napi_value DecodeLinuxAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol,
                              bool* known) {
  const Family* found = Find(address->sa_family);
  *known = found != nullptr && length >= found->smallest;
  return *known ? found->decode(env, address, length, protocol) : nullptr;
}

}  // namespace bsd_sockets
