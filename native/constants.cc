// The constants whose value, or existence, the platform's C headers decide. The rows are generated from the
// one list, native/constants/*.txt, by scripts/constants.mjs; a name that the headers lack has no row. Those
// that Linux fixes on every machine are not here: lib/constants.ts has their numbers.
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

// constants() -> an object of the names and numbers, see lib/native/platform_constants.ts
napi_value Constants(napi_env env, napi_callback_info info) {
  Napi::Object object = Napi::Object::New(env);
  for (const Constant& constant : kConstants) {
    // Fails where the environment is stopping.
    if (!object.Set(constant.name, static_cast<double>(constant.value))) return nullptr;
  }
  return object;
}

}  // namespace bsd_sockets
