// Network interfaces by number and name; the text forms of addresses; sizes of control messages.
//
// Nothing here waits. Bytes come back in the scratch memory.
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <memory>

#include "address.h"
#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {

// if_nameindex() -> [[index, name], ...] or -errno
napi_value IfNameindex(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  std::unique_ptr<struct if_nameindex, decltype(&if_freenameindex)> interfaces(::if_nameindex(),
                                                                               if_freenameindex);
  if (interfaces == nullptr) return args.Return(-errno);
  napi_value rows;
  if (napi_create_array(env, &rows) != napi_ok) return nullptr;
  uint32_t count = 0;
  for (auto* entry = interfaces.get(); entry->if_index != 0; entry++) {
    napi_value row = MakeArray(
        env, {MakeUint(env, entry->if_index), MakeString(env, entry->if_name, strlen(entry->if_name))});
    if (row == nullptr || napi_set_element(env, rows, count++, row) != napi_ok) return nullptr;
  }
  return rows;
}

// if_nametoindex(name) -> index
napi_value IfNametoindex(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  std::string name = args.String(0);
  if (!args.valid()) return args.Invalid();
  // musl would look for what a longer name begins with.
  if (name.length() >= IF_NAMESIZE) return args.Return(-ENODEV);
  unsigned int index = ::if_nametoindex(name.c_str());
  return args.Return(index == 0 ? -ENODEV : static_cast<int64_t>(index));
}

// if_indextoname(index) -> name or -errno
napi_value IfIndextoname(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  uint32_t index = args.Uint(0);
  if (!args.valid()) return args.Invalid();
  char name[IF_NAMESIZE];
  if (::if_indextoname(index, name) == nullptr) return args.Return(-errno);
  return MakeString(env, name, strnlen(name, sizeof name));
}

// inet_aton(text) -> 4 with the bytes in scratch, 0 where it is no address
napi_value InetAton(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  std::string text = args.String(0);
  if (!args.valid()) return args.Invalid();
  in_addr address;
  if (::inet_aton(text.c_str(), &address) == 0) return args.Return(0);
  memcpy(args.state().exchange().scratch.data(), &address, sizeof address);
  return args.Return(sizeof address);
}

// inet_pton(family, text) -> the length with the bytes in scratch, 0 where it is no address
napi_value InetPton(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int family = args.Int(0);
  std::string text = args.String(1);
  if (!args.valid()) return args.Invalid();
  int found = ::inet_pton(family, text.c_str(), args.state().exchange().scratch.data());
  if (found <= 0) return args.Return(found < 0 ? -errno : 0);
  return args.Return(family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr));
}

// inet_ntop(family, bytes) -> text or -errno
napi_value InetNtop(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int family = args.Int(0);
  View bytes = args.Bytes(1);
  size_t length = family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr);
  if (!args.valid() || bytes.length() != length) return args.Invalid();
  char text[INET6_ADDRSTRLEN];
  if (::inet_ntop(family, bytes.data(), text, sizeof text) == nullptr) return args.Return(-errno);
  return MakeString(env, text, strlen(text));
}

// cmsg_len(length), cmsg_space(length): CMSG_LEN() and CMSG_SPACE(), which follow the size of a pointer
napi_value CmsgLen(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  size_t length = args.Uint(0);
  return args.valid() ? args.Return(static_cast<int64_t>(CMSG_LEN(length))) : args.Invalid();
}
napi_value CmsgSpace(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  size_t length = args.Uint(0);
  return args.valid() ? args.Return(static_cast<int64_t>(CMSG_SPACE(length))) : args.Invalid();
}

}  // namespace bsd_sockets
