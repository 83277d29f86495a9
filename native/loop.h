// What this addon uses of libuv, found at run time: Deno lacks some of these symbols and Bun's abort, so
// nothing here is linked against.
#ifndef BSD_SOCKETS_LOOP_H_
#define BSD_SOCKETS_LOOP_H_

#include <uv.h>

namespace bsd_sockets {

struct LoopFunctions {
  decltype(&uv_backend_fd) backend_fd;
  decltype(&uv_poll_init) poll_init;
  decltype(&uv_poll_start) poll_start;
  decltype(&uv_poll_stop) poll_stop;
  decltype(&uv_close) close;
  decltype(&uv_ref) ref;
  decltype(&uv_unref) unref;
};

// Null where one of them is missing, or the runtime is not Node itself.
const LoopFunctions* FindLoopFunctions();

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_LOOP_H_
