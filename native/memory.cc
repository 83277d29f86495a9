// The memory of the C library's malloc, of which Node's Buffers are.
#include <stdlib.h>

#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {
namespace {

// The largest block whose end teaches malloc of glibc: see M_MMAP_THRESHOLD in mallopt(3).
constexpr size_t kTaught = 4 * 1024 * 1024 * sizeof(long) - 64 * 1024;

}  // namespace

// keep_freed_memory(): from now on malloc keeps up to 64 MiB of freed memory for the next blocks. V8 frees
// dropped blocks when 32 MiB of them have come together, and malloc would return them to the kernel: each
// later block would be made of page faults.
//
// Glibc keeps twice the largest block that was freed, and nothing is touched here. A program that sets its
// own threshold, by mallopt or MALLOC_TRIM_THRESHOLD_, keeps that, and other C libraries do as they like.
napi_value KeepFreedMemory(napi_env env, napi_callback_info info) {
  Arguments<0> args(env, info);
  // Volatile: the compiler would leave out both calls.
  void* volatile block = malloc(kTaught);
  free(block);
  return args.Return(0);
}

}  // namespace bsd_sockets
