// The watchdog: one thread of the process that interrupts blocked system calls when JavaScript has to run.
//
// A blocking recv() in an addon cannot see worker.terminate(), process.exit() or a signal with a listener.
// Each of them makes the backend descriptor of the environment's libuv loop readable. The watchdog has the
// backends of all environments in one epoll instance, edge-triggered. It interrupts the blocked thread by a
// signal whose handler is empty and not SA_RESTART, so that the plain system call returns EINTR. `Waiter` is
// the side of the environment: its state word makes the interruption exact, so that no other code ever gets
// an EINTR.
#ifndef BSD_SOCKETS_WATCHDOG_H_
#define BSD_SOCKETS_WATCHDOG_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>
#include <memory>

namespace bsd_sockets {

class Waiter {
 public:
  // Returns the waiter of this thread, which exists as long as it is used.
  static std::shared_ptr<Waiter> OfThread();
  Waiter() = default;
  ~Waiter();
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // Sets the descriptor that becomes readable when the environment has to run. Without one a blocked thread
  // is interrupted every 50 ms to look. Without effect once it is registered.
  void SetBackend(int fd) {
    if (id_ == 0) backend_fd_ = fd;
  }

  // Registers with the watchdog, if it is not, on the environment's own thread, before the first blocking
  // call. 0 or -errno.
  int Register();
  // Also watches this descriptor: the signal pipe of the main thread, which may not exist at registration.
  void Watch(int fd);

  // Enter and Leave stand around each system call that may block. If Enter returns false, an interruption is
  // pending: the caller makes no call, but has to Leave and then to call State::HandleInterruption.
  bool Enter() {
    state_.store(kBlocked);
    return !kick_pending_.load();
  }
  void Leave() {
    int expected = kBlocked;
    if (!state_.compare_exchange_strong(expected, kIdle)) LeaveKicked();
  }
  // Clears the pending interruption, before JavaScript runs.
  void Acknowledge();

  // Sets the descriptor that the thread is about to block on, for close() on another thread, and returns the
  // one before. Only this thread writes it, and Enter orders the store before the call.
  int SetBlockedFd(int fd) {
    int outer = blocked_fd_.load(std::memory_order_relaxed);
    blocked_fd_.store(fd, std::memory_order_relaxed);
    return outer;
  }

 private:
  friend class Watchdog;
  enum State { kIdle, kBlocked, kKicking, kKicked };

  void LeaveKicked();
  void Kick();

  int backend_fd_ = -1;
  int watched_fd_ = -1;
  pthread_t thread_{};
  std::atomic<int> state_{kIdle};
  std::atomic<bool> kick_pending_{false};
  std::atomic<bool> disarmed_{false};
  std::atomic<int> blocked_fd_{-1};

  // Fields of the watchdog, under its mutex.
  uint64_t id_ = 0;
  uint64_t due_ns_ = 0;  // 0: not in the agenda
  uint64_t resend_ns_ = 0;
  uint64_t look_ns_ = 0;
  bool looking_ = false;
  int idle_edges_ = 0;
};

// Interrupts every call that is blocked on this descriptor. The calls find it closing and return -EBADF.
void InterruptUsersOf(int fd);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_WATCHDOG_H_
