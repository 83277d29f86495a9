// Memory that processes share: a descriptor that child processes inherit, and its mapping as an ArrayBuffer.
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {

// shared_memory(size) -> a close-on-exec descriptor of `size` zero bytes. The memory is sealed against
// shrinking, after which an access to its mapping would be SIGBUS.
napi_value SharedMemory(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  uint32_t size = args.Uint(0);
  if (!args.valid() || size == 0) return args.Invalid();
  int fd = memfd_create("bsd-sockets", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd < 0) return args.Return(-errno);
  if (ftruncate(fd, size) != 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL) != 0) {
    int error = errno;
    close(fd);
    return args.Return(-error);
  }
  return args.Return(fd);
}

// map_memory(descriptor of shared_memory) -> an ArrayBuffer of all of the memory, or -errno. The descriptor
// may be closed afterwards.
napi_value MapMemory(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  if (!args.valid()) return args.Invalid();
  int seals = fcntl(fd, F_GET_SEALS);
  if (seals < 0) return args.Return(-errno);
  struct stat file;
  if ((seals & F_SEAL_SHRINK) == 0 || fstat(fd, &file) != 0 || file.st_size == 0) return args.Invalid();
  size_t size = static_cast<size_t>(file.st_size);
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return args.Return(-errno);
  napi_value buffer = nullptr;
  auto unmap = [](napi_env, void* data, void* hint) { munmap(data, reinterpret_cast<size_t>(hint)); };
  if (napi_create_external_arraybuffer(env, memory, size, unmap, reinterpret_cast<void*>(size), &buffer) !=
      napi_ok) {
    munmap(memory, size);
    return args.Return(-ENOMEM);
  }
  return buffer;
}

}  // namespace bsd_sockets
