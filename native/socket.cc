// The life of a socket, from socket() to close(); its addresses and its descriptor flags.
//
// Descriptors are close-on-exec from birth, and the environment that made them owns them. connect and accept4
// may wait. close() wakes every thread that waits on the descriptor (descriptor.h).
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "address.h"
#include "arguments.h"
#include "calls.h"
#include "wait.h"

namespace bsd_sockets {
// socket(family, type, protocol) -> fd
napi_value Socket(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int family = args.Int(0), type = args.Int(1), protocol = args.Int(2);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().Make([&] { return ::socket(family, type | SOCK_CLOEXEC, protocol); }));
}

// socketpair(family, type, protocol) -> fd, the second fd in cells
napi_value Socketpair(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int family = args.Int(0), type = args.Int(1), protocol = args.Int(2);
  if (!args.valid()) return args.Invalid();
  int fds[2];
  int64_t second = -EMFILE;
  int64_t first = args.state().Make([&] {
    if (::socketpair(family, type | SOCK_CLOEXEC, protocol, fds) != 0) return -1;
    second = args.state().Adopt(fds[1], kSecondGeneration);
    return fds[0];
  });
  if (first < 0 && second == -EMFILE) return args.Return(first);
  if (first < 0 || second < 0) {
    if (first >= 0) args.state().Close(fds[0], args.state().exchange().cells[kGeneration]);
    if (second >= 0) args.state().Close(fds[1], args.state().exchange().cells[kSecondGeneration]);
    return args.Return(-EMFILE);
  }
  args.state().exchange().cells[kSecondDescriptor] = fds[1];
  return args.Return(first);
}

// adopt(fd) -> fd: makes the environment the owner of an open descriptor that this library did not make
napi_value AdoptDescriptor(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().AdoptOpen(fd));
}

// disown(fd): the environment does not own the descriptor any longer: detach() gave it to the caller
//
// The generation stays, because another socket object may use the same number.
napi_value Disown(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  if (!args.valid()) return args.Invalid();
  args.state().Disown(fd);
  return args.Return(0);
}

// generation(fd) -> the present generation of any descriptor number, which somebody else owns
napi_value GenerationOf(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  if (!args.valid()) return args.Invalid();
  return args.Return(Generation(fd));
}

// close(fd, generation): closes now, or wakes the calls on the descriptor and the last of them closes it
napi_value Close(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().Close(fd, generation));
}

// close_later(fd, generation): close() that does not wait for SO_LINGER
napi_value CloseLater(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().Close(fd, generation, CloseWithoutWait));
}

// close_fd(fd): closes any descriptor number, as socket.close(fd) of Python
napi_value CloseFd(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  if (!args.valid()) return args.Invalid();
  if (fd < 0) return args.Return(-EBADF);
  if (fd >= kDescriptorLimit) return args.Return(OrErrno(::close(fd)));
  return args.Return(args.state().Close(fd, Generation(fd)));
}

// dup(fd, generation) -> a close-on-exec duplicate
napi_value Dup(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  DescriptorUse use(fd, generation);
  if (!use.valid()) return args.Return(-EBADF);
  return args.Return(args.state().Make([&] { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }));
}

// dup_fd(fd) -> a close-on-exec duplicate of any descriptor number
napi_value DupFd(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().Make([&] { return fcntl(fd, F_DUPFD_CLOEXEC, 0); }));
}

// bind(fd, generation, address_length)
napi_value Bind(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1), length = args.Uint(2);
  if (!args.valid()) return args.Invalid();
  Address address = TakeAddress(args.state(), length);
  return args.Return(Immediate(fd, generation, [&] { return ::bind(fd, &address.header, address.length); }));
}

// listen(fd, generation, backlog)
napi_value Listen(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0), backlog = args.Int(2);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  return args.Return(Immediate(fd, generation, [&] { return ::listen(fd, backlog); }));
}

namespace {

// Returns whether the socket is of AF_ALG, which has no addresses: if accept4() is to write one, it drops the
// new socket with ECONNABORTED.
bool HasNoNames(int fd) {
  int domain = 0;
  socklen_t length = sizeof domain;
  return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_ALG;
}

// Returns whether accept4() on this listener would find no connection. Asking costs a tenth of a call that
// fails. On other descriptors accept4() fails at once, and poll() says nothing of that.
bool HasNoConnection(int fd) {
  pollfd poll_fd{fd, POLLIN, 0};
  int listening = 0;
  socklen_t length = sizeof listening;
  return poll(&poll_fd, 1, 0) == 0 && getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 &&
         listening != 0;
}

// Returns whether a listener was shut down. accept4() says EINVAL then; of AF_UNIX it does so only if it may
// wait, and else EAGAIN for ever.
bool IsShutDown(int fd) {
  pollfd poll_fd{fd, POLLRDHUP, 0};
  return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLRDHUP) != 0;
}

}  // namespace

// accept4(fd, generation, flags, timeout_ms) -> fd, the address of the peer in address_out
napi_value Accept4(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0), flags = args.Int(2);
  uint32_t generation = args.Uint(1);
  double timeout_ms = args.Double(3);
  if (!args.valid()) return args.Invalid();
  Address address;
  int64_t accepted = Await(args.state(), fd, generation, POLLIN, timeout_ms, [&] {
    if (timeout_ms == 0 && HasNoConnection(fd)) {
      errno = EAGAIN;
      return -1;
    }
    // Another holder of the description may take the connection first, and may have cleared O_NONBLOCK. The
    // call waits only if that holder clears it between these two calls as well.
    if (timeout_ms >= 0) SetNonBlockingForAll(fd);
    int result = ::accept4(fd, &address.header, address.Receive(), flags | SOCK_CLOEXEC);
    if (result < 0 && errno == EAGAIN) errno = IsShutDown(fd) ? EINVAL : EAGAIN;
    if (result >= 0 || errno != ECONNABORTED || !HasNoNames(fd)) return result;
    address.length = 0;
    return ::accept4(fd, nullptr, nullptr, flags | SOCK_CLOEXEC);
  });
  accepted = args.state().Adopt(accepted);
  if (accepted >= 0) GiveAddress(args.state(), address);
  return args.Return(accepted);
}

// connect(fd, generation, address_length, timeout_ms)
//
// After an interruption connect() is called again, which is right for every protocol. Of some protocols the
// first call goes on in the kernel: the second call waits for it, or fails with EALREADY or EISCONN, or for
// RFCOMM and SCO with EBADFD. Of others (AF_UNIX, AF_VSOCK) the kernel undoes the first call. A call that
// succeeded is never repeated: that would break TCP Fast Open.
napi_value Connect(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1), length = args.Uint(2);
  double timeout_ms = args.Double(3);
  if (!args.valid()) return args.Invalid();
  State& state = args.state();
  Address address = TakeAddress(state, length);
  DescriptorUse use(fd, generation);
  if (!use.valid()) return args.Return(-EBADF);
  Deadline deadline(timeout_ms < 0 ? KernelTimeoutMs(fd, POLLOUT) : timeout_ms);
  int calls = 0;
  int64_t result = AwaitCall(state, use, timeout_ms, [&] {
    calls++;
    if (timeout_ms >= 0) SetNonBlockingForAll(fd);
    return ::connect(fd, &address.header, address.length);
  });
  if (result == -EISCONN && calls > 1) return args.Return(0);
  bool called_again = calls > 1 && (result == -EALREADY || result == -EBADFD);
  bool under_way = result == -EINPROGRESS || called_again;
  if (!under_way || timeout_ms == 0) return args.Return(result);
  result = WaitReady(state, use, POLLOUT, deadline);
  // The time-out of the kernel, which a blocking connect() reports as the connection being under way.
  if (result == kTimedOut && timeout_ms < 0) return args.Return(-EINPROGRESS);
  if (result != 0) return args.Return(result);
  int socket_error = 0;
  socklen_t size = sizeof socket_error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &socket_error, &size) != 0) return args.Return(-errno);
  return args.Return(socket_error == EISCONN ? 0 : -socket_error);
}

// shutdown(fd, generation, how)
napi_value Shutdown(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0), how = args.Int(2);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  return args.Return(Immediate(fd, generation, [&] { return ::shutdown(fd, how); }));
}

namespace {

template <int (*kCall)(int, sockaddr*, socklen_t*)>
napi_value Name(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  Address address;
  int64_t result = Immediate(fd, generation, [&] { return kCall(fd, &address.header, address.Receive()); });
  if (result >= 0) GiveAddress(args.state(), address);
  return args.Return(result);
}

}  // namespace

// getsockname(fd, generation), getpeername(fd, generation) -> 0, the address in address_out
napi_value Getsockname(napi_env env, napi_callback_info info) { return Name<::getsockname>(env, info); }
napi_value Getpeername(napi_env env, napi_callback_info info) { return Name<::getpeername>(env, info); }

// set_blocking(fd, generation, blocking)
napi_value SetBlocking(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  bool blocking = args.Bool(2);
  if (!args.valid()) return args.Invalid();
  return args.Return(Immediate(fd, generation, [&] { return SetNonBlocking(fd, !blocking); }));
}

// get_inheritable(fd, generation) -> 0 or 1
napi_value GetInheritable(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  int64_t flags = Immediate(fd, generation, [&] { return fcntl(fd, F_GETFD); });
  return args.Return(flags < 0 ? flags : (flags & FD_CLOEXEC) == 0);
}

// set_inheritable(fd, generation, inheritable)
napi_value SetInheritable(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  bool inheritable = args.Bool(2);
  if (!args.valid()) return args.Invalid();
  return args.Return(
      Immediate(fd, generation, [&] { return fcntl(fd, F_SETFD, inheritable ? 0 : FD_CLOEXEC); }));
}

// encode_address(family, protocol, ...fields) -> length of the address that it writes to address_in
napi_value EncodeAddressCall(napi_env env, napi_callback_info info) {
  Arguments<7> args(env, info);
  int family = args.Int(0), protocol = args.Int(1);
  if (!args.valid()) return args.Invalid();
  Address address;
  const napi_value fields[] = {args[2], args[3], args[4], args[5], args[6]};
  int error = EncodeAddress(family, protocol, AddressFields(env, fields, 5), &address);
  if (error != 0) return args.Return(error);
  memcpy(args.state().exchange().address_in.data(), &address.storage, address.length);
  return args.Return(address.length);
}

// decode_address(protocol) -> the value of the address in address_out; undefined: it is empty
napi_value DecodeAddressCall(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int protocol = args.Int(0);
  if (!args.valid()) return args.Invalid();
  const Exchange& exchange = args.state().exchange();
  Address address;
  memcpy(&address.storage, exchange.address_out.data(), sizeof address.storage);
  return DecodeAddress(env, &address.header, exchange.cells[kAddressLength], protocol);
}

}  // namespace bsd_sockets
