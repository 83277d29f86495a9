// The state of an environment (the main thread or a worker): the exchange memory shared with
// lib/native/addon.ts, the waiter, the descriptors that the environment owns and the JavaScript functions
// that native code calls.
//
// Created when the addon is loaded into the environment, deleted by its cleanup hook. Threads share nothing
// of it; descriptor.cc, watchdog.cc and share.cc have the state of the process.
#ifndef BSD_SOCKETS_STATE_H_
#define BSD_SOCKETS_STATE_H_

#include <node_api.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "layout.h"
#include "loop.h"
#include "signals.h"
#include "watchdog.h"

namespace bsd_sockets {

static_assert(kAddressSize == sizeof(sockaddr_storage));

class Lookup;
class LookupEvent;
class Readiness;

class State {
 public:
  // Returns null if there is no memory, with an exception pending, or if the environment is stopping.
  static State* Create(napi_env env);
  ~State();

  napi_env env() const { return env_; }
  Exchange& exchange() { return *exchange_; }
  napi_value exchange_buffer() const;
  Waiter& waiter() { return waiter_; }

  // The event loop of libuv; null if the runtime has no usable one.
  uv_loop_t* loop() const { return loop_; }

  // setup(probe, signals, is_main, use_libuv): see addon.cc.
  napi_status SetUp(napi_value probe, napi_value signals, bool is_main, bool use_libuv);

  // Registers with the watchdog, at the first blocking call. 0 or -errno.
  int PrepareToBlock() { return prepared_ && !signals_.pipe_missing() ? 0 : Prepare(); }

  // Handles an interruption: lets V8 handle a pending termination or request of the inspector, and runs the
  // listeners of signals. Returns 0 to go on, else -EINTR (siginterrupt), kStopping or kThrew.
  int64_t HandleInterruption();

  // The descriptors that are closed with this environment. Adopt takes the result of a call that makes a
  // descriptor. It returns the same number, with the generation in the cell, or the same error.
  int64_t Adopt(int64_t fd, Cell generation_cell = kGeneration);
  void Disown(int fd) { owned_.erase(fd); }
  int64_t Close(int fd, uint32_t generation);

  bool siginterrupt = false;

  // Name lookups that are under way or not yet taken, by number. See lookup.h.
  std::unordered_map<int32_t, std::shared_ptr<Lookup>> lookups;
  int32_t last_lookup = 0;
  std::shared_ptr<LookupEvent> lookup_event;

  // Null until the first promise waits. Its own cleanup hook deletes it.
  Readiness* readiness = nullptr;

 private:
  explicit State(napi_env env);
  int Prepare();
  int64_t DispatchSignals();

  napi_env env_;
  uv_loop_t* loop_ = nullptr;
  Waiter waiter_;
  SignalPipe signals_;
  bool prepared_ = false;
  Exchange* exchange_ = nullptr;
  napi_ref exchange_ref_ = nullptr;
  napi_ref probe_ref_ = nullptr;
  napi_ref signals_ref_ = nullptr;
  std::unordered_map<int, uint32_t> owned_;
};

// Closes a descriptor and wakes every thread that is blocked on it. 0 or -errno; -EBADF: a stale generation.
int64_t CloseAndInterrupt(int fd, uint32_t generation);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_STATE_H_
