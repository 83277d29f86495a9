// Moving bytes between descriptors inside of the kernel: a pipe to hold them, and splice(2). The loop that
// moves them from a source to the pipe and on is in TypeScript: lib/calls/moving/pump.ts.
//
// splice(2) fails with EAGAIN for either side. One side is always the pipe of the pump, empty before it is
// filled and never fuller than what is taken out, so EAGAIN means the other side, whose readiness is waited
// for.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arguments.h"
#include "calls.h"
#include "wait.h"

namespace bsd_sockets {

// pipe() -> the end to read from; its generation, the end to write to and that one's generation in cells
napi_value Pipe(napi_env env, napi_callback_info info) {
  Arguments<0> args(env, info);
  State& state = args.state();
  int fds[2];
  int64_t writer = -EMFILE;
  int64_t reader = state.Make([&] {
    if (::pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) return -1;
    writer = state.Adopt(fds[1], kSecondGeneration);
    return fds[0];
  });
  if (reader < 0 && writer == -EMFILE) return args.Return(reader);
  if (reader < 0 || writer < 0) {
    if (reader >= 0) state.Close(fds[0], state.exchange().cells[kGeneration]);
    if (writer >= 0) state.Close(fds[1], state.exchange().cells[kSecondGeneration]);
    return args.Return(-EMFILE);
  }
  state.exchange().cells[kSecondDescriptor] = fds[1];
  return args.Return(reader);
}

// splice(from, from_generation, to, to_generation, count, waits_for_to, timeout_ms) -> count; waits for one
// of the two, and never for the other
napi_value Splice(napi_env env, napi_callback_info info) {
  Arguments<7> args(env, info);
  int from = args.Int(0), to = args.Int(2);
  uint32_t from_generation = args.Uint(1), to_generation = args.Uint(3);
  size_t count = static_cast<size_t>(args.Int64(4));
  bool waits_for_to = args.Bool(5);
  double timeout_ms = args.Double(6);
  if (!args.valid()) return args.Invalid();
  int waited = waits_for_to ? to : from;
  uint32_t generation = waits_for_to ? to_generation : from_generation;
  DescriptorUse held(waits_for_to ? from : to, waits_for_to ? from_generation : to_generation);
  if (!held.valid()) return args.Return(-EBADF);
  // The kernel waits for a socket unless O_NONBLOCK is set: SPLICE_F_NONBLOCK is of the pipes.
  struct stat status;
  bool is_socket = timeout_ms >= 0 && fstat(waited, &status) == 0 && S_ISSOCK(status.st_mode);
  return args.Return(
      Await(args.state(), waited, generation, waits_for_to ? POLLOUT : POLLIN, timeout_ms, [&]() -> ssize_t {
        if (is_socket) SetNonBlockingForAll(waited);
        return ::splice(from, nullptr, to, nullptr, count, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
      }));
}

}  // namespace bsd_sockets
