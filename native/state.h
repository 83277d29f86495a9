// The state of one instance of the JavaScript in an environment (the main thread or a worker): the exchange
// memory shared with lib/native/addon.ts, the descriptors that the instance owns, its readiness, and the
// JavaScript functions that native code calls. There are several instances if a program loads several copies
// of the package, or one copy again.
//
// Created by setup(), deleted with the environment, or when the instance was collected: see addon.cc.
// Instances of an environment share their waiter. Threads share nothing; descriptor.cc, watchdog.cc and
// share.cc have the state of the process.
#ifndef BSD_SOCKETS_STATE_H_
#define BSD_SOCKETS_STATE_H_

#include <errno.h>
#include <node_api.h>
#include <sys/socket.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "descriptor.h"
#include "joined.h"
#include "layout.h"
#include "loop.h"
#include "signals.h"
#include "watchdog.h"

namespace bsd_sockets {

static_assert(kAddressSize == sizeof(sockaddr_storage));

class Lookup;
class LookupEvent;
class Readiness;

// Begins the generation of a descriptor that was just made, and wakes every thread that is blocked on an
// older one with its number. Returns the generation.
uint32_t BeginAndInterrupt(int fd);

// Closes a descriptor and wakes every thread that is blocked on it. 0 or -errno; -EBADF: a stale generation.
int64_t CloseAndInterrupt(int fd, uint32_t generation);

// The same without the wait of SO_LINGER: a thread, as the last user of the descriptor, waits.
int64_t CloseWithoutWait(int fd, uint32_t generation);

class State {
 public:
  // The arguments are those of setup(): see addon.cc. Returns null if there is no memory, with an exception
  // pending, or if the environment is stopping.
  static State* Create(napi_env env, napi_value probe, napi_value signals, bool use_libuv,
                       napi_value* exchange);
  ~State();
  // Gives back what the environment would keep, before a deletion that is not at its end.
  void Release();

  napi_env env() const { return env_; }
  Exchange& exchange() { return *exchange_; }
  Waiter& waiter() { return *waiter_; }

  // The event loop of libuv; null if the runtime has no usable one.
  uv_loop_t* loop() const { return loop_; }

  // Registers with the watchdog, at the first blocking call. 0 or -errno.
  int PrepareToBlock() { return prepared_ && !signals_.pipe_missing() ? 0 : Prepare(); }

  // Handles an interruption: lets V8 handle a pending termination or request of the inspector, and runs the
  // listeners of signals. Returns 0 to go on, else -EINTR (siginterrupt), kStopping or kThrew.
  int64_t HandleInterruption();
  // The number of interruptions so far. While it stays the same, no JavaScript has run within a native call.
  uint64_t interruptions() const { return interruptions_; }

  // The descriptors that are closed with this environment. Adopt takes the result of a call that makes a
  // descriptor and begins its generation. It returns the same number, with the generation in the cell, or the
  // same error. AdoptOpen takes a descriptor that exists already, whose generation stays; or -EBADF.
  int64_t Adopt(int64_t fd, Cell generation_cell = kGeneration);
  int64_t AdoptOpen(int fd);
  // The result of a call that makes a descriptor without waiting, adopted.
  template <typename Call>
  int64_t Make(Call&& call) {
    std::shared_lock<std::shared_mutex> lock(number_mutex);
    int64_t fd = call();
    return Adopt(fd < 0 ? -errno : fd);
  }
  void Disown(int fd) { owned_.erase(fd); }
  bool Owns(int fd) const { return owned_.count(fd) != 0; }
  int64_t Close(int fd, uint32_t generation,
                int64_t (*close_and_interrupt)(int, uint32_t) = CloseAndInterrupt);

  // The slab: an ArrayBuffer that JavaScript cuts the Buffers of received data from. A program can reach it
  // and detach it, so its address is looked up anew whenever JavaScript may have run; null: there is none.
  bool SetSlab(napi_value slab);
  uint8_t* Slab(size_t* size) const;

  bool siginterrupt = false;

  // Null until the first receive from a socket with UDP_GRO.
  JoinedMemory joined_memory;

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
  int64_t CallListeners(int signal, bool run, bool* listened);
  void Own(int fd, uint32_t generation, Cell generation_cell);

  napi_env env_;
  uv_loop_t* loop_ = nullptr;
  std::shared_ptr<Waiter> waiter_ = Waiter::OfThread();
  SignalPipe signals_;
  bool prepared_ = false;
  int dispatching_ = 0;
  uint64_t interruptions_ = 0;
  Exchange* exchange_ = nullptr;
  napi_ref probe_ref_ = nullptr;
  napi_ref signals_ref_ = nullptr;
  napi_ref slab_ref_ = nullptr;
  std::unordered_map<int, uint32_t> owned_;
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_STATE_H_
