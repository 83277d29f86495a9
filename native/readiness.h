// Readiness for promises: reports to JavaScript which descriptors of the environment are ready, without
// blocking it.
//
// One epoll instance per environment holds all watched descriptors, each registered once, edge-triggered, for
// all events. The event loop of libuv watches the instance; without a usable libuv a thread watches it and
// wakes the environment. A wake-up calls JavaScript once, with all ready descriptors that a caller waits for.
// Waiting costs no call: a number per descriptor, in memory shared with lib/calls/waiting/readiness.ts, has
// the directions that are waited for. Other events are dropped, because each caller first makes the system
// call and waits only after EAGAIN.
//
// A read that waits may have an allowance in that number. The wake-up then receives for it, as its next
// attempt would, and JavaScript gets the data with the report. No JavaScript runs between the look at the
// allowance and the report.
#ifndef BSD_SOCKETS_READINESS_H_
#define BSD_SOCKETS_READINESS_H_

#include <node_api.h>
#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "layout.h"
#include "loop.h"

struct epoll_event;

namespace bsd_sockets {

class State;

class Readiness {
 public:
  // The state outlives the watching. Returns 0 or -errno; -EINVAL if a Node-API call failed.
  static int Create(State& state, napi_value callback, Readiness** readiness);

  // Begins to watch a descriptor. exclusive: every caller that receives from it without waiting waits here
  // for more data. Only such a descriptor is ever kDrained.
  int Add(int fd, uint32_t generation, bool exclusive);
  // Reports again the directions that are ready now.
  int Again(int fd, uint32_t generation);
  int Remove(int fd);
  // Keeps the event loop alive, and with it the callback: a descriptor is waited for.
  void Reference(bool referenced);
  // Ends before the environment does.
  void Release();

  // Notes the result of a receive. Plain TCP returns less than the caller asked for only if that was all.
  // Data that comes later makes an edge, and anything that came before the last edge is among its events. So
  // the next receive would be EAGAIN until there is an edge: lib/calls/transfer.ts does not make the call.
  void Received(int fd, int64_t count, size_t asked) {
    int32_t& descriptor = memory_->descriptors[fd];
    if ((descriptor & kSimple) != 0 && count > 0 && static_cast<size_t>(count) < asked)
      descriptor |= kDrained;
  }
  // Drops the knowledge: the number has another owner or none, or the protocol of the socket changed.
  void Forget(int fd) { memory_->descriptors[fd] &= ~(kDrained | kSimple | kPlainTcp); }

  napi_value memory() const;

 private:
  explicit Readiness(State& state);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  bool Prepare(napi_value callback);
  int Control(int operation, int fd, uint32_t generation);
  int WatchByLoop();
  int WatchByThread();
  void RunThread();
  void Close();
  void DropReferences();
  int ControlBackend(int operation, uint32_t events);
  // Wakes the waiters of the events that have come. Returns false if there may be more.
  bool Dispatch();
  // Writes the report of the events. Returns how many descriptors it has.
  int Report(const epoll_event* events, int count);

  static void OnReadable(uv_poll_t* handle, int status, int events);
  static void OnLoopEnd(napi_async_cleanup_hook_handle hook, void* self);
  static void OnWoken(napi_env env, napi_value callback, void* context, void* data);
  static void OnThreadEnd(void* self);

  State& state_;
  napi_env env_;
  uv_loop_t* loop_;
  int epoll_fd_ = -1;
  ReadinessMemory* memory_ = nullptr;
  napi_ref memory_ref_ = nullptr;
  napi_ref callback_ref_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  uv_poll_t handle_{};
  bool closing_ = false;
  bool by_level_ = true;

  // Only without a loop. After the thread has ended, only the finalizer of `wake_` deletes this object.
  pthread_t thread_{};
  napi_threadsafe_function wake_ = nullptr;
  int control_fd_ = -1;  // an eventfd: the thread goes on watching, or ends
  std::atomic<bool> ending_{false};
  bool unwakeable_ = false;  // belongs to the thread until it is joined
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_READINESS_H_
