// Socket addresses: one encoder and one decoder per family, between the values of lib/calls/address.ts and
// sockaddr.
//
// encode_address() writes Exchange::address_in and returns the length. decode_address() reads
// Exchange::address_out.
#ifndef BSD_SOCKETS_ADDRESS_H_
#define BSD_SOCKETS_ADDRESS_H_

#include <node_api.h>
#include <sys/socket.h>

#include <cstdint>
#include <string>

#include "state.h"
#include "values.h"

namespace bsd_sockets {

// A sockaddr with its length, filled by an encoder or by the kernel.
struct Address {
  union {
    sockaddr header;
    sockaddr_storage storage;
  };
  socklen_t length = 0;

  Address() : storage{} {}
  // Lets the kernel write all of the storage: the argument for its length.
  socklen_t* Receive() {
    length = sizeof storage;
    return &length;
  }
};

// Copies the address that encode_address() left in the exchange memory. The listener of a signal, which runs
// while a call waits, may encode another one there.
Address TakeAddress(State& state, uint32_t length);
// Copies an address that the kernel wrote to the memory that decode_address() reads.
void GiveAddress(State& state, const Address& address);

// The fields of an address as JavaScript values, in the order of the tuples in README.md. A missing field
// reads as zero.
class AddressFields {
 public:
  AddressFields(napi_env env, const napi_value* values, size_t count)
      : env_(env), values_(values), count_(count) {}
  uint32_t Uint(size_t index) const;
  // Reads a bigint.
  uint64_t Uint64(size_t index) const;
  std::string String(size_t index) const;
  // Copies at most `size` bytes of a Uint8Array and returns its length.
  size_t Bytes(size_t index, void* out, size_t size) const;

 private:
  napi_env env_;
  const napi_value* values_;
  size_t count_;
};

// Returns 0 and fills `address`, or -errno. -ENOENT: the host is no numeric address, and the caller has to
// resolve it.
int EncodeAddress(int family, int protocol, const AddressFields& fields, Address* address);
// The same for the families of address_linux.cc; -EAFNOSUPPORT for any other family.
int EncodeLinuxAddress(int family, int protocol, const AddressFields& fields, Address* address);

// Returns undefined for an empty address, and null if the value could not be created.
napi_value DecodeAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol);
// The same for the families of address_linux.cc. `*known` is false for any other family.
napi_value DecodeLinuxAddress(napi_env env, const sockaddr* address, socklen_t length, int protocol,
                              bool* known);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_ADDRESS_H_
