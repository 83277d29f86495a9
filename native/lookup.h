// A name lookup: one call of the resolver of the C library, which may wait for seconds and cannot be
// interrupted.
//
// A lookup runs on a thread of its own. The caller waits for its descriptor (blocking calls by `lookup_wait`,
// promises by readiness), then takes the value. An abandoned lookup is freed when the C library returns: its
// thread and the environment hold a reference each. The thread touches nothing but the lookup.
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

  // Makes the call, on the thread of the lookup.
  virtual void Run() = 0;
  // Creates the JavaScript value of the result; null if that fails.
  virtual napi_value Value(napi_env env) const = 0;

  bool done() const { return done_.load(std::memory_order_acquire); }
  Failure failure() const { return failure_; }
  int number() const { return number_; }
  // A descriptor that becomes readable when the lookup is done; -1 if it was done at once.
  int event_fd() const { return event_fd_; }

  // Starts the thread. 0 or -errno.
  static int Start(const std::shared_ptr<Lookup>& lookup);
  // Marks a lookup as done that needed no thread.
  void SetDone() { done_.store(true, std::memory_order_release); }

 protected:
  void Fail(Failure failure, int number) {
    failure_ = failure;
    number_ = number;
  }
  // Fails with the result of getaddrinfo() or getnameinfo(): 0 is success, EAI_SYSTEM stands for errno.
  void FailGai(int error);

 private:
  Failure failure_ = kNoFailure;
  int number_ = 0;
  std::atomic<bool> done_{false};
  int event_fd_ = -1;
};

// Starts the thread of a lookup, or keeps a lookup that is done. Each returns the number by which
// lookup_wait() and the other calls name the lookup, or -errno.
int64_t StartLookup(State& state, const std::shared_ptr<Lookup>& lookup);
int64_t KeepDone(State& state, const std::shared_ptr<Lookup>& lookup);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_LOOKUP_H_
