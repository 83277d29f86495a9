// poll(2) over any descriptors, for selectors and for readiness without a call.
#include <poll.h>
#include <string.h>

#include <vector>

#include "arguments.h"
#include "calls.h"
#include "wait.h"

namespace bsd_sockets {

// poll(bytes, timeout_ms) -> how many are ready; bytes is an array of struct pollfd, updated in place
napi_value Poll(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  View bytes = args.Bytes(0);
  double timeout_ms = args.Double(1);
  if (!args.valid() || bytes.length() % sizeof(pollfd) != 0) return args.Invalid();
  std::vector<pollfd> poll_fds(bytes.length() / sizeof(pollfd));
  memcpy(poll_fds.data(), bytes.data(), poll_fds.size() * sizeof(pollfd));
  State& state = args.state();
  int error = state.PrepareToBlock();
  if (error != 0) return args.Return(error);
  Deadline deadline(timeout_ms);
  timespec storage;
  int64_t count = Interruptible(state, DescriptorUse(), [&] {
    return ppoll(poll_fds.data(), poll_fds.size(), deadline.Left(&storage), nullptr);
  });
  if (count >= 0 && bytes.Reload() && bytes.length() >= poll_fds.size() * sizeof(pollfd)) {
    memcpy(bytes.data(), poll_fds.data(), poll_fds.size() * sizeof(pollfd));
  }
  return args.Return(count);
}

}  // namespace bsd_sockets
