// Files that are no sockets: open, read, write. A pipe, FIFO or terminal may block like a socket, and is
// waited for in the same way.
//
// O_NONBLOCK belongs to the open file description, which others share, so these calls leave it alone: they
// wait for readiness first, and then ask the kernel not to block (RWF_NOWAIT), because another reader may
// have been faster. The descriptor stays its owner's.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "arguments.h"
#include "calls.h"
#include "wait.h"

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

namespace bsd_sockets {
namespace {

// Returns the flags of preadv2 and pwritev2. RWF_NOWAIT would fail on a file of a disk whose bytes are not in
// memory.
int TransferFlags(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return 0;
  return S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) ? 0 : RWF_NOWAIT;
}

// Makes preadv2(2) or pwritev2(2), which older C libraries lack (musl before 1.2.5).
template <long kCall>
ssize_t Move(int fd, const iovec& vector, int64_t position, int flags) {
  return syscall(kCall, fd, &vector, 1L, static_cast<long>(position), static_cast<long>(position >> 32),
                 flags);
}

// The same by older calls, which know no flags, where a sandbox or an emulator does not know that call.
template <long kCall>
ssize_t MovePlainly(int fd, const iovec& vector, int64_t position) {
  if constexpr (kCall == SYS_preadv2) {
    if (position < 0) return read(fd, vector.iov_base, vector.iov_len);
    return pread(fd, vector.iov_base, vector.iov_len, position);
  } else {
    if (position < 0) return write(fd, vector.iov_base, vector.iov_len);
    return pwrite(fd, vector.iov_base, vector.iov_len, position);
  }
}

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
  int flags = TransferFlags(fd);
  ReadyWait wait(state, use, kEvents, deadline);
  for (;;) {
    int64_t result = wait.Next();
    if (result == kTimedOut && timeout_ms == 0) return args.Return(-EAGAIN);
    if (result != 0) return args.Return(result);
    result = Interruptible(state, use, [&] {
      if (!memory.Refresh()) return ssize_t{-1};
      iovec vector = {memory.data(), memory.length()};
      ssize_t count = Move<kCall>(fd, vector, position, flags);
      if (count < 0 && errno == ENOSYS) return MovePlainly<kCall>(fd, vector, position);
      // Few drivers of devices lack the flag.
      if (count >= 0 || flags == 0 || errno != EOPNOTSUPP) return count;
      flags = 0;
      return Move<kCall>(fd, vector, position, flags);
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
