// The constants whose value, or existence, the platform's C headers decide. The rows are generated from the
// one list, native/constants/*.txt, by scripts/constants.mjs; a name that the headers lack has no row. Those
// that Linux fixes on every machine are not here: lib/constants.ts has their numbers.
#include <errno.h>
#include <linux/sockios.h>
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

// constants() -> an object of the names and numbers, see lib/internal/platform-constants.ts
napi_value Constants(napi_env env, napi_callback_info info) {
  napi_value object;
  if (napi_create_object(env, &object) != napi_ok) return nullptr;
  for (const Constant& constant : kConstants) {
    napi_value value;
    if (napi_create_int64(env, constant.value, &value) != napi_ok) return nullptr;
    if (napi_set_named_property(env, object, constant.name, value) != napi_ok) return nullptr;
  }
  return object;
}

}  // namespace bsd_sockets
