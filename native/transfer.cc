// Bytes in and out: send, sendto, recv, recvfrom, sendfile.
//
// Receiving goes either into the caller's bytes or, with null for them, into the environment's scratch
// memory, from which lib/socket/transfer.ts copies just what arrived. Sending never raises SIGPIPE.
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>

#include "address.h"
#include "arguments.h"
#include "calls.h"
#include "nosignal.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

// Where received bytes go: the caller's view, whose memory may move while JavaScript runs, or the scratch.
class Target {
 public:
  template <size_t kCount>
  Target(Arguments<kCount>& args, size_t index, size_t wanted) : wanted_(wanted) {
    if (args.Is(index, napi_null)) {
      scratch_ = args.state().exchange().scratch;
      wanted_ = std::min(wanted_, kScratchSize);
    } else {
      view_ = args.Bytes(index);
    }
  }

  // For each attempt anew.
  void* data() {
    if (scratch_ != nullptr) return scratch_;
    if (!fresh_) view_.Reload();
    fresh_ = false;
    return view_.data();
  }
  size_t length() const { return scratch_ != nullptr ? wanted_ : std::min(wanted_, view_.length()); }

 private:
  View view_;
  uint8_t* scratch_ = nullptr;
  size_t wanted_;
  bool fresh_ = true;
};

// The bytes to send, likewise.
class Source {
 public:
  explicit Source(View view) : view_(view) {}
  const void* data() {
    if (!fresh_) view_.Reload();
    fresh_ = false;
    return view_.data();
  }
  size_t length() const { return view_.length(); }

 private:
  View view_;
  bool fresh_ = true;
};

}  // namespace

// send(fd, generation, bytes, flags, timeout_ms) -> count
napi_value Send(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int fd = args.Int(0), flags = args.Int(3);
  uint32_t generation = args.Uint(1);
  Source source(args.Bytes(2));
  double timeout_ms = args.Double(4);
  if (!args.valid()) return args.Invalid();
  return args.Return(Await(args.state(), fd, generation, POLLOUT, timeout_ms, [&] {
    const void* data = source.data();
    return WithoutSignal(flags, [&](int all) { return ::send(fd, data, source.length(), all); });
  }));
}

// sendto(fd, generation, bytes, flags, timeout_ms, address_length) -> count
napi_value Sendto(napi_env env, napi_callback_info info) {
  Arguments<6> args(env, info);
  int fd = args.Int(0), flags = args.Int(3);
  uint32_t generation = args.Uint(1), length = args.Uint(5);
  Source source(args.Bytes(2));
  double timeout_ms = args.Double(4);
  if (!args.valid()) return args.Invalid();
  Address address = TakeAddress(args.state(), length);
  return args.Return(Await(args.state(), fd, generation, POLLOUT, timeout_ms, [&] {
    const void* data = source.data();
    return WithoutSignal(flags, [&](int all) {
      return ::sendto(fd, data, source.length(), all, &address.header, address.length);
    });
  }));
}

// recv(fd, generation, bytes or null, length, flags, timeout_ms) -> count
napi_value Recv(napi_env env, napi_callback_info info) {
  Arguments<6> args(env, info);
  int fd = args.Int(0), flags = args.Int(4);
  uint32_t generation = args.Uint(1);
  Target target(args, 2, static_cast<size_t>(args.Int64(3)));
  double timeout_ms = args.Double(5);
  if (!args.valid()) return args.Invalid();
  return args.Return(Await(args.state(), fd, generation, ReceiveEvents(flags), timeout_ms, [&] {
    void* data = target.data();
    return ::recv(fd, data, target.length(), flags);
  }));
}

// recvfrom(fd, generation, bytes or null, length, flags, timeout_ms) -> count, the sender in address_out
napi_value Recvfrom(napi_env env, napi_callback_info info) {
  Arguments<6> args(env, info);
  int fd = args.Int(0), flags = args.Int(4);
  uint32_t generation = args.Uint(1);
  Target target(args, 2, static_cast<size_t>(args.Int64(3)));
  double timeout_ms = args.Double(5);
  if (!args.valid()) return args.Invalid();
  Address address;
  int64_t count = Await(args.state(), fd, generation, ReceiveEvents(flags), timeout_ms, [&] {
    void* data = target.data();
    return ::recvfrom(fd, data, target.length(), flags, &address.header, address.Receive());
  });
  if (count >= 0) GiveAddress(args.state(), address);
  return args.Return(count);
}

// sendfile(fd, generation, file, offset, count, timeout_ms) -> count; an offset below 0 is the file's own
// position
napi_value Sendfile(napi_env env, napi_callback_info info) {
  Arguments<6> args(env, info);
  int fd = args.Int(0), file = args.Int(2);
  uint32_t generation = args.Uint(1);
  off_t offset = args.Int64(3);
  size_t count = static_cast<size_t>(args.Int64(4));
  double timeout_ms = args.Double(5);
  if (!args.valid()) return args.Invalid();
  return args.Return(Await(args.state(), fd, generation, POLLOUT, timeout_ms,
                           [&] { return ::sendfile(fd, file, offset < 0 ? nullptr : &offset, count); }));
}

}  // namespace bsd_sockets
