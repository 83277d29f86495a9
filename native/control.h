// Control messages (ancillary data): the layout of outgoing ones, the check of received ones, and the owner
// of the descriptors in these. See cmsg(3), unix(7).
//
// Received control messages stay in the memory that the kernel wrote. TakeControl makes it safe for
// lib/calls/control.ts to walk over them: it writes the length of the data, at most up to the end of the
// memory, into each header.
#ifndef BSD_SOCKETS_CONTROL_H_
#define BSD_SOCKETS_CONTROL_H_

#include <node_api.h>
#include <sys/socket.h>

#include <cstdint>
#include <vector>

#include "state.h"

namespace bsd_sockets {

// Bytes of outgoing control messages; more are ENOBUFS at once. The kernel's own limit, net.core.optmem_max,
// is a few hundred KiB at most.
constexpr size_t kOutgoingControlLimit = 16 * 1024 * 1024;

// Outgoing control messages, one behind the other as the kernel reads them.
class OutgoingControl {
 public:
  // Appends `count` control messages of a flat array of level, type, bytes, from number `first` on. 0 or
  // -errno.
  int Append(napi_env env, napi_value items, uint32_t first, uint32_t count);
  uint8_t* data() { return bytes_.data(); }
  size_t size() const { return bytes_.size(); }

 private:
  int Append(int level, int type, const uint8_t* data, size_t length);

  std::vector<uint8_t> bytes_;
};

// Seals the control messages that the kernel wrote, and returns the end of the last one, which the kernel may
// have cut short. The environment owns the descriptors in them from now on, until lib/ disowns or closes
// them; `*descriptor_count` grows by their number. -EMFILE: a descriptor was beyond the descriptor table, and
// all of them were closed.
int64_t TakeControl(State& state, uint8_t* control, size_t length, int32_t* descriptor_count);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_CONTROL_H_
