// The watchdog: one thread of the process that ends blocked system calls when JavaScript has to run.
//
// A blocking recv() in an addon cannot see worker.terminate(), process.exit() or a signal with a listener.
// What announces them all is the environment's libuv loop: its backend descriptor becomes readable. The
// watchdog holds every environment's backend in one epoll, edge-triggered, and interrupts the blocked thread
// with a signal whose handler is empty and not SA_RESTART, so that the plain system call returns EINTR.
// `Waiter` is the environment's side of it: a state word that makes the interruption exact, so that no EINTR
// strays into other code.
#ifndef BSD_SOCKETS_WATCHDOG_H_
#define BSD_SOCKETS_WATCHDOG_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace bsd_sockets {

class Waiter {
 public:
  Waiter() = default;
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // What becomes readable when the environment wants to run; without one a blocked thread is interrupted
  // every 50 ms to look.
  void SetBackend(int fd) { backend_fd_ = fd; }

  // Registers with the watchdog, from the environment's own thread; once, before the first blocking call.
  // -errno.
  int Register();
  // Forgets the environment; after it the watchdog does not touch this object. From its own thread.
  void Unregister();
  // Also watches this descriptor (the main thread's signal pipe), which may appear late.
  void Watch(int fd);

  // Around each system call that may block. Enter's false means that something is pending: Leave, then
  // Attend.
  bool Enter() {
    state_.store(kBlocked);
    return !kick_pending_.load();
  }
  void Leave() {
    int expected = kBlocked;
    if (!state_.compare_exchange_strong(expected, kIdle)) LeaveKicked();
  }
  // Called before JavaScript is looked after: takes the pending kick.
  void Acknowledge();

  // Which descriptor the thread is blocked on, for close() from another thread. Only this thread writes it,
  // and Enter orders the store before the call.
  int Exchange(int fd) {
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

  // The watchdog's notes, under its mutex.
  uint64_t id_ = 0;
  uint64_t due_ns_ = 0;  // 0: not on the agenda
  uint64_t resend_ns_ = 0;
  uint64_t look_ns_ = 0;
  bool looking_ = false;
  int idle_edges_ = 0;
};

// Ends every call that is blocked on this descriptor; they find it closing and return EBADF.
void InterruptUsersOf(int fd);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_WATCHDOG_H_
