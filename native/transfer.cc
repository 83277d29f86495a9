// The calls that carry data: send, sendto, recv, recvfrom, sendfile.
//
// A receive writes to the bytes of the caller. Without any it writes to the scratch memory of the
// environment, from which lib/calls/transfer.ts copies the received part. Sending never raises SIGPIPE.
#include <sys/sendfile.h>
#include <sys/socket.h>

#include <algorithm>

#include "address.h"
#include "arguments.h"
#include "calls.h"
#include "nosignal.h"
#include "readiness.h"
#include "system_calls.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

// Memory for received data: the bytes of the caller, or the scratch memory.
View Target(const RegisterArguments& args) {
  size_t wanted = static_cast<size_t>(args->length);
  if (args.has_bytes()) return args.Bytes(wanted);
  return View(args.state().exchange().scratch.data(), std::min(wanted, kScratchSize));
}

}  // namespace

// send(bytes) -> count; fd, generation, flags and timeout_ms in the registers
napi_value Send(napi_env env, napi_callback_info info) {
  RegisterArguments args(env, info);
  View source = args.Bytes();
  if (!source.valid()) return args.Return(-EINVAL);
  return args.Return(
      Await(args.state(), args->fd, args->generation, POLLOUT, args->timeout_ms, [&]() -> ssize_t {
        if (!source.Refresh()) return -1;
        return WithoutSignal(
            args->flags, [&](int all) { return DirectSend(args->fd, source.data(), source.length(), all); });
      }));
}

// sendto(bytes) -> count; fd, generation, flags, timeout_ms and address_length in the registers
napi_value Sendto(napi_env env, napi_callback_info info) {
  RegisterArguments args(env, info);
  View source = args.Bytes();
  if (!source.valid()) return args.Return(-EINVAL);
  Address address = TakeAddress(args.state(), args->address_length);
  return args.Return(
      Await(args.state(), args->fd, args->generation, POLLOUT, args->timeout_ms, [&]() -> ssize_t {
        if (!source.Refresh()) return -1;
        return WithoutSignal(args->flags, [&](int all) {
          return DirectSendto(args->fd, source.data(), source.length(), all, &address.header, address.length);
        });
      }));
}

// recv(bytes), or recv() into the scratch -> count; fd, generation, length, flags and timeout_ms in the
// registers
napi_value Recv(napi_env env, napi_callback_info info) {
  RegisterArguments args(env, info);
  View target = Target(args);
  if (!target.valid()) return args.Return(-EINVAL);
  short events = ReceiveEvents(args->flags);
  Readiness* readiness = args->flags == MSG_DONTWAIT ? args.state().readiness : nullptr;
  return args.Return(
      Await(args.state(), args->fd, args->generation, events, args->timeout_ms, [&]() -> ssize_t {
        if (!target.Refresh()) return -1;
        ssize_t count = DirectRecv(args->fd, target.data(), target.length(), args->flags);
        if (readiness != nullptr) readiness->Received(args->fd, count, target.length());
        return count;
      }));
}

// recvfrom(bytes) or recvfrom() -> count, the sender in address_out; the registers as for recv
napi_value Recvfrom(napi_env env, napi_callback_info info) {
  RegisterArguments args(env, info);
  View target = Target(args);
  if (!target.valid()) return args.Return(-EINVAL);
  Address address;
  short events = ReceiveEvents(args->flags);
  int64_t count = Await(args.state(), args->fd, args->generation, events, args->timeout_ms, [&]() -> ssize_t {
    if (!target.Refresh()) return -1;
    return DirectRecvfrom(args->fd, target.data(), target.length(), args->flags, &address.header,
                          address.Receive());
  });
  if (count >= 0) GiveAddress(args.state(), address);
  return args.Return(count);
}

// receive_slab(slab): the ArrayBuffer that received data moves to from now on, from its begin; see
// State::Slab
napi_value ReceiveSlab(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  bool is_buffer = false;
  if (!args.valid() || napi_is_arraybuffer(env, args[0], &is_buffer) != napi_ok || !is_buffer)
    return args.Invalid();
  args.state().exchange().cells[kSlabUsed] = 0;
  return args.Return(args.state().SetSlab(args[0]) ? 0 : -ENOMEM);
}

// sendfile(fd, generation, file, offset, count, timeout_ms) -> count; an offset below 0 stands for the
// position of the file
napi_value Sendfile(napi_env env, napi_callback_info info) {
  Arguments<6> args(env, info);
  int fd = args.Int(0), file = args.Int(2);
  uint32_t generation = args.Uint(1);
  off_t offset = args.Int64(3);
  size_t count = static_cast<size_t>(args.Int64(4));
  double timeout_ms = args.Double(5);
  if (!args.valid()) return args.Invalid();
  return args.Return(Await(args.state(), fd, generation, POLLOUT, timeout_ms, [&] {
    if (timeout_ms >= 0) SetNonBlockingForAll(fd);
    return ::sendfile(fd, file, offset < 0 ? nullptr : &offset, count);
  }));
}

}  // namespace bsd_sockets
