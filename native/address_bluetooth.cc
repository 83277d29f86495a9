// AF_BLUETOOTH addresses. See address_bluetooth.h.
#include "address_bluetooth.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

namespace bsd_sockets {
namespace {

constexpr int kL2cap = 0, kHci = 1, kSco = 2, kRfcomm = 3;  // BTPROTO_*

// The octets of a device address; the last octet of the text comes first.
struct DeviceAddress {
  uint8_t octets[6];
};

struct sockaddr_l2 {
  sa_family_t l2_family;
  uint16_t l2_psm;  // little-endian, as is l2_cid
  DeviceAddress l2_bdaddr;
  uint16_t l2_cid;
  uint8_t l2_bdaddr_type;
};

struct sockaddr_hci {
  sa_family_t hci_family;
  uint16_t hci_dev;
  uint16_t hci_channel;
};

struct sockaddr_sco {
  sa_family_t sco_family;
  DeviceAddress sco_bdaddr;
};

struct sockaddr_rc {
  sa_family_t rc_family;
  DeviceAddress rc_bdaddr;
  uint8_t rc_channel;
};

int HexDigit(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'A' && character <= 'F') return character - 'A' + 10;
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

// Parses six octets of one or two digits, with colons between them.
bool ParseDeviceAddress(const std::string& text, DeviceAddress* out) {
  const char* next = text.c_str();
  for (int i = 5; i >= 0; i--) {
    int value = HexDigit(*next++);
    if (value < 0) return false;
    if (HexDigit(*next) >= 0) value = value * 16 + HexDigit(*next++);
    out->octets[i] = static_cast<uint8_t>(value);
    if (*next++ != (i > 0 ? ':' : '\0')) return false;
  }
  return true;
}

napi_value MakeDeviceAddress(napi_env env, const DeviceAddress& device) {
  char text[18];
  const uint8_t* octets = device.octets;
  snprintf(text, sizeof text, "%02X:%02X:%02X:%02X:%02X:%02X", octets[5], octets[4], octets[3], octets[2],
           octets[1], octets[0]);
  return MakeString(env, text, strlen(text));
}

int EncodeL2cap(const AddressFields& fields, Address* address) {
  auto* l2 = reinterpret_cast<sockaddr_l2*>(&address->storage);
  if (!ParseDeviceAddress(fields.String(0), &l2->l2_bdaddr)) return -EINVAL;
  l2->l2_psm = htole16(static_cast<uint16_t>(fields.Uint(1)));
  l2->l2_cid = htole16(static_cast<uint16_t>(fields.Uint(2)));
  l2->l2_bdaddr_type = static_cast<uint8_t>(fields.Uint(3));
  return sizeof *l2;
}

// An L2CAP address is a pair, as in Python: without the channel id that the kernel chooses for a classic
// connection. A low-energy address has two more fields, as in Python 3.14.
napi_value DecodeL2cap(napi_env env, const sockaddr_l2* l2) {
  napi_value device = MakeDeviceAddress(env, l2->l2_bdaddr);
  napi_value psm = MakeUint(env, le16toh(l2->l2_psm));
  if (l2->l2_bdaddr_type == 0) return MakeArray(env, {device, psm});
  return MakeArray(env, {device, psm, MakeUint(env, le16toh(l2->l2_cid)), MakeUint(env, l2->l2_bdaddr_type)});
}

// An HCI address without a channel is the number of the device, as in Python.
napi_value DecodeHci(napi_env env, const sockaddr_hci* hci) {
  napi_value device = MakeUint(env, hci->hci_dev);
  return hci->hci_channel == 0 ? device : MakeArray(env, {device, MakeUint(env, hci->hci_channel)});
}

}  // namespace

int EncodeBluetooth(int protocol, const AddressFields& fields, Address* address) {
  switch (protocol) {
    case kL2cap:
      return EncodeL2cap(fields, address);
    case kRfcomm: {
      auto* rc = reinterpret_cast<sockaddr_rc*>(&address->storage);
      if (!ParseDeviceAddress(fields.String(0), &rc->rc_bdaddr)) return -EINVAL;
      rc->rc_channel = static_cast<uint8_t>(fields.Uint(1));
      return sizeof *rc;
    }
    case kHci: {
      auto* hci = reinterpret_cast<sockaddr_hci*>(&address->storage);
      hci->hci_dev = static_cast<uint16_t>(fields.Uint(0));
      hci->hci_channel = static_cast<uint16_t>(fields.Uint(1));
      return sizeof *hci;
    }
    case kSco: {
      auto* sco = reinterpret_cast<sockaddr_sco*>(&address->storage);
      if (!ParseDeviceAddress(fields.String(0), &sco->sco_bdaddr)) return -EINVAL;
      return sizeof *sco;
    }
  }
  return -EPROTONOSUPPORT;
}

// An address that is shorter than its form comes back as bytes.
napi_value DecodeBluetooth(napi_env env, const sockaddr* address, socklen_t length, int protocol) {
  switch (protocol) {
    case kL2cap:
      if (length < sizeof(sockaddr_l2)) break;
      return DecodeL2cap(env, reinterpret_cast<const sockaddr_l2*>(address));
    case kRfcomm: {
      if (length < sizeof(sockaddr_rc)) break;
      auto* rc = reinterpret_cast<const sockaddr_rc*>(address);
      return MakeArray(env, {MakeDeviceAddress(env, rc->rc_bdaddr), MakeUint(env, rc->rc_channel)});
    }
    case kHci:
      if (length < sizeof(sockaddr_hci)) break;
      return DecodeHci(env, reinterpret_cast<const sockaddr_hci*>(address));
    case kSco:
      if (length < sizeof(sockaddr_sco)) break;
      return MakeDeviceAddress(env, reinterpret_cast<const sockaddr_sco*>(address)->sco_bdaddr);
  }
  return MakeBuffer(env, address, length);
}

}  // namespace bsd_sockets
