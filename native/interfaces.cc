// Network interfaces by number and by name. None of the calls waits.
#include <errno.h>
#include <net/if.h>
#include <string.h>

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
  // musl would cut a longer name and look for its first bytes.
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

}  // namespace bsd_sockets
