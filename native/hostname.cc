// The name of the machine: sethostname. lib/ reads the name by node:os.
#include <unistd.h>

#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {

// sethostname(bytes)
napi_value Sethostname(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  View name = args.Bytes(0);
  if (!args.valid()) return args.Invalid();
  // An empty view may have a null pointer, which sethostname() is declared not to accept.
  const char* text = name.length() > 0 ? reinterpret_cast<const char*>(name.data()) : "";
  return args.Return(OrErrno(sethostname(text, name.length())));
}

}  // namespace bsd_sockets
