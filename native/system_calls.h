// The system calls of the hot paths, without the cancellation points of the C library.
//
// glibc makes each call that may block a point where POSIX threads can be cancelled. In a process with more
// than one thread, such as every Node process, that is two atomic operations, 40 ns a call (pthreads(7)). No
// thread that runs this addon is ever cancelled, so these functions make the system call by syscall(2).
//
// They call the function of the C library if that is another library's in this process: those of the
// sanitizers, which learn from it what is written, of the test of faults, of a network stack in user space.
#ifndef BSD_SOCKETS_SYSTEM_CALLS_H_
#define BSD_SOCKETS_SYSTEM_CALLS_H_

#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace bsd_sockets {

// Whether the C library itself has all functions that are called here.
extern const bool is_c_library;

inline ssize_t DirectSend(int fd, const void* data, size_t length, int flags) {
  if (!is_c_library) return ::send(fd, data, length, flags);
  return syscall(SYS_sendto, fd, data, length, flags, nullptr, 0);
}

inline ssize_t DirectSendto(int fd, const void* data, size_t length, int flags, const sockaddr* address,
                            socklen_t size) {
  if (!is_c_library) return ::sendto(fd, data, length, flags, address, size);
  return syscall(SYS_sendto, fd, data, length, flags, address, size);
}

inline ssize_t DirectRecv(int fd, void* data, size_t length, int flags) {
  if (!is_c_library) return ::recv(fd, data, length, flags);
  return syscall(SYS_recvfrom, fd, data, length, flags, nullptr, nullptr);
}

inline ssize_t DirectRecvfrom(int fd, void* data, size_t length, int flags, sockaddr* address,
                              socklen_t* size) {
  if (!is_c_library) return ::recvfrom(fd, data, length, flags, address, size);
  return syscall(SYS_recvfrom, fd, data, length, flags, address, size);
}

inline int DirectEpollWait(int fd, epoll_event* events, int count, int timeout_ms) {
  if (!is_c_library) return ::epoll_wait(fd, events, count, timeout_ms);
  // The last argument is the size of the kernel's sigset_t, of a set that is not given.
  return static_cast<int>(syscall(SYS_epoll_pwait, fd, events, count, timeout_ms, nullptr, size_t{0}));
}

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SYSTEM_CALLS_H_
