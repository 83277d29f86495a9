// poll(2) and select(2) over any descriptors. Both calls take an array of struct pollfd and differ only in
// the system call that they make.
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/select.h>

#include <algorithm>
#include <vector>

#include "arguments.h"
#include "calls.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

// The three sets of select(2). They can be of any size for the kernel; an fd_set ends at 1,024 descriptors.
class DescriptorSets {
 public:
  explicit DescriptorSets(int count) : words_each_((count + kWordBits - 1) / kWordBits) {
    words_.resize(3 * words_each_);
  }

  void Add(const pollfd& wanted) {
    for (int set = 0; set < 3; set++) {
      if ((wanted.events & kEvents[set]) != 0) Word(set, wanted.fd) |= Bit(wanted.fd);
    }
  }
  short Events(int fd) {
    short events = 0;
    for (int set = 0; set < 3; set++) {
      if ((Word(set, fd) & Bit(fd)) != 0) events |= kEvents[set];
    }
    return events;
  }
  fd_set* Get(int set) { return reinterpret_cast<fd_set*>(words_.data() + set * words_each_); }

 private:
  // The kernel reads a set as an array of unsigned long, the lowest bit first.
  static constexpr int kWordBits = 8 * sizeof(unsigned long);
  static constexpr short kEvents[] = {POLLIN, POLLOUT, POLLPRI};

  unsigned long& Word(int set, int fd) { return words_[set * words_each_ + fd / kWordBits]; }
  static unsigned long Bit(int fd) { return 1UL << (fd % kWordBits); }

  size_t words_each_;
  std::vector<unsigned long> words_;
};

// Fills in `revents` by poll(2).
int PollAll(std::vector<pollfd>& poll_fds, const timespec* left) {
  return ppoll(poll_fds.data(), poll_fds.size(), left, nullptr);
}

// Fills in `revents` by select(2): POLLIN, POLLOUT and POLLPRI stand for the three sets.
int SelectAll(std::vector<pollfd>& poll_fds, const timespec* left) {
  int highest = -1;
  for (const pollfd& wanted : poll_fds) {
    if (wanted.fd < 0) {
      errno = EBADF;
      return -1;
    }
    highest = std::max(highest, wanted.fd);
  }
  // The kernel ignores numbers beyond the descriptor table of the process, and leaves their bits as they are.
  if (highest >= 0 && fcntl(highest, F_GETFD) < 0) return -1;
  DescriptorSets sets(highest + 1);
  for (const pollfd& wanted : poll_fds) sets.Add(wanted);
  int count = pselect(highest + 1, sets.Get(0), sets.Get(1), sets.Get(2), left, nullptr);
  if (count < 0) return -1;
  for (pollfd& wanted : poll_fds) wanted.revents = sets.Events(wanted.fd) & wanted.events;
  return count;
}

template <int (*kCall)(std::vector<pollfd>&, const timespec*)>
napi_value WaitForAny(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  View bytes = args.Bytes(0);
  double timeout_ms = args.Double(1);
  if (!args.valid() || bytes.length() % sizeof(pollfd) != 0) return args.Invalid();
  size_t size = bytes.length();
  std::vector<pollfd> poll_fds(size / sizeof(pollfd));
  // An empty array may have a null pointer, which memcpy() does not accept.
  if (size > 0) memcpy(poll_fds.data(), bytes.data(), size);
  Deadline deadline(timeout_ms);
  timespec storage;
  int64_t count = AwaitCall(args.state(), DescriptorUse(), timeout_ms,
                            [&] { return kCall(poll_fds, deadline.Left(&storage)); });
  if (count < 0 || size == 0) return args.Return(count);
  if (!bytes.Refresh()) return args.Return(kDetached);
  memcpy(bytes.data(), poll_fds.data(), size);
  return args.Return(count);
}

}  // namespace

// poll(bytes, timeout_ms) -> number of ready descriptors; bytes is an array of struct pollfd, updated in
// place
napi_value Poll(napi_env env, napi_callback_info info) { return WaitForAny<PollAll>(env, info); }

// select(bytes, timeout_ms) -> number of bits in the sets; the same array, with events POLLIN, POLLOUT,
// POLLPRI
napi_value Select(napi_env env, napi_callback_info info) { return WaitForAny<SelectAll>(env, info); }

}  // namespace bsd_sockets
