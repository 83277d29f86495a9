// Finds out whose functions the system calls would go through. See system_calls.h.
#include "system_calls.h"

#include <dlfcn.h>

#include <algorithm>
#include <iterator>

namespace bsd_sockets {
namespace {

// Returns the address of the executable or library that has the first function of this name; null if none
// has.
const void* OwnerOf(const char* name) {
  Dl_info info;
  void* function = dlsym(RTLD_DEFAULT, name);
  return function != nullptr && dladdr(function, &info) != 0 ? info.dli_fbase : nullptr;
}

bool IsCLibrary() {
  const char* names[] = {"send", "sendto", "recv", "recvfrom", "epoll_wait", "syscall"};
  // Nobody replaces this function, which any C library has.
  const void* library = OwnerOf("strtol");
  return library != nullptr && std::all_of(std::begin(names), std::end(names),
                                           [library](const char* name) { return OwnerOf(name) == library; });
}

}  // namespace

const bool is_c_library = IsCLibrary();

}  // namespace bsd_sockets
