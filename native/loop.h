// The functions of libuv that this addon uses, found at run time. They are not linked, because Deno lacks
// some of the symbols and those of Bun abort.
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

// Returns null if a function is missing or the runtime is not Node.js.
const LoopFunctions* FindLoopFunctions();

// Returns whether a function is part of Node.js, and not of an addon.
bool IsOfNode(void* function);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_LOOP_H_
