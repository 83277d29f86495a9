// Files that are no sockets: open, read, write. A pipe, FIFO or terminal may block like a socket, and is
// waited for in the same way.
//
// O_NONBLOCK belongs to the open file description, which others share, so these calls leave it alone: they
// wait for readiness first, and then ask the kernel not to block (RWF_NOWAIT), because another reader may
// have been faster. The descriptor stays its owner's.
#include "file.h"

#include <fcntl.h>

#include "arguments.h"
#include "calls.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

template <short kEvents, long kCall>
napi_value Transfer(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0);
  View memory = args.Bytes(1);
  int64_t position = args.Int64(2);
  double timeout_ms = args.Double(3);
  if (!args.valid()) return args.Invalid();
  State& state = args.state();
  uint32_t generation = Generation(fd);
  DescriptorUse use(fd, generation);
  if (!use.valid()) return args.Return(-EBADF);
  state.exchange().cells[kGeneration] = static_cast<int32_t>(generation);
  int error = state.PrepareToBlock();
  if (error != 0) return args.Return(error);
  Deadline deadline(timeout_ms);
  FileTransfer<kCall> transfer(fd);
  ReadyWait wait(state, use, kEvents, deadline);
  for (;;) {
    int64_t result = wait.Next();
    if (result == kTimedOut && timeout_ms == 0) return args.Return(-EAGAIN);
    if (result != 0) return args.Return(result);
    result = Interruptible(state, use, [&] {
      if (!memory.Refresh()) return ssize_t{-1};
      iovec vector = {memory.data(), memory.length()};
      return transfer(&vector, 1, position);
    });
    if (result != -EAGAIN) return args.Return(result);
  }
}

}  // namespace

// open(path, flags) -> fd; waits for the other end of a FIFO
napi_value Open(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  std::string path = args.String(0);
  int flags = args.Int(1);
  if (!args.valid()) return args.Invalid();
  return args.Return(AwaitCall(args.state(), DescriptorUse(), -1,
                               [&] { return ::open(path.c_str(), flags | O_CLOEXEC, 0666); }));
}

// read(fd, bytes, position, timeout_ms) -> count, the descriptor's generation in cells; a position of -1
// stands for that of the file
napi_value Read(napi_env env, napi_callback_info info) { return Transfer<POLLIN, SYS_preadv2>(env, info); }

// write(fd, bytes, position, timeout_ms) -> count; as read
napi_value Write(napi_env env, napi_callback_info info) { return Transfer<POLLOUT, SYS_pwritev2>(env, info); }

}  // namespace bsd_sockets
