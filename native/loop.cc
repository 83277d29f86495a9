// Finds the functions of libuv. See loop.h.
#include "loop.h"

#include <dlfcn.h>

namespace bsd_sockets {
namespace {

template <typename Function>
bool Find(const char* name, Function* function) {
  *function = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, name));
  return *function != nullptr;
}

// Returns node::Start; null if the runtime is not Node.js. Other runtimes may have functions of libuv all the
// same, which abort (Bun) or know nothing of the event loop that really runs.
void* NodeStart() { return dlsym(RTLD_DEFAULT, "_ZN4node5StartEiPPc"); }

// Returns the address of the executable or library that has the function.
void* ObjectOf(void* function) {
  Dl_info info;
  return dladdr(function, &info) != 0 ? info.dli_fbase : nullptr;
}

bool FindAll(LoopFunctions* functions) {
  return NodeStart() != nullptr && Find("uv_backend_fd", &functions->backend_fd) &&
         Find("uv_poll_init", &functions->poll_init) && Find("uv_poll_start", &functions->poll_start) &&
         Find("uv_poll_stop", &functions->poll_stop) && Find("uv_close", &functions->close) &&
         Find("uv_ref", &functions->ref) && Find("uv_unref", &functions->unref);
}

}  // namespace

const LoopFunctions* FindLoopFunctions() {
  static LoopFunctions functions;
  static const bool found = FindAll(&functions);
  return found ? &functions : nullptr;
}

bool IsOfNode(void* function) { return ObjectOf(function) == ObjectOf(NodeStart()); }

}  // namespace bsd_sockets
