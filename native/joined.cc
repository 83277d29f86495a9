// Joined datagrams, taken apart. See joined.h.
#include "joined.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include <algorithm>
#include <new>
#include <vector>

#include "control_walk.h"

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace bsd_sockets {
namespace {

// Bytes of a joined message at most.
constexpr size_t kJoinedSize = 65536;
// Datagrams of a joined message at most: 64, of kernels since 6.9 128.
constexpr unsigned kJoinedLimit = 128;
// Messages of a call: no more than a batch of 1,024 has room for.
constexpr unsigned kMessages = 8;
// Receives with these flags leave the message where it is, or are not about datagrams.
constexpr int kOtherFlags = MSG_PEEK | MSG_ERRQUEUE | MSG_OOB;

bool IsSegmentSize(const cmsghdr& header) {
  return header.cmsg_level == IPPROTO_UDP && header.cmsg_type == UDP_GRO;
}

// Returns the size of the datagrams of a message; all of it if it is one.
size_t SegmentOf(const msghdr& message, size_t length) {
  int size = 0;
  const auto* control = static_cast<const uint8_t*>(message.msg_control);
  ForEachControl(control, message.msg_controllen, [&](size_t offset, const cmsghdr& header, size_t data) {
    if (IsSegmentSize(header) && data >= sizeof size)
      memcpy(&size, control + offset + CMSG_LEN(0), sizeof size);
  });
  return size > 0 ? static_cast<size_t>(size) : length;
}

// Copies the control messages, as far as there is room for whole ones.
void CopyControl(const msghdr& from, bool with_size, msghdr* to) {
  const auto* control = static_cast<const uint8_t*>(from.msg_control);
  auto* copied = static_cast<uint8_t*>(to->msg_control);
  const size_t room = to->msg_controllen;
  size_t used = 0;
  ForEachControl(control, from.msg_controllen, [&](size_t offset, const cmsghdr& header, size_t data) {
    if (IsSegmentSize(header) && !with_size) return;
    const size_t length = CMSG_LEN(data);
    if (CMSG_ALIGN(used) + length > room) {
      to->msg_flags |= MSG_CTRUNC;
      return;
    }
    used = CMSG_ALIGN(used);
    memcpy(copied + used, control + offset, length);
    used += length;
  });
  to->msg_controllen = used;
}

// Writes one message with these bytes, and with all else of the received one.
void Write(const msghdr& received, const uint8_t* bytes, size_t length, bool joined, int flags, mmsghdr* to) {
  msghdr& message = to->msg_hdr;
  const iovec& buffer = message.msg_iov[0];
  const size_t copied = std::min(length, buffer.iov_len);
  if (copied > 0) memcpy(buffer.iov_base, bytes, copied);
  message.msg_flags = received.msg_flags | (copied < length ? MSG_TRUNC : 0);
  to->msg_len = static_cast<unsigned>((flags & MSG_TRUNC) != 0 ? length : copied);
  const socklen_t address = std::min(received.msg_namelen, message.msg_namelen);
  if (address > 0) memcpy(message.msg_name, received.msg_name, address);
  message.msg_namelen = received.msg_namelen;
  CopyControl(received, joined, &message);
}

// Writes the datagrams of a received message as up to `count` messages, from number `first` on. Returns how
// many they are.
unsigned Split(const mmsghdr& received, const PrepareMessage& prepare, unsigned first, unsigned count,
               int flags) {
  const auto* bytes = static_cast<const uint8_t*>(received.msg_hdr.msg_iov[0].iov_base);
  const size_t length = received.msg_len;
  const size_t segment = SegmentOf(received.msg_hdr, length);
  unsigned written = 0;
  size_t at = 0;
  do {
    const bool is_last = written + 1 == count;
    const size_t size = is_last ? length - at : std::min(segment, length - at);
    Write(received.msg_hdr, bytes + at, size, size > segment, flags, &prepare(first + written++));
    at += size;
  } while (at < length);
  return written;
}

}  // namespace

bool ReceivesJoined(int fd, int flags) {
  if ((flags & kOtherFlags) != 0) return false;
  // Kernels before 5.0 lack the option.
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, IPPROTO_UDP, UDP_GRO, &value, &size) == 0 && value != 0;
}

int ReceiveApart(int fd, unsigned count, size_t control_size, int flags, const PrepareMessage& prepare,
                 JoinedMemory* memory) {
  if (*memory == nullptr) memory->reset(new (std::nothrow) uint8_t[kMessages * kJoinedSize]);
  if (*memory == nullptr) {
    errno = ENOMEM;
    return -1;
  }
  // A second call could take an error that the next receive has to report.
  const unsigned most = std::clamp(count / kJoinedLimit, 1u, kMessages);
  const size_t room = control_size + CMSG_SPACE(sizeof(int));
  const size_t control_step = CMSG_ALIGN(room);
  std::vector<uint8_t> control(most * control_step);
  sockaddr_storage addresses[kMessages];
  iovec buffers[kMessages];
  mmsghdr joined[kMessages] = {};
  for (unsigned i = 0; i < most; i++) {
    buffers[i] = {memory->get() + i * kJoinedSize, kJoinedSize};
    msghdr& message = joined[i].msg_hdr;
    message.msg_name = &addresses[i];
    message.msg_namelen = sizeof addresses[i];
    message.msg_iov = &buffers[i];
    message.msg_iovlen = 1;
    message.msg_control = control.data() + i * control_step;
    message.msg_controllen = room;
  }
  const int received = ::recvmmsg(fd, joined, most, (flags & ~MSG_TRUNC) | MSG_WAITFORONE, nullptr);
  if (received < 0) return -1;
  unsigned written = 0;
  for (int i = 0; i < received; i++) {
    // The messages behind this one need one each.
    const unsigned left = count - written - static_cast<unsigned>(received - 1 - i);
    written += Split(joined[i], prepare, written, left, flags);
  }
  return static_cast<int>(written);
}

}  // namespace bsd_sockets
