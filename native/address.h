// Socket addresses: one encoder and one decoder per family, between the values of lib/calls/address.ts and
// sockaddr.
//
// encode_address() writes Exchange::address_in and gives the length; decode_address() reads
// Exchange::address_out.
#ifndef BSD_SOCKETS_ADDRESS_H_
#define BSD_SOCKETS_ADDRESS_H_

#include <node_api.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "state.h"

namespace bsd_sockets {

// A sockaddr with its length, filled by an encoder or by the kernel.
struct Address {
  union {
    sockaddr header;
    sockaddr_storage storage;
  };
  socklen_t length = 0;

  Address() : storage{} {}
  // Room for the kernel to write to.
  socklen_t* Receive() {
    length = sizeof storage;
    return &length;
  }
};

// The address that encode_address() left in the exchange memory. Copied: a signal's listener that runs while
// a call waits encodes its own.
Address TakeAddress(State& state, uint32_t length);
// Puts an address that the kernel gave where decode_address() reads it.
void GiveAddress(State& state, const Address& address);

// The fields of an address as JavaScript values, in the order of README.md's tuples; what is missing reads as
// zero.
class AddressFields {
 public:
  AddressFields(napi_env env, const napi_value* values, size_t count)
      : env_(env), values_(values), count_(count) {}
  uint32_t Uint(size_t index) const;
  // Of a bigint.
  uint64_t Uint64(size_t index) const;
  std::string String(size_t index) const;
  // Copies the bytes of a Uint8Array: how many there were, of which at most `size` were copied.
  size_t Bytes(size_t index, void* out, size_t size) const;

 private:
  napi_env env_;
  const napi_value* values_;
  size_t count_;
};

// 0 with `address` filled, or -errno; -ENOENT where an INET host is not a numeric address (the caller
// resolves it).
int EncodeAddress(int family, int protocol, const AddressFields& fields, Address* address);
// The families of address_linux.cc; the same results, -EAFNOSUPPORT for a family that is not there.
int EncodeLinuxAddress(int family, int protocol, const AddressFields& fields, Address* address);

// Null where building the value failed; undefined for an empty address.
napi_value DecodeAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol);
// The same for the families of address_linux.cc; `*known` says whether the family is one of them.
napi_value DecodeLinuxAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol,
                              bool* known);

// Helpers of the decoders: an array of values, null if one of them is null.
napi_value MakeArray(napi_env env, std::initializer_list<napi_value> values);
napi_value MakeUint(napi_env env, uint32_t value);
// A bigint where a number is not exact.
napi_value MakeUint64(napi_env env, uint64_t value);
napi_value MakeString(napi_env env, const char* text, size_t length);
napi_value MakeBuffer(napi_env env, const void* bytes, size_t length);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_ADDRESS_H_
