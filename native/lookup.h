// A name lookup: one call of the resolver of the C library, which may wait for seconds and cannot be
// interrupted.
//
// A lookup runs on a thread that is not JavaScript's. The threads of a process are limited: more lookups
// queue. A blocking call waits by `lookup_wait`, promises by readiness of the environment's LookupEvent; then
// they take the value. An abandoned lookup leaves the queue, or is freed when the C library returns: its
// thread and the environment hold a reference each. The thread touches nothing but the lookup and the event.
#ifndef BSD_SOCKETS_LOOKUP_H_
#define BSD_SOCKETS_LOOKUP_H_

#include <node_api.h>
#include <time.h>

#include <atomic>
#include <cstdint>
#include <memory>

#include "state.h"

namespace bsd_sockets {

// Tells the event loop of an environment that some lookup of it is done. The threads of lookups share it with
// the environment.
class LookupEvent {
 public:
  ~LookupEvent();
  // A descriptor that each lookup makes readable when it is done, and that nobody reads; -errno if there is
  // none. Of a lookup that was done before the first call only Lookup::done() tells.
  int Descriptor();
  void Notify();

 private:
  std::atomic<int> fd_{-1};
};

class Lookup {
 public:
  virtual ~Lookup() = default;

  // Makes the call, on the thread of the lookup.
  virtual void Run() = 0;
  // Creates the JavaScript value of the result; null if that fails.
  virtual napi_value Value(napi_env env) const = 0;

  bool done() const { return done_.load() != 0; }
  Failure failure() const { return failure_; }
  int number() const { return number_; }
  // Marks the lookup as done, and wakes the thread in Sleep().
  void SetDone();
  // Waits until the lookup is done: the system call futex(2), which an interruption ends.
  int64_t Sleep(const timespec* timeout);

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
  std::atomic<uint32_t> done_{0};
};

// Starts a lookup, or keeps a lookup that is done. Each returns the number by which lookup_wait() and the
// other calls name the lookup, or -errno.
int64_t StartLookup(State& state, const std::shared_ptr<Lookup>& lookup);
int64_t KeepDone(State& state, const std::shared_ptr<Lookup>& lookup);

// Abandons every lookup of an environment that ends.
void AbandonLookups(State& state);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_LOOKUP_H_
