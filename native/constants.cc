// The constants whose value, or existence, depends on the C headers of the platform. scripts/constants.mjs
// generates the rows from the one list, native/constants/*.txt. A name that the headers lack has no row.
// Constants that are the same on every Linux stand in lib/constants.ts alone.
#include <errno.h>
#include <linux/sockios.h>
#include <napi.h>
#include <net/if.h>
#include <netdb.h>
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
  Napi::Object object = Napi::Object::New(env);
  for (const Constant& constant : kConstants) {
    // Fails if the environment is stopping.
    if (!object.Set(constant.name, static_cast<double>(constant.value))) return nullptr;
  }
  return object;
}

}  // namespace bsd_sockets
