// Addresses of AF_BLUETOOTH. The protocol decides their form: L2CAP [bdaddr, psm, cid = 0, bdaddr_type = 0],
// RFCOMM [bdaddr, channel], HCI [device_id, channel = 0], SCO bdaddr.
//
// The structs are declared here as BlueZ declares them, because few machines have its headers. The layout is
// part of the kernel's ABI.
#ifndef BSD_SOCKETS_ADDRESS_BLUETOOTH_H_
#define BSD_SOCKETS_ADDRESS_BLUETOOTH_H_

#include "address.h"

namespace bsd_sockets {

// Bytes that every form has: the family and two bytes of the first field.
constexpr size_t kSmallestBluetooth = 4;

// Returns the length of the address, or -errno.
int EncodeBluetooth(int protocol, const AddressFields& fields, Address* address);
napi_value DecodeBluetooth(napi_env env, const sockaddr* address, socklen_t length, int protocol);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_ADDRESS_BLUETOOTH_H_
