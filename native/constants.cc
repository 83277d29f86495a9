// The constants whose value, or existence, depends on the C headers of the platform. scripts/constants.mjs
// generates the rows from the one list, native/constants/*.txt. A name that the headers lack has no row.
// Constants that are the same on every Linux stand in lib/constants.ts alone.
#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netdb.h>
#include <node_api.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstdint>

#include "calls.h"

namespace bsd_sockets {
namespace {

struct Constant {
  const char* name;
  int64_t value;
};

constexpr Constant kConstants[] = {
#include "constants/constants.inc"
};

}  // namespace

// constants() -> an object of names and numbers: see lib/native/platform_constants.ts
napi_value Constants(napi_env env, napi_callback_info info) {
  napi_value object, value;
  // Each step fails if the environment is stopping.
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  for (const Constant& constant : kConstants) {
    if (napi_create_int64(env, constant.value, &value) != napi_ok ||
        napi_set_named_property(env, object, constant.name, value) != napi_ok) {
      return nullptr;
    }
  }
  return object;
}

}  // namespace bsd_sockets
