// Socket options, read and written as a C int or as bytes, or written as a null pointer with a length;
// filters; ioctl.
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <vector>

#include "arguments.h"
#include "calls.h"
#include "readiness.h"
#include "wait.h"

namespace bsd_sockets {

// getsockopt(fd, generation, level, option, bytes) -> number of bytes that the kernel wrote
napi_value Getsockopt(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int fd = args.Int(0), level = args.Int(2), option = args.Int(3);
  uint32_t generation = args.Uint(1);
  View bytes = args.Bytes(4);
  if (!args.valid()) return args.Invalid();
  socklen_t length = static_cast<socklen_t>(bytes.length());
  int64_t result =
      Immediate(fd, generation, [&] { return ::getsockopt(fd, level, option, bytes.data(), &length); });
  return args.Return(result < 0 ? result : length);
}

// getsockopt_int(fd, generation, level, option) -> 0, the value in cells
napi_value GetsockoptInt(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0), level = args.Int(2), option = args.Int(3);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  int value = 0;
  socklen_t length = sizeof value;
  int64_t result =
      Immediate(fd, generation, [&] { return ::getsockopt(fd, level, option, &value, &length); });
  args.state().exchange().cells[kValue] = value;
  return args.Return(result);
}

// setsockopt(fd, generation, level, option, bytes)
napi_value Setsockopt(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int fd = args.Int(0), level = args.Int(2), option = args.Int(3);
  uint32_t generation = args.Uint(1);
  View bytes = args.Bytes(4);
  if (!args.valid()) return args.Invalid();
  int64_t result = Immediate(fd, generation, [&] {
    return ::setsockopt(fd, level, option, bytes.data(), static_cast<socklen_t>(bytes.length()));
  });
  bool becomes_another = result == 0 && level == IPPROTO_TCP && option == TCP_ULP;
  if (becomes_another && args.state().readiness != nullptr) args.state().readiness->Forget(fd);
  return args.Return(result);
}

// setsockopt_int(fd, generation, level, option, value)
napi_value SetsockoptInt(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int fd = args.Int(0), level = args.Int(2), option = args.Int(3), value = args.Int(4);
  uint32_t generation = args.Uint(1);
  if (!args.valid()) return args.Invalid();
  return args.Return(
      Immediate(fd, generation, [&] { return ::setsockopt(fd, level, option, &value, sizeof value); }));
}

// setsockopt_null(fd, generation, level, option, length): with a null pointer, as for the AEAD size of AF_ALG
napi_value SetsockoptNull(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int fd = args.Int(0), level = args.Int(2), option = args.Int(3);
  uint32_t generation = args.Uint(1), length = args.Uint(4);
  if (!args.valid()) return args.Invalid();
  return args.Return(
      Immediate(fd, generation, [&] { return ::setsockopt(fd, level, option, nullptr, length); }));
}

// attach_filter(fd, generation, level, option, bytes): classic BPF as an array of struct sock_filter
napi_value AttachFilter(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  int fd = args.Int(0), level = args.Int(2), option = args.Int(3);
  uint32_t generation = args.Uint(1);
  View bytes = args.Bytes(4);
  if (!args.valid() || bytes.length() % sizeof(sock_filter) != 0) return args.Invalid();
  size_t count = bytes.length() / sizeof(sock_filter);
  if (count == 0 || count > BPF_MAXINSNS) return args.Invalid();
  // Copied, because the bytes of the user need not be aligned.
  std::vector<sock_filter> filter(count);
  memcpy(filter.data(), bytes.data(), bytes.length());
  sock_fprog program{static_cast<unsigned short>(count), filter.data()};
  return args.Return(
      Immediate(fd, generation, [&] { return ::setsockopt(fd, level, option, &program, sizeof program); }));
}

// The most bytes that a request can ask for: its size has 14 bits at most. musl has no _IOC_SIZEMASK.
constexpr int kLargestRequest = (1 << 14) - 1;

// ioctl(fd, generation, request) -> the result; the kernel reads and writes the scratch memory
napi_value Ioctl(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1), request = args.Uint(2);
  if (!args.valid()) return args.Invalid();
  uint8_t* memory = args.state().exchange().scratch.data();
  static_assert(kScratchSize >= kIoctlSize && kIoctlSize >= kLargestRequest);
  return args.Return(Immediate(fd, generation, [&] { return ::ioctl(fd, request, memory); }));
}

// ioctl_value(fd, generation, request, value) -> the result, for a request whose argument is no pointer
//
// Nothing is mapped in the first page, so a request that takes the value for an address is EFAULT.
napi_value IoctlValue(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1), request = args.Uint(2), value = args.Uint(3);
  if (!args.valid() || value > kIoctlValueMax) return args.Invalid();
  return args.Return(
      Immediate(fd, generation, [&] { return ::ioctl(fd, request, static_cast<uintptr_t>(value)); }));
}

}  // namespace bsd_sockets
