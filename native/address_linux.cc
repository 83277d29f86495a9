// Addresses of the families that only some kernels have. See address.h.
#include <errno.h>

#include "address.h"

namespace bsd_sockets {

int EncodeLinuxAddress(int family, int protocol, const AddressFields& fields, Address* address) {
  return -EAFNOSUPPORT;
}

napi_value DecodeLinuxAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol,
                              bool* known) {
  *known = false;
  return nullptr;
}

}  // namespace bsd_sockets
