// The watchdog thread, its agenda (waiters by the time of their next look or signal), and the state word of a
// Waiter. See watchdog.h.
//
// A kick is a signal that interrupts a blocked thread. The state is kBlocked around a call and else kIdle.
// The watchdog changes kBlocked to kKicking, sends the signal and changes to kKicked. A thread that leaves
// its call waits until kKicking is over, and receives a sent signal before it goes on. A signal may arrive
// before the thread has reached the system call, so it is sent again (after 50 us, then twice as long each
// time) until the thread leaves.
#include "watchdog.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <unordered_map>

#include "thread.h"

namespace bsd_sockets {
namespace {

constexpr uint64_t kMicrosecond = 1000;
constexpr uint64_t kMillisecond = 1000 * kMicrosecond;
constexpr uint64_t kSecond = 1000 * kMillisecond;

// Nanoseconds after which a kick is sent again: at first, and at most.
constexpr uint64_t kFirstResend = 50 * kMicrosecond;
constexpr uint64_t kLongestResend = 10 * kMillisecond;
// Nanoseconds after which a backend that stays readable is looked at again, at first and at most: a pending
// uv_async makes no new edge.
constexpr uint64_t kFirstLook = kSecond;
constexpr uint64_t kLongestLook = 8 * kSecond;
// Nanoseconds between two looks at an environment without a backend.
constexpr uint64_t kBlindLook = 50 * kMillisecond;
// Number of edges, or looks, outside of any call after which the watchdog ignores the environment until it
// blocks again: a busy event loop makes an edge per event.
constexpr int kIdleEdges = 16;

uint64_t Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * kSecond + now.tv_nsec;
}

bool Readable(int fd) {
  if (fd < 0) return false;
  pollfd poll_fd{fd, POLLIN, 0};
  return poll(&poll_fd, 1, 0) > 0;
}

void OnKick(int) {}

// Finds a real-time signal that this process does not handle, and installs an empty handler; 0: all are
// taken.
int ClaimSignal() {
  for (int number = SIGRTMAX - 3; number > SIGRTMIN; number--) {
    struct sigaction action;
    if (sigaction(number, nullptr, &action) != 0 || action.sa_handler != SIG_DFL) continue;
    action = {};
    action.sa_handler = OnKick;
    if (sigaction(number, &action, nullptr) == 0) return number;
  }
  return 0;
}

}  // namespace

class Watchdog {
 public:
  static Watchdog& Get() {
    // Never destroyed: its thread outlives every environment.
    static Watchdog* const watchdog = new Watchdog;
    return *watchdog;
  }

  int Register(Waiter* waiter) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiter->id_ != 0) return 0;
    int error = Start();
    if (error != 0) return -error;
    sigset_t kick;
    sigemptyset(&kick);
    sigaddset(&kick, signal_);
    pthread_sigmask(SIG_UNBLOCK, &kick, nullptr);
    waiter->thread_ = pthread_self();
    waiter->id_ = ++last_id_;
    if (waiter->backend_fd_ >= 0 && !Control(EPOLL_CTL_ADD, waiter, waiter->backend_fd_, EPOLLIN | EPOLLET)) {
      int add_error = errno;
      waiter->id_ = 0;
      return -add_error;
    }
    waiters_[waiter->id_] = waiter;
    if (waiter->backend_fd_ < 0) LookSoon(waiter);
    return 0;
  }

  void Unregister(Waiter* waiter) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiter->id_ == 0) return;
    if (waiter->backend_fd_ >= 0) Control(EPOLL_CTL_DEL, waiter, waiter->backend_fd_, 0);
    if (waiter->watched_fd_ >= 0) Control(EPOLL_CTL_DEL, waiter, waiter->watched_fd_, 0);
    Unschedule(waiter);
    waiters_.erase(waiter->id_);
    waiter->id_ = 0;
  }

  void Watch(Waiter* waiter, int fd) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiter->id_ == 0) return;
    if (Control(EPOLL_CTL_ADD, waiter, fd, EPOLLIN | EPOLLET)) waiter->watched_fd_ = fd;
  }

  void Rearm(Waiter* waiter) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (waiter->id_ == 0) return;
    waiter->idle_edges_ = 0;
    waiter->disarmed_.store(false);
    if (waiter->backend_fd_ < 0) {
      LookSoon(waiter);
    } else {
      Control(EPOLL_CTL_MOD, waiter, waiter->backend_fd_, EPOLLIN | EPOLLET);
    }
  }

  void InterruptUsersOf(int fd) {
    std::lock_guard<std::mutex> lock(mutex_);
    bool any = false;
    for (auto& entry : waiters_) {
      Waiter* waiter = entry.second;
      if (waiter->blocked_fd_.load() != fd || pthread_equal(waiter->thread_, pthread_self())) continue;
      Interrupt(waiter, Now());
      any = true;
    }
    if (any) Wake();
  }

 private:
  // Starts the thread at the first registration: a process that never blocks has none. The caller holds the
  // mutex.
  int Start() {
    if (epoll_fd_ >= 0) return 0;
    if (signal_ == 0) signal_ = ClaimSignal();
    if (signal_ == 0) return EBUSY;
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0) return errno;
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = 0;
    if (event_fd < 0 || epoll_ctl(epoll_fd, EPOLL_CTL_ADD, event_fd, &event) != 0) {
      int error = errno;
      if (event_fd >= 0) close(event_fd);
      close(epoll_fd);
      return error;
    }
    epoll_fd_ = epoll_fd;
    event_fd_ = event_fd;
    int error = StartThread();
    if (error != 0) {
      close(event_fd_);
      close(epoll_fd_);
      epoll_fd_ = event_fd_ = -1;
    }
    return error;
  }

  int StartThread() {
    return StartDetachedThread(
        128 * 1024,
        [](void* self) -> void* {
          pthread_setname_np(pthread_self(), "socket-watchdog");
          static_cast<Watchdog*>(self)->Run();
          return nullptr;
        },
        this);
  }

  void Run() {
    epoll_event events[256];
    uint64_t due = 0;
    for (;;) {
      Sleep(due);
      int count = epoll_wait(epoll_fd_, events, 256, 0);
      std::lock_guard<std::mutex> lock(mutex_);
      uint64_t now = Now();
      for (int i = 0; i < count; i++) {
        if (events[i].data.u64 == 0) {
          eventfd_t ignored;
          eventfd_read(event_fd_, &ignored);
          continue;
        }
        auto found = waiters_.find(events[i].data.u64);
        if (found != waiters_.end()) OnEdge(found->second, now);
      }
      while (!agenda_.empty() && agenda_.begin()->first <= now) {
        Waiter* waiter = agenda_.begin()->second;
        Unschedule(waiter);
        OnDue(waiter, now);
      }
      due = agenda_.empty() ? 0 : agenda_.begin()->first;
    }
  }

  // Waits for an event or the time `due` (0: none). By ppoll, because epoll_wait counts whole milliseconds.
  void Sleep(uint64_t due) {
    pollfd poll_fd{epoll_fd_, POLLIN, 0};
    if (due == 0) {
      ppoll(&poll_fd, 1, nullptr, nullptr);
      return;
    }
    uint64_t now = Now();
    uint64_t left = due > now ? due - now : 0;
    timespec timeout{static_cast<time_t>(left / kSecond), static_cast<long>(left % kSecond)};
    ppoll(&poll_fd, 1, &timeout, nullptr);
  }

  void OnEdge(Waiter* waiter, uint64_t now) {
    waiter->look_ns_ = kFirstLook;
    if (waiter->state_.load() != Waiter::kIdle) {
      waiter->idle_edges_ = 0;
    } else if (++waiter->idle_edges_ == kIdleEdges) {
      waiter->disarmed_.store(true);
      Control(EPOLL_CTL_MOD, waiter, waiter->backend_fd_, 0);
    }
    Interrupt(waiter, now);
  }

  void Interrupt(Waiter* waiter, uint64_t now) {
    waiter->kick_pending_.store(true);
    waiter->Kick();
    waiter->looking_ = false;
    waiter->resend_ns_ = kFirstResend;
    Schedule(waiter, now + kFirstResend);
  }

  void OnDue(Waiter* waiter, uint64_t now) {
    if (waiter->state_.load() == Waiter::kKicked) {
      waiter->Kick();
      waiter->resend_ns_ = std::min(waiter->resend_ns_ * 2, kLongestResend);
      Schedule(waiter, now + waiter->resend_ns_);
      return;
    }
    bool blind = waiter->backend_fd_ < 0;
    if (!blind && (waiter->disarmed_.load() || !Readable(waiter->backend_fd_))) return;
    if (waiter->looking_) {
      waiter->look_ns_ = std::min(waiter->look_ns_ * 2, kLongestLook);
      if (waiter->state_.load() == Waiter::kBlocked) {
        waiter->idle_edges_ = 0;
        Interrupt(waiter, now);
        return;
      }
      if (blind && MayRest(waiter)) return;
    }
    waiter->looking_ = true;
    Schedule(waiter, now + (blind ? kBlindLook : waiter->look_ns_));
  }

  void LookSoon(Waiter* waiter) {
    waiter->looking_ = true;
    Schedule(waiter, Now() + kBlindLook);
    Wake();
  }

  // Returns whether the looks at a thread can stop, because it was in no call during the last kIdleEdges
  // looks. The pending kick makes it Acknowledge at its next call, which starts the looks again. False if the
  // thread has just blocked without seeing the pending kick.
  bool MayRest(Waiter* waiter) {
    if (++waiter->idle_edges_ < kIdleEdges) return false;
    waiter->disarmed_.store(true);
    waiter->kick_pending_.store(true);
    return waiter->state_.load() == Waiter::kIdle;
  }

  bool Control(int operation, Waiter* waiter, int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.u64 = waiter->id_;
    return epoll_ctl(epoll_fd_, operation, fd, &event) == 0;
  }

  void Schedule(Waiter* waiter, uint64_t due_ns) {
    Unschedule(waiter);
    waiter->due_ns_ = due_ns;
    agenda_.emplace(due_ns, waiter);
  }

  void Unschedule(Waiter* waiter) {
    if (waiter->due_ns_ == 0) return;
    agenda_.erase({waiter->due_ns_, waiter});
    waiter->due_ns_ = 0;
  }

  void Wake() { eventfd_write(event_fd_, 1); }

  friend class Waiter;

  std::mutex mutex_;
  int epoll_fd_ = -1;
  int event_fd_ = -1;
  int signal_ = 0;
  uint64_t last_id_ = 0;
  std::unordered_map<uint64_t, Waiter*> waiters_;
  std::set<std::pair<uint64_t, Waiter*>> agenda_;
};

std::shared_ptr<Waiter> Waiter::OfThread() {
  thread_local std::weak_ptr<Waiter> of_thread;
  std::shared_ptr<Waiter> waiter = of_thread.lock();
  if (waiter == nullptr) of_thread = waiter = std::make_shared<Waiter>();
  return waiter;
}

Waiter::~Waiter() { Watchdog::Get().Unregister(this); }

int Waiter::Register() { return Watchdog::Get().Register(this); }

void Waiter::Watch(int fd) { Watchdog::Get().Watch(this, fd); }

void Waiter::Acknowledge() {
  kick_pending_.store(false);
  if (disarmed_.load()) Watchdog::Get().Rearm(this);
}

// Runs on the thread of the watchdog, or one that closes, under the mutex: the waiter cannot unregister
// meanwhile.
void Waiter::Kick() {
  int expected = kBlocked;
  if (!state_.compare_exchange_strong(expected, kKicking)) {
    expected = kKicked;
    if (!state_.compare_exchange_strong(expected, kKicking)) return;
  }
  pthread_kill(thread_, Watchdog::Get().signal_);
  state_.store(kKicked);
}

void Waiter::LeaveKicked() {
  for (;;) {
    int expected = kKicked;
    if (state_.compare_exchange_strong(expected, kIdle)) break;
    expected = kBlocked;
    if (state_.compare_exchange_strong(expected, kIdle)) return;
    sched_yield();
  }
  // A sent signal is delivered at the end of a system call: of this one, and not of one in other code.
  syscall(SYS_gettid);
}

void InterruptUsersOf(int fd) { Watchdog::Get().InterruptUsersOf(fd); }

}  // namespace bsd_sockets
