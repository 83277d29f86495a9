// Internet addresses between text and bytes: inet_aton, inet_pton, inet_ntop. None of the calls waits. Bytes
// come back in the scratch memory.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "address.h"
#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {

// inet_aton(text) -> 4, the bytes in scratch; 0 if the text is no address
napi_value InetAton(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  std::string text = args.String(0);
  if (!args.valid()) return args.Invalid();
  in_addr address;
  if (::inet_aton(text.c_str(), &address) == 0) return args.Return(0);
  memcpy(args.state().exchange().scratch.data(), &address, sizeof address);
  return args.Return(sizeof address);
}

// inet_pton(family, text) -> the length, the bytes in scratch; 0 if the text is no address
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

}  // namespace bsd_sockets
