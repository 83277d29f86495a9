// Addresses of the families that every Linux has (INET, INET6, UNIX) and of RDS, which has those of INET; the
// raw form of each family that has no other form, here or in address_linux.cc. See address.h.
#include "address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/un.h>

#include <algorithm>

#include "arguments.h"

namespace bsd_sockets {
namespace {

int EncodeInet(const AddressFields& fields, Address* address) {
  auto* inet = reinterpret_cast<sockaddr_in*>(&address->storage);
  inet->sin_family = AF_INET;
  if (inet_pton(AF_INET, fields.String(0).c_str(), &inet->sin_addr) != 1) return -ENOENT;
  inet->sin_port = htons(static_cast<uint16_t>(fields.Uint(1)));
  address->length = sizeof *inet;
  return 0;
}

int EncodeInet6(const AddressFields& fields, Address* address) {
  auto* inet6 = reinterpret_cast<sockaddr_in6*>(&address->storage);
  inet6->sin6_family = AF_INET6;
  if (inet_pton(AF_INET6, fields.String(0).c_str(), &inet6->sin6_addr) != 1) return -ENOENT;
  inet6->sin6_port = htons(static_cast<uint16_t>(fields.Uint(1)));
  inet6->sin6_flowinfo = htonl(fields.Uint(2));
  inet6->sin6_scope_id = fields.Uint(3);
  address->length = sizeof *inet6;
  return 0;
}

// The length of a path counts its zero byte at the end. An abstract name is exactly its bytes.
int EncodeUnix(const AddressFields& fields, Address* address) {
  auto* unix_address = reinterpret_cast<sockaddr_un*>(&address->storage);
  unix_address->sun_family = AF_UNIX;
  size_t length = fields.Bytes(0, unix_address->sun_path, sizeof unix_address->sun_path);
  bool abstract = length > 0 && unix_address->sun_path[0] == '\0';
  if (length > sizeof unix_address->sun_path || (!abstract && length == sizeof unix_address->sun_path)) {
    return -ENAMETOOLONG;
  }
  address->length = offsetof(sockaddr_un, sun_path) + length + (abstract || length == 0 ? 0 : 1);
  return 0;
}

int EncodeRaw(const AddressFields& fields, Address* address) {
  size_t length = fields.Bytes(0, &address->storage, sizeof address->storage);
  if (length > sizeof address->storage || length < sizeof(sa_family_t)) return -EINVAL;
  address->length = length;
  return 0;
}

napi_value DecodeInet(napi_env env, const sockaddr_in* inet) {
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &inet->sin_addr, host, sizeof host);
  return MakeArray(env, {MakeString(env, host, strlen(host)), MakeUint(env, ntohs(inet->sin_port))});
}

napi_value DecodeInet6(napi_env env, const sockaddr_in6* inet6) {
  char host[INET6_ADDRSTRLEN];
  inet_ntop(AF_INET6, &inet6->sin6_addr, host, sizeof host);
  return MakeArray(env, {MakeString(env, host, strlen(host)), MakeUint(env, ntohs(inet6->sin6_port)),
                         MakeUint(env, ntohl(inet6->sin6_flowinfo)), MakeUint(env, inet6->sin6_scope_id)});
}

// Returns bytes. lib/calls/address.ts turns a path into a string if it is UTF-8.
napi_value DecodeUnix(napi_env env, const sockaddr_un* unix_address, socklen_t length) {
  size_t size = length - offsetof(sockaddr_un, sun_path);
  bool abstract = size > 0 && unix_address->sun_path[0] == '\0';
  if (!abstract) size = strnlen(unix_address->sun_path, size);
  return MakeBuffer(env, unix_address->sun_path, size);
}

}  // namespace

Address TakeAddress(State& state, uint32_t length) {
  Address address;
  address.length = std::min<uint32_t>(length, kAddressSize);
  memcpy(&address.storage, state.exchange().address_in.data(), address.length);
  return address;
}

void GiveAddress(State& state, const Address& address) {
  state.exchange().cells[kAddressLength] = static_cast<int32_t>(address.length);
  memcpy(state.exchange().address_out.data(), &address.storage, sizeof address.storage);
}

uint32_t AddressFields::Uint(size_t index) const {
  uint32_t value = 0;
  if (index < count_) napi_get_value_uint32(env_, values_[index], &value);
  return value;
}

uint64_t AddressFields::Uint64(size_t index) const {
  uint64_t value = 0;
  bool lossless = false;
  if (index < count_) napi_get_value_bigint_uint64(env_, values_[index], &value, &lossless);
  return value;
}

std::string AddressFields::String(size_t index) const {
  char text[256] = "";
  size_t length = 0;
  if (index < count_ &&
      napi_get_value_string_utf8(env_, values_[index], text, sizeof text, &length) != napi_ok) {
    length = 0;
  }
  return std::string(text, length);
}

size_t AddressFields::Bytes(size_t index, void* out, size_t size) const {
  if (index >= count_) return 0;
  ArrayBytes bytes(env_, values_[index]);
  if (!bytes.valid || bytes.length == 0) return 0;
  memcpy(out, bytes.data, std::min(size, bytes.length));
  return bytes.length;
}

int EncodeAddress(int family, int protocol, const AddressFields& fields, Address* address) {
  switch (family) {
    case AF_INET:
    case AF_RDS:
      return EncodeInet(fields, address);
    case AF_INET6:
      return EncodeInet6(fields, address);
    case AF_UNIX:
      return EncodeUnix(fields, address);
  }
  int result = EncodeLinuxAddress(family, protocol, fields, address);
  return result == -EAFNOSUPPORT ? EncodeRaw(fields, address) : result;
}

napi_value DecodeAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol) {
  napi_value undefined = nullptr;
  if (length < sizeof(sa_family_t))
    return napi_get_undefined(env, &undefined) == napi_ok ? undefined : nullptr;
  // The kernel tells the full length of an address that it had to cut.
  length = std::min<socklen_t>(length, sizeof(sockaddr_storage));
  switch (address->sa_family) {
    case AF_INET:
      if (length >= sizeof(sockaddr_in))
        return DecodeInet(env, reinterpret_cast<const sockaddr_in*>(address));
      break;
    case AF_INET6:
      if (length >= sizeof(sockaddr_in6))
        return DecodeInet6(env, reinterpret_cast<const sockaddr_in6*>(address));
      break;
    case AF_UNIX:
      return DecodeUnix(env, reinterpret_cast<const sockaddr_un*>(address), length);
  }
  bool known = false;
  napi_value value = DecodeLinuxAddress(env, address, length, protocol, &known);
  return known ? value : MakeBuffer(env, address, length);
}

}  // namespace bsd_sockets
