// AF_BLUETOOTH addresses, whose form follows from the protocol: L2CAP [bdaddr, psm, cid = 0, bdaddr_type =
// 0], RFCOMM [bdaddr, channel], HCI [device_id, channel = 0], SCO bdaddr.
//
// The structs are BlueZ's, written out because its headers are on few machines; the ABI is the kernel's.
#ifndef BSD_SOCKETS_ADDRESS_BLUETOOTH_H_
#define BSD_SOCKETS_ADDRESS_BLUETOOTH_H_

#include "address.h"

namespace bsd_sockets {

// What every form has: the family and the first field of two bytes.
constexpr size_t kSmallestBluetooth = 4;

// The length of the address, or -errno.
int EncodeBluetooth(int protocol, const AddressFields& fields, Address* address);
napi_value DecodeBluetooth(napi_env env, const sockaddr* address, socklen_t length, int protocol);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_ADDRESS_BLUETOOTH_H_
