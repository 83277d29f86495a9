// Runs of datagrams as one message each. See segments.h.
#include "segments.h"

#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

#include <cstdint>
#include <vector>

#include "nosignal.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

namespace bsd_sockets {
namespace {

// Datagrams of a run: the limit of kernels before 6.9; later ones take twice as many.
constexpr unsigned kRunLimit = 64;
// Bytes of a run: below 64 KiB less the headers of IP, which may have options.
constexpr size_t kRunSize = 65000;
// Bytes of the headers in front of a datagram, by the version of IP.
constexpr int kHeaders4 = 20 + 8, kHeaders6 = 40 + 8;
// Flags that mean the same for a run as for each of its datagrams. MSG_MORE and MSG_ZEROCOPY do not.
constexpr int kSameFlags = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_CONFIRM | MSG_DONTROUTE;

// Returns an option of the socket, or -1 with errno.
int Option(int fd, int level, int name) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(fd, level, name, &value, &size) == 0 ? value : -1;
}

// Returns whether the socket sends each message as a datagram of its own, and reports nothing else of it.
// Asked for each batch: other holders of the open file description may set the options.
bool SendsPlainly(int fd) {
  // -1: no UDP socket, or a kernel before 4.18, which would ignore the control message and send a run as one
  // datagram. More: the program itself has given a size.
  if (Option(fd, IPPROTO_UDP, UDP_SEGMENT) != 0) return false;
  // Messages become one datagram; a run would have one time stamp.
  return Option(fd, IPPROTO_UDP, UDP_CORK) == 0 && Option(fd, SOL_SOCKET, SO_TIMESTAMPING) == 0;
}

// Returns the size of the largest datagram that goes to the connected peer unfragmented; -1: not connected.
int LargestWhole(int fd) {
  int mtu = Option(fd, IPPROTO_IP, IP_MTU);
  if (mtu >= 0) return mtu - kHeaders4;
  if (errno == ENOTCONN) return -1;
  mtu = Option(fd, IPPROTO_IPV6, IPV6_MTU);
  return mtu < 0 ? -1 : mtu - kHeaders6;
}

// Returns whether the kernel says that it cannot cut messages on this way: an interface without checksums, or
// a tunnel (EIO); a socket without checksums (EINVAL); datagrams that need fragments (EINVAL, newer kernels
// EMSGSIZE).
bool IsRefusal(int error) { return error == EINVAL || error == EMSGSIZE || error == EIO; }

// Returns whether there may be memory, or room in the queue of an interface, for single datagrams.
bool IsShortage(int error) { return error == ENOBUFS || error == ENOMEM; }

size_t SizeOf(const msghdr& message) {
  size_t size = 0;
  for (size_t i = 0; i < static_cast<size_t>(message.msg_iovlen); i++) size += message.msg_iov[i].iov_len;
  return size;
}

bool IsSame(const void* a, size_t a_length, const void* b, size_t b_length) {
  return a_length == b_length && (a_length == 0 || memcmp(a, b, a_length) == 0);
}

// Returns whether all control messages are of the level of IP: what they say of a run, each datagram gets.
// Others do not: a time to send at, a size of segments.
bool HasSharedControl(const msghdr& message) {
  const auto* bytes = static_cast<const uint8_t*>(message.msg_control);
  for (size_t at = 0; at < message.msg_controllen;) {
    cmsghdr header;
    memcpy(&header, bytes + at, sizeof header);
    if (header.cmsg_level != IPPROTO_IP && header.cmsg_level != IPPROTO_IPV6) return false;
    at += CMSG_SPACE(header.cmsg_len - CMSG_LEN(0));
  }
  return true;
}

struct Run {
  unsigned messages = 1;
  size_t segment = 0;
  size_t buffers = 0;
};

// Returns the run that the messages begin with. `limit`: the size of the largest datagram of a run.
Run FirstRun(const mmsghdr* messages, unsigned count, size_t limit) {
  const msghdr& first = messages[0].msg_hdr;
  Run run;
  run.segment = SizeOf(first);
  run.buffers = first.msg_iovlen;
  if (count == 1 || run.segment == 0 || run.segment > limit || !HasSharedControl(first)) return run;
  size_t last = run.segment, total = run.segment;
  // Only the last one may be shorter.
  for (; run.messages < count && run.messages < kRunLimit && last == run.segment; run.messages++) {
    const msghdr& next = messages[run.messages].msg_hdr;
    last = SizeOf(next);
    if (last == 0 || last > run.segment || total + last > kRunSize) break;
    if (run.buffers + next.msg_iovlen > IOV_MAX) break;
    if (!IsSame(next.msg_name, next.msg_namelen, first.msg_name, first.msg_namelen)) break;
    if (!IsSame(next.msg_control, next.msg_controllen, first.msg_control, first.msg_controllen)) break;
    run.buffers += next.msg_iovlen;
    total += last;
  }
  return run;
}

// The messages of a batch with each run joined to one.
class Joined {
 public:
  Joined(const mmsghdr* messages, unsigned count, size_t limit) {
    size_t control_size = 0;
    for (unsigned i = 0; i < count; i += runs_.back().messages) {
      runs_.push_back(FirstRun(messages + i, count - i, limit));
      messages_.push_back(messages[i]);
      if (runs_.back().messages > 1)
        control_size += messages[i].msg_hdr.msg_controllen + CMSG_SPACE(sizeof(uint16_t));
    }
    control_.resize(control_size);
    uint8_t* control = control_.data();
    for (size_t i = 0; i < runs_.size(); i++) {
      if (runs_[i].messages > 1) control = Join(runs_[i], &messages_[i].msg_hdr, control);
    }
  }

  unsigned count() const { return static_cast<unsigned>(messages_.size()); }
  mmsghdr* data() { return messages_.data(); }
  // Returns how many messages the first `count` joined ones stand for.
  unsigned MessagesOf(unsigned count) const {
    unsigned messages = 0;
    for (unsigned i = 0; i < count; i++) messages += runs_[i].messages;
    return messages;
  }

 private:
  // Makes the first message of a run that of all. Returns the end of its control messages.
  static uint8_t* Join(const Run& run, msghdr* message, uint8_t* control) {
    const uint16_t segment = static_cast<uint16_t>(run.segment);
    cmsghdr header{};
    header.cmsg_len = CMSG_LEN(sizeof segment);
    header.cmsg_level = IPPROTO_UDP;
    header.cmsg_type = UDP_SEGMENT;
    const size_t own = message->msg_controllen;
    if (own > 0) memcpy(control, message->msg_control, own);
    memcpy(control + own, &header, sizeof header);
    memcpy(control + own + CMSG_LEN(0), &segment, sizeof segment);
    message->msg_control = control;
    message->msg_controllen = own + CMSG_SPACE(sizeof segment);
    // The buffers of all messages of a batch lie one behind the other.
    message->msg_iovlen = run.buffers;
    return control + message->msg_controllen;
  }

  std::vector<Run> runs_;
  std::vector<mmsghdr> messages_;
  std::vector<uint8_t> control_;
};

int Send(int fd, mmsghdr* messages, unsigned count, int flags) {
  return WithoutSignal(flags, [&](int all) { return ::sendmmsg(fd, messages, count, all); });
}

// Returns whether the batch has a run at all, which costs no system call to know.
bool HasRun(const mmsghdr* messages, unsigned count) {
  for (unsigned i = 0; i + 1 < count; i++) {
    if (FirstRun(messages + i, 2, kRunSize).messages > 1) return true;
  }
  return false;
}

// Returns whether a message goes elsewhere than to the connected peer, on another way.
bool HasAddress(const mmsghdr* messages, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    if (messages[i].msg_hdr.msg_namelen > 0) return true;
  }
  return false;
}

}  // namespace

int SendSegmented(int fd, mmsghdr* messages, unsigned count, int flags, bool* refused) {
  if ((flags & ~kSameFlags) != 0 || !HasRun(messages, count) || !SendsPlainly(fd))
    return Send(fd, messages, count, flags);
  const int largest = HasAddress(messages, count) ? -1 : LargestWhole(fd);
  const bool connected = largest >= 0;
  Joined joined(messages, count, connected ? static_cast<size_t>(largest) : kRunSize);
  if (joined.count() == count) return Send(fd, messages, count, flags);
  int done = Send(fd, joined.data(), joined.count(), flags);
  if (done == static_cast<int>(joined.count())) return static_cast<int>(count);
  if (done > 0) {
    const unsigned sent = joined.MessagesOf(static_cast<unsigned>(done));
    // The kernel has not told what the next one fails with. To a connected peer all go the same way, so it is
    // no refusal, and a pending error is left to the next call.
    if (connected) return static_cast<int>(sent);
    int next = Send(fd, joined.data() + done, 1, flags | MSG_DONTWAIT);
    if (next > 0) return static_cast<int>(joined.MessagesOf(static_cast<unsigned>(done) + 1));
    if (!IsRefusal(errno)) return static_cast<int>(sent);
    *refused = true;
    int rest = Send(fd, messages + sent, count - sent, flags);
    return static_cast<int>(sent) + (rest > 0 ? rest : 0);
  }
  // EMSGSIZE of a connected socket is no refusal: the datagrams are small enough. It reports an earlier one.
  if (connected && errno == EMSGSIZE) return -1;
  if (!IsRefusal(errno) && !IsShortage(errno)) return -1;
  *refused = IsRefusal(errno);
  return Send(fd, messages, count, flags);
}

}  // namespace bsd_sockets
