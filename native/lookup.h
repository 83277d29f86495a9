// A name lookup: one call of the C library's resolver, which may wait for seconds and cannot be interrupted.
//
// It runs on a thread of its own. The caller waits for its descriptor (blocking: `lookup_wait`; promises: any
// readiness), then takes the value; or abandons it, and what it holds is freed when the C library returns.
// Each thread and each environment holds a reference; the thread touches nothing but the lookup.
#ifndef BSD_SOCKETS_LOOKUP_H_
#define BSD_SOCKETS_LOOKUP_H_

#include <node_api.h>

#include <atomic>
#include <memory>

#include "state.h"

namespace bsd_sockets {

class Lookup {
 public:
  virtual ~Lookup();

  // The call, on the lookup's thread.
  virtual void Run() = 0;
  // What it found, for JavaScript; null where building the value failed.
  virtual napi_value Value(napi_env env) const = 0;

  bool done() const { return done_.load(std::memory_order_acquire); }
  Failure failure() const { return failure_; }
  int number() const { return number_; }
  // Readable once it is done; -1 where it was done at once.
  int event_fd() const { return event_fd_; }

  // Starts the thread. 0 or -errno.
  static int Start(const std::shared_ptr<Lookup>& lookup);
  // For a lookup that had no need of one.
  void SetDone() { done_.store(true, std::memory_order_release); }

 protected:
  void Fail(Failure failure, int number) {
    failure_ = failure;
    number_ = number;
  }
  // For getaddrinfo() and getnameinfo(): 0 is success, and EAI_SYSTEM means errno.
  void FailGai(int error);

 private:
  Failure failure_ = kNoFailure;
  int number_ = 0;
  std::atomic<bool> done_{false};
  int event_fd_ = -1;
};

// Each gives the number by which lookup_wait() and the others name it, or -errno: one that needs its thread,
// and one that is done.
int64_t StartLookup(State& state, const std::shared_ptr<Lookup>& lookup);
int64_t KeepDone(State& state, const std::shared_ptr<Lookup>& lookup);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_LOOKUP_H_
