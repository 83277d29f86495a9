// Readiness for promises: which of the environment's sockets can go on, told to JavaScript without blocking
// it.
//
// One epoll instance per environment holds every watched descriptor, edge-triggered, for all events,
// registered once. The libuv loop watches that instance; where there is no usable libuv, a thread does and
// wakes the environment. A wake-up crosses into JavaScript once, with all the descriptors on which somebody
// waits for what happened. Who waits is a byte per descriptor in memory shared with
// lib/calls/waiting/readiness.ts, so that waiting costs no call. Edges that nobody waits for are dropped:
// whoever comes later tries first and waits only after EAGAIN.
#ifndef BSD_SOCKETS_READINESS_H_
#define BSD_SOCKETS_READINESS_H_

#include <node_api.h>
#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "layout.h"
#include "loop.h"

namespace bsd_sockets {

class Readiness {
 public:
  // loop: null where libuv is not usable. 0 or -errno, -EINVAL where a Node-API call failed.
  static int Create(napi_env env, uv_loop_t* loop, napi_value callback, Readiness** readiness);

  // exclusive: whoever receives from it without waiting waits here for more. Only of such a descriptor
  // anything is known.
  int Add(int fd, bool exclusive);
  // Tells anew what is ready already.
  int Again(int fd);
  int Remove(int fd);
  void Reference(bool referenced);

  // Plain TCP gives less than it was asked for only where that was all. Whatever comes later makes an edge,
  // and what came before the last edge shows in its events, so then the next receive is EAGAIN until there is
  // an edge, and need not be made.
  void Received(int fd, int64_t count, size_t asked) {
    uint8_t& descriptor = memory_->descriptors[fd];
    if ((descriptor & kSimple) != 0 && count > 0 && static_cast<size_t>(count) < asked)
      descriptor |= kDrained;
  }
  bool Drained(int fd) const { return (memory_->descriptors[fd] & kDrained) != 0; }
  // The number has another owner, or the socket another nature.
  void Forget(int fd) { memory_->descriptors[fd] &= kRead | kWrite; }

  napi_value memory() const;

 private:
  Readiness(napi_env env, uv_loop_t* loop) : env_(env), loop_(loop) {}
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

  bool Prepare(napi_value callback);
  int Control(int operation, int fd);
  int WatchByLoop();
  int WatchByThread();
  void RunThread();
  void Close();
  void Dispatch();

  static void OnReadable(uv_poll_t* handle, int status, int events);
  static void OnLoopEnd(napi_async_cleanup_hook_handle hook, void* self);
  static void OnWoken(napi_env env, napi_value callback, void* context, void* data);
  static void OnThreadEnd(void* self);

  napi_env env_;
  uv_loop_t* loop_;
  int epoll_fd_ = -1;
  ReadinessMemory* memory_ = nullptr;
  napi_ref memory_ref_ = nullptr;
  napi_ref callback_ref_ = nullptr;
  napi_async_context context_ = nullptr;
  napi_async_cleanup_hook_handle cleanup_ = nullptr;
  uv_poll_t handle_{};

  // Without a loop. Once the thread has ended, only the finalizer of `wake_` deletes this.
  pthread_t thread_{};
  napi_threadsafe_function wake_ = nullptr;
  int control_fd_ = -1;  // an eventfd: go on watching, or end
  std::atomic<bool> ending_{false};
  bool unwakeable_ = false;  // the thread's, until it is joined
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_READINESS_H_
