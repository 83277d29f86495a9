// epoll(7) for lib/selectors: epoll_create1, epoll_ctl, epoll_wait. Promises use another instance
// (readiness.h).
//
// An instance is a descriptor like any other: the environment that made it owns it, and closing it ends a
// wait on it (descriptor.h).
#include <errno.h>
#include <sys/epoll.h>

#include <memory>
#include <new>

#include "arguments.h"
#include "calls.h"
#include "system_calls.h"
#include "wait.h"

namespace bsd_sockets {
// epoll_create1() -> fd, close-on-exec
napi_value EpollCreate1(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().Make([] { return ::epoll_create1(EPOLL_CLOEXEC); }));
}

// epoll_ctl(epfd, generation, operation, fd, events)
napi_value EpollCtl(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int epfd = args.Int(0), operation = args.Int(2), fd = args.Int(3);
  uint32_t generation = args.Uint(1);
  epoll_event event{};
  event.events = args.Uint(4);
  event.data.fd = fd;
  if (!args.valid()) return args.Invalid();
  return args.Return(Immediate(epfd, generation, [&] { return ::epoll_ctl(epfd, operation, fd, &event); }));
}

// epoll_wait(epfd, generation, bytes, most, timeout_ms) -> number of events, at most `most`; bytes is an
// array of EpollEvent with room for as many
napi_value EpollWait(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int epfd = args.Int(0), most = args.Int(3);
  uint32_t generation = args.Uint(1);
  View bytes = args.Bytes(2);
  double timeout_ms = args.Double(4);
  if (!args.valid() || most < 1 || most > static_cast<int64_t>(bytes.length() / sizeof(EpollEvent))) {
    return args.Invalid();
  }
  // Not initialized: only events that the kernel wrote are read.
  std::unique_ptr<epoll_event[]> events(new (std::nothrow) epoll_event[most]);
  if (events == nullptr) return args.Return(-ENOMEM);
  DescriptorUse use(epfd, generation);
  if (!use.valid()) return args.Return(-EBADF);
  Deadline deadline(timeout_ms);
  int64_t count = AwaitCall(args.state(), use, timeout_ms,
                            [&] { return DirectEpollWait(epfd, events.get(), most, deadline.LeftMs()); });
  if (count <= 0) return args.Return(count);
  if (!bytes.Refresh()) return args.Return(kDetached);
  EpollEvent* rows = reinterpret_cast<EpollEvent*>(bytes.data());
  for (int64_t i = 0; i < count; i++) rows[i] = {events[i].data.fd, events[i].events};
  return args.Return(count);
}

}  // namespace bsd_sockets
