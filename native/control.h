// Control messages (ancillary data): laying out those that go out, checking those that came in and taking
// charge of the descriptors in them. See cmsg(3), unix(7).
//
// Received control messages stay where the kernel wrote them. TakeControl makes them safe to walk for
// lib/calls/control.ts: the first 32 bits of each header become the length of its data, never more than is
// there.
#ifndef BSD_SOCKETS_CONTROL_H_
#define BSD_SOCKETS_CONTROL_H_

#include <node_api.h>
#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "state.h"

namespace bsd_sockets {

// The kernel's own limit is net.core.optmem_max, a few hundred KiB at most; more than this is ENOBUFS at
// once.
constexpr size_t kOutgoingControlLimit = 16 * 1024 * 1024;

// The control messages of outgoing messages, one after another as the kernel wants them.
class OutgoingControl {
 public:
  // Appends `count` of them from a flat array of level, type, bytes, beginning with its `first`. 0 or -errno.
  int Append(napi_env env, napi_value items, uint32_t first, uint32_t count);
  uint8_t* data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }

 private:
  int Append(int level, int type, const uint8_t* data, size_t length);

  std::vector<uint8_t> bytes_;
};

// How much of a received control buffer is whole control messages, the last one possibly cut short by the
// kernel. The environment owns the descriptors in them from here on, until lib/ hands them out (disown) or
// closes them; `*descriptor_count` grows by their number. -EMFILE where one is beyond the descriptor table:
// all are closed then.
int64_t TakeControl(State& state, uint8_t* control, size_t length, int32_t* descriptor_count);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_CONTROL_H_
