// The wait: every system call that may block on the thread of an environment goes through Await or AwaitCall.
//
// `Await` makes the plain call and repeats it after an interruption, when JavaScript has run (PEP 475). After
// EAGAIN it waits for readiness, if there is time left, and calls again. The call comes first because poll()
// is no substitute for it: an AF_ALG socket, or accept() on a datagram socket, would never become ready.
// `AwaitCall` is for calls that wait by themselves.
#ifndef BSD_SOCKETS_WAIT_H_
#define BSD_SOCKETS_WAIT_H_

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <climits>
#include <cmath>

#include "descriptor.h"
#include "state.h"

namespace bsd_sockets {

// The deadline of a call by its `timeout_ms`: -1 stands for none, 0 for one that has passed.
class Deadline {
 public:
  explicit Deadline(double timeout_ms) : timeout_ms_(timeout_ms) {
    if (timeout_ms > 0) end_ns_ = NowNs() + timeout_ms * 1e6;
  }

  bool never() const { return timeout_ms_ < 0; }
  bool immediate() const { return timeout_ms_ == 0; }
  bool passed() const { return immediate() || (!never() && end_ns_ <= NowNs()); }
  // Writes the time left to `storage` and returns it; null if there is no deadline.
  const timespec* Left(timespec* storage) const {
    if (never()) return nullptr;
    double left_ns = immediate() ? 0 : end_ns_ - NowNs();
    if (left_ns < 0) left_ns = 0;
    // Limited to 1e9 seconds, which any time_t holds.
    if (left_ns > 1e18) left_ns = 1e18;
    storage->tv_sec = static_cast<time_t>(left_ns / 1e9);
    storage->tv_nsec = static_cast<long>(left_ns - storage->tv_sec * 1e9);
    return storage;
  }
  // Returns the time left for calls that count milliseconds, rounded up so that no call returns early.
  int LeftMs() const {
    timespec left;
    if (Left(&left) == nullptr) return -1;
    double left_ms = std::ceil(left.tv_sec * 1e3 + left.tv_nsec / 1e6);
    return left_ms < INT_MAX ? static_cast<int>(left_ms) : INT_MAX;
  }

 private:
  static double NowNs() {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1e9 + now.tv_nsec;
  }

  const double timeout_ms_;
  double end_ns_ = 0;
};

// Makes the call once and returns its result or -errno. After -EINTR the caller has to call
// State::HandleInterruption.
template <typename Call>
int64_t Attempt(State& state, const DescriptorUse& use, Call&& call) {
  Waiter& waiter = state.waiter();
  int outer_fd = waiter.SetBlockedFd(use.fd());
  int64_t result = -EINTR;
  if (waiter.Enter() && !use.closing()) {
    result = call();
    if (result < 0) result = -errno;
  }
  waiter.Leave();
  waiter.SetBlockedFd(outer_fd);
  return result;
}

// Makes the call and repeats it after interruptions. JavaScript may run between two attempts, so `call` must
// not keep a pointer into memory that JavaScript can reach: see View::Reload.
template <typename Call>
int64_t Interruptible(State& state, const DescriptorUse& use, Call&& call) {
  for (;;) {
    int64_t result = Attempt(state, use, call);
    if (result != -EINTR) return result;
    int64_t outcome = state.HandleInterruption();
    if (use.closing()) return -EBADF;
    if (outcome != 0) return outcome;
  }
}

// Waits for any of `events` (POLLIN, …). Returns 0 if the descriptor is ready, kTimedOut, or why the wait
// ended.
inline int64_t WaitReady(State& state, const DescriptorUse& use, short events, const Deadline& deadline) {
  pollfd poll_fd{use.fd(), events, 0};
  timespec storage;
  int64_t result =
      Interruptible(state, use, [&] { return ppoll(&poll_fd, 1, deadline.Left(&storage), nullptr); });
  if (result == 0) return kTimedOut;
  return result > 0 ? 0 : result;
}

// Returns the events after which a receive with these flags is tried again. Ordinary data is none for a
// receive that does not take it: it would be tried in a busy loop. The error queue shows as POLLERR, which
// poll() always reports.
inline short ReceiveEvents(int flags) {
  if ((flags & MSG_ERRQUEUE) != 0) return 0;
  return (flags & MSG_OOB) != 0 ? POLLPRI : POLLIN;
}

// Returns whether O_NONBLOCK is set in the open file description.
inline bool IsNonBlocking(int fd) {
  int flags = fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_NONBLOCK) != 0;
}

// Sets or clears O_NONBLOCK in the open file description. Returns -1, with errno, if that fails.
inline int SetNonBlocking(int fd, bool nonblocking) {
  int flags = fcntl(fd, F_GETFL);
  int wanted = nonblocking ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
  return flags < 0 || flags == wanted ? flags : fcntl(fd, F_SETFL, wanted);
}

// Returns the flags for one attempt of a receive or a send. A call with a time-out never waits in the kernel,
// also if another holder of the description cleared O_NONBLOCK: to the kernel MSG_DONTWAIT is that flag for
// one call. Calls without flags (accept, connect, sendfile) set O_NONBLOCK again, by SetNonBlocking.
inline int AttemptFlags(int flags, double timeout_ms) {
  return timeout_ms < 0 ? flags : flags | MSG_DONTWAIT;
}

// Milliseconds between two attempts of a send that no readiness reports.
constexpr double kFullPauseMs = 1;

// Makes a call that does not block: there is nothing to interrupt.
template <typename Call>
int64_t Try(const DescriptorUse& use, Call&& call) {
  for (;;) {
    if (use.closing()) return -EBADF;
    int64_t result = call();
    if (result >= 0) return result;
    if (errno != EINTR) return -errno;
  }
}

// Makes a call that waits by itself, such as poll(2) or connect(2). With timeout_ms 0 the call must not
// block.
template <typename Call>
int64_t AwaitCall(State& state, const DescriptorUse& use, double timeout_ms, Call&& call) {
  if (timeout_ms == 0) return Try(use, call);
  int error = state.PrepareToBlock();
  return error != 0 ? error : Interruptible(state, use, call);
}

// Makes a call that may block on a descriptor, and repeats it after EAGAIN until the deadline. The clock
// starts at the first wait; a call that need not wait does not read it.
template <typename Call>
int64_t Await(State& state, int fd, uint32_t generation, short events, double timeout_ms, Call&& call) {
  DescriptorUse use(fd, generation);
  if (!use.valid()) return -EBADF;
  int64_t result = AwaitCall(state, use, timeout_ms, call);
  if (result != -EAGAIN || timeout_ms == 0) return result;
  // Without a deadline the descriptor blocks, unless another holder of its description made it non-blocking.
  // Then this waits as well. EAGAIN of a blocking descriptor is the kernel's own time-out (SO_RCVTIMEO).
  if (timeout_ms < 0 && !IsNonBlocking(fd)) return result;
  Deadline deadline(timeout_ms);
  for (;;) {
    int64_t waited = WaitReady(state, use, events, deadline);
    if (waited != 0) return waited;
    result = Interruptible(state, use, call);
    if (result != -EAGAIN) return result;
    if (deadline.passed()) return kTimedOut;
    if (events != POLLOUT) continue;
    // The socket has room and its receiver has none (AF_UNIX datagrams): poll() does not wait for that.
    waited = WaitReady(state, use, 0, Deadline(kFullPauseMs));
    if (waited != 0 && waited != kTimedOut) return waited;
  }
}

// Makes a call on a descriptor that never waits.
template <typename Call>
int64_t Immediate(int fd, uint32_t generation, Call&& call) {
  DescriptorUse use(fd, generation);
  if (!use.valid()) return -EBADF;
  int64_t result = call();
  return result < 0 ? -errno : result;
}

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_WAIT_H_
