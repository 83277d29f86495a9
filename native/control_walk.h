// The walk over the control messages that the kernel wrote. It is a file of its own so that a test can
// compile it alone, under sanitizers, and run it over random bytes: test/unit/native/control_walk.test.ts.
#ifndef BSD_SOCKETS_CONTROL_WALK_H_
#define BSD_SOCKETS_CONTROL_WALK_H_

#include <string.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "layout.h"

// The headers of the distributions that this is compiled on are older.
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

namespace bsd_sockets {

// Calls visit(offset, header, data_length) for each control message and returns the end of the last one,
// which may be cut short. The header is copied, because it need not be aligned in memory of the caller.
template <typename Visit>
size_t ForEachControl(const uint8_t* control, size_t length, Visit visit) {
  size_t offset = 0, end = 0;
  while (offset < length && length - offset >= CMSG_LEN(0)) {
    cmsghdr header;
    memcpy(&header, control + offset, sizeof header);
    if (header.cmsg_len < CMSG_LEN(0)) break;
    size_t left = length - offset;
    size_t whole = std::min<size_t>(header.cmsg_len, left);
    visit(offset, header, whole - CMSG_LEN(0));
    end = offset + whole;
    // Compared before it is added to the offset: the length can be any number.
    if (header.cmsg_len > left) break;
    offset += CMSG_ALIGN(header.cmsg_len);
  }
  return end;
}

// Calls visit(fd) for each whole descriptor. A negative number is the errno of a pidfd that the kernel could
// not make.
template <typename Visit>
void ForEachDescriptor(const uint8_t* control, size_t length, Visit visit) {
  ForEachControl(control, length, [&](size_t offset, const cmsghdr& header, size_t size) {
    if (header.cmsg_level != SOL_SOCKET) return;
    if (header.cmsg_type != SCM_RIGHTS && header.cmsg_type != SCM_PIDFD) return;
    for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
      int fd;
      memcpy(&fd, control + offset + CMSG_LEN(0) + at, sizeof fd);
      if (fd >= 0) visit(fd);
    }
  });
}

// Writes the length of its data, which is there, into each header: lib/calls/control.ts reads it and the two
// numbers that the kernel wrote in front of the data. Returns the end of the last control message.
static_assert(offsetof(cmsghdr, cmsg_level) == CMSG_LEN(0) + kControlLevelAt);
static_assert(offsetof(cmsghdr, cmsg_type) == CMSG_LEN(0) + kControlTypeAt);
inline size_t SealControl(uint8_t* control, size_t length) {
  return ForEachControl(control, length, [&](size_t offset, const cmsghdr&, size_t size) {
    int32_t data_length = static_cast<int32_t>(size);
    memcpy(control + offset + kControlDataLengthAt, &data_length, sizeof data_length);
  });
}

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_CONTROL_WALK_H_
