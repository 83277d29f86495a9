// The wait: every system call that may block on the thread of an environment goes through Await or AwaitCall.
//
// `Await` makes the plain call and repeats it after an interruption, when JavaScript has run (PEP 475). After
// EAGAIN it waits for readiness (ReadyWait), if there is time left, and calls again. The call comes first
// because poll() is no substitute for it: an AF_ALG socket, or accept() on a datagram socket, would never
// become ready.
// `AwaitCall` is for calls that wait by themselves.
#ifndef BSD_SOCKETS_WAIT_H_
#define BSD_SOCKETS_WAIT_H_

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include <climits>
#include <cmath>
#include <optional>
#include <utility>

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
  if (waiter.Enter() && !use.stale()) {
    result = call();
    if (result < 0) result = -errno;
  }
  waiter.Leave();
  waiter.SetBlockedFd(outer_fd);
  return result;
}

// Makes the call and repeats it after interruptions. JavaScript may run between two attempts, so `call` must
// not keep a pointer into memory that JavaScript can reach: see View::Refresh.
template <typename Call>
int64_t Interruptible(State& state, const DescriptorUse& use, Call&& call) {
  for (;;) {
    int64_t result = Attempt(state, use, call);
    if (result != -EINTR) return result;
    bool owned = state.Owns(use.fd());
    int64_t outcome = state.HandleInterruption();
    // A listener may have closed the descriptor, or given it away by detach().
    if (use.stale() || (owned && !state.Owns(use.fd()))) return -EBADF;
    if (outcome != 0) return outcome;
  }
}

// Waits until `fd` has any of `events` (POLLIN, …), for a call on the descriptor of `use`. Returns 0 if it
// has, kTimedOut, or why the wait ended.
inline int64_t WaitPoll(State& state, const DescriptorUse& use, int fd, short events,
                        const Deadline& deadline) {
  pollfd poll_fd{fd, events, 0};
  timespec storage;
  int64_t result =
      Interruptible(state, use, [&] { return ppoll(&poll_fd, 1, deadline.Left(&storage), nullptr); });
  if (result == 0) return kTimedOut;
  return result > 0 ? 0 : result;
}

inline int64_t WaitReady(State& state, const DescriptorUse& use, short events, const Deadline& deadline) {
  return WaitPoll(state, use, use.fd(), events, deadline);
}

// The events of the error queue, from which the kernel never waits: POLLERR, which poll() always reports.
constexpr short kErrorQueueEvents = 0;

// Returns the events after which a receive with these flags is tried again. Ordinary data is none for a
// receive that does not take it: it would be tried in a busy loop.
inline short ReceiveEvents(int flags) {
  if ((flags & MSG_ERRQUEUE) != 0) return kErrorQueueEvents;
  return (flags & MSG_OOB) != 0 ? POLLPRI : POLLIN;
}

// Makes the flags of a send or receive and its time-out agree. A call with MSG_DONTWAIT does not wait. One
// with a time-out does not wait in the kernel, also if another holder of the open file description, which has
// O_NONBLOCK for all of them, has cleared it. Calls without flags (accept, connect, sendfile) set it again,
// by SetNonBlockingForAll.
inline void SettleWait(int* flags, double* timeout_ms) {
  if ((*flags & MSG_DONTWAIT) != 0) {
    *timeout_ms = 0;
  } else if (*timeout_ms >= 0) {
    *flags |= MSG_DONTWAIT;
  }
}

// Returns the time-out that the kernel has for waits for these events (SO_RCVTIMEO, SO_SNDTIMEO); -1: none.
inline double KernelTimeoutMs(int fd, short events) {
  timeval limit{};
  socklen_t size = sizeof limit;
  int option = events == POLLOUT ? SO_SNDTIMEO : SO_RCVTIMEO;
  if (getsockopt(fd, SOL_SOCKET, option, &limit, &size) != 0) return -1;
  double limit_ms = limit.tv_sec * 1e3 + limit.tv_usec / 1e3;
  return limit_ms > 0 ? limit_ms : -1;
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

// Makes the next call of a kind that takes no MSG_DONTWAIT (accept, connect, sendfile) not wait, also if
// another holder of the description has cleared O_NONBLOCK. The flag stays set, for that holder as well. To
// clear it again after the call would be no better and not safe: two threads or processes that accept from
// one listener would clear it for each other between test and call, and the second one would wait for ever.
// (A timer that ends a call that waits, armed for each call, would make an accept() twice as dear.)
inline void SetNonBlockingForAll(int fd) { SetNonBlocking(fd, true); }

// Nanoseconds between two attempts of a call that no readiness reports.
constexpr long kPauseNs = 1000 * 1000;

// The waits of one operation, between its calls.
//
// poll() reports POLLERR and POLLHUP, asked for or not, as long as the error queue has an entry or the
// connection is closed, and POLLIN of a socket that was shut down. A call that takes none of them fails with
// EAGAIN again. So only the first wait is for the state. Later ones are for a change, which epoll reports.
class ReadyWait {
 public:
  ReadyWait(State& state, const DescriptorUse& use, short events, const Deadline& deadline)
      : state_(state), use_(use), events_(events), deadline_(deadline) {}

  // Waits until the call is worth another try. Returns 0, kTimedOut, or why the wait ended.
  int64_t Next() {
    if (!std::exchange(waited_, true)) return WaitReady(state_, use_, events_, deadline_);
    // A datagram socket of AF_UNIX has room and its receiver has none: no change reports that.
    if (events_ == POLLOUT || !WatchChanges()) {
      timespec pause{0, kPauseNs};
      int64_t result = Interruptible(state_, use_, [&] { return ppoll(nullptr, 0, &pause, nullptr); });
      return result == 0 ? WaitReady(state_, use_, events_, deadline_) : result;
    }
    int64_t result = WaitPoll(state_, use_, changes_->get(), POLLIN, deadline_);
    epoll_event taken;
    if (result == 0) epoll_wait(changes_->get(), &taken, 1, 0);
    return result;
  }

 private:
  // Returns false if there is no descriptor or memory for it.
  bool WatchChanges() {
    if (changes_.has_value()) return true;
    changes_.emplace(epoll_create1(EPOLL_CLOEXEC));
    epoll_event event{};
    event.events = static_cast<uint32_t>(events_) | EPOLLET;
    // The first report is of the present state: nothing between the last call and now is missed.
    if (epoll_ctl(changes_->get(), EPOLL_CTL_ADD, use_.fd(), &event) == 0) return true;
    changes_.reset();
    return false;
  }

  State& state_;
  const DescriptorUse& use_;
  const short events_;
  const Deadline& deadline_;
  bool waited_ = false;
  std::optional<UniqueFd> changes_;
};

// Makes a call that does not block: there is nothing to interrupt.
template <typename Call>
int64_t Try(const DescriptorUse& use, Call&& call) {
  for (;;) {
    if (use.stale()) return -EBADF;
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

// Waits after EAGAIN and repeats the call until the deadline. Not inlined: most calls need not wait.
template <typename Call>
[[gnu::noinline]] int64_t Repeat(State& state, const DescriptorUse& use, short events, double timeout_ms,
                                 Call& call) {
  double limit_ms = timeout_ms;
  int64_t timed_out = kTimedOut;
  if (timeout_ms < 0) {
    // The kernel does not wait, or its own time-out has passed, or another holder has set O_NONBLOCK in the
    // description. Then this waits as the kernel would have.
    limit_ms = KernelTimeoutMs(use.fd(), events);
    timed_out = -EAGAIN;
    if (events == kErrorQueueEvents || (limit_ms >= 0 && !IsNonBlocking(use.fd()))) return -EAGAIN;
  }
  Deadline deadline(limit_ms);
  ReadyWait wait(state, use, events, deadline);
  for (;;) {
    int64_t waited = wait.Next();
    if (waited != 0) return waited == kTimedOut ? timed_out : waited;
    int64_t result = Interruptible(state, use, call);
    if (result != -EAGAIN) return result;
    if (deadline.passed()) return timed_out;
  }
}

// Makes a call that may block on a descriptor, and repeats it after EAGAIN until the deadline. The clock
// starts at the first wait; a call that need not wait does not read it.
template <typename Call>
int64_t Await(State& state, int fd, uint32_t generation, short events, double timeout_ms, Call&& call) {
  DescriptorUse use(fd, generation);
  if (!use.valid()) return -EBADF;
  int64_t result = AwaitCall(state, use, timeout_ms, call);
  return result != -EAGAIN || timeout_ms == 0 ? result : Repeat(state, use, events, timeout_ms, call);
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
