// System calls of the addon that fail or do less than asked: LD_PRELOAD this library to bsd_sockets.node.
//
//   FAULTS_FILE   12 bytes, mapped: three int32; a program changes the rates while it runs
//                 [0] transient, in calls of a thousand: what no caller may notice: EINTR, short reads and
//                 writes, readiness of nothing [1] hard, in calls of a thousand: what a caller has to be
//                 told: no descriptor, memory or thread left; a connection
//                     that was aborted
//                 [2] faults that were made
//   FAULTS_SEED   begins the sequence of each thread
//
// Only calls from the addon are touched: the return address tells them from those of Node, libuv and the C
// library.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static _Atomic int32_t none[3];
static _Atomic int32_t* rates = none;
static uint64_t seed;
static uintptr_t code_begin, code_end;

__attribute__((constructor)) static void start(void) {
  const char *path = getenv("FAULTS_FILE"), *text = getenv("FAULTS_SEED");
  seed = text ? strtoull(text, NULL, 10) : 1;
  int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* memory = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (memory != MAP_FAILED) rates = memory;
  close(fd);
}

static int find_code(struct dl_phdr_info* info, size_t size, void* unused) {
  (void)size, (void)unused;
  if (!info->dlpi_name || !strstr(info->dlpi_name, "bsd_sockets")) return 0;
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr)* part = &info->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || !(part->p_flags & PF_X)) continue;
    code_end = info->dlpi_addr + part->p_vaddr + part->p_memsz;
    code_begin = info->dlpi_addr + part->p_vaddr;
  }
  return 1;
}

static int from_addon(void* return_address) {
  if (!code_begin) dl_iterate_phdr(find_code, NULL);
  uintptr_t address = (uintptr_t)return_address;
  return code_begin <= address && address < code_end;
}

static uint32_t number(uint32_t below) {
  static _Atomic uint64_t threads;
  static _Thread_local uint64_t state;
  if (!state) state = (seed * 1000 + ++threads) * 0x9e3779b97f4a7c15u | 1;
  state ^= state << 13, state ^= state >> 7, state ^= state << 17;
  return (uint32_t)((state >> 16) % below);
}

static int chance(int which, void* return_address) {
  if (rates[which] == 0 || !from_addon(return_address) || (int32_t)number(1000) >= rates[which]) return 0;
  rates[2]++;
  return 1;
}
#define CHANCE(which) chance(which, __builtin_return_address(0))
#define TRANSIENT CHANCE(0)
#define HARD CHANCE(1)
#define REAL(name)               \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)
#define FAIL(...)                                             \
  do {                                                        \
    const int errors[] = {__VA_ARGS__};                       \
    errno = errors[number(sizeof errors / sizeof errors[0])]; \
    return -1;                                                \
  } while (0)
#define INTERRUPT \
  if (TRANSIENT && number(2)) FAIL(EINTR)

static int is_stream(int fd) {
  int type = 0;
  socklen_t length = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) == 0 && type == SOCK_STREAM;
}

static size_t part_of(size_t length) {
  return length < 2 ? length : 1 + number((uint32_t)(length < 1 << 30 ? length : 1 << 30));
}
// A descriptor that does not block gives all that is there: only a blocking call is cut short, by a signal.
#define SHORTEN(fd, length)                                                                        \
  if (TRANSIENT && is_stream(fd) && !(flags & MSG_DONTWAIT) && !(fcntl(fd, F_GETFL) & O_NONBLOCK)) \
  length = part_of(length)

ssize_t recv(int fd, void* data, size_t length, int flags) {
  REAL(recv);
  INTERRUPT;
  if (HARD) FAIL(ENOMEM, ECONNRESET);
  SHORTEN(fd, length);
  return real(fd, data, length, flags);
}
ssize_t recvfrom(int fd, void* data, size_t length, int flags, __SOCKADDR_ARG address, socklen_t* size) {
  REAL(recvfrom);
  INTERRUPT;
  if (HARD) FAIL(ENOMEM);
  SHORTEN(fd, length);
  return real(fd, data, length, flags, address, size);
}
ssize_t recvmsg(int fd, struct msghdr* message, int flags) {
  REAL(recvmsg);
  INTERRUPT;
  if (HARD) FAIL(ENOMEM);
  return real(fd, message, flags);
}
int recvmmsg(int fd, struct mmsghdr* rows, unsigned count, int flags, struct timespec* timeout) {
  REAL(recvmmsg);
  INTERRUPT;
  if (HARD) FAIL(ENOMEM);
  if (TRANSIENT) count = (unsigned)part_of(count);
  return real(fd, rows, count, flags, timeout);
}
ssize_t send(int fd, const void* data, size_t length, int flags) {
  REAL(send);
  INTERRUPT;
  if (HARD) FAIL(ENOBUFS, ENOMEM);
  SHORTEN(fd, length);
  return real(fd, data, length, flags);
}
ssize_t sendto(int fd, const void* data, size_t length, int flags, __CONST_SOCKADDR_ARG address,
               socklen_t size) {
  REAL(sendto);
  INTERRUPT;
  if (HARD) FAIL(ENOBUFS, ENOMEM);
  SHORTEN(fd, length);
  return real(fd, data, length, flags, address, size);
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(sendmsg);
  INTERRUPT;
  if (HARD) FAIL(ENOBUFS, ENOMEM);
  if (message->msg_iovlen > 1 && TRANSIENT && is_stream(fd)) {
    struct msghdr less = *message;
    less.msg_iovlen = part_of(less.msg_iovlen);
    return real(fd, &less, flags);
  }
  return real(fd, message, flags);
}
// Returns whether the message is a run of datagrams, which the kernel is to cut.
static int is_run(struct msghdr* message) {
  for (struct cmsghdr* one = CMSG_FIRSTHDR(message); one != NULL; one = CMSG_NXTHDR(message, one))
    if (one->cmsg_level == IPPROTO_UDP && one->cmsg_type == UDP_SEGMENT) return 1;
  return 0;
}
int sendmmsg(int fd, struct mmsghdr* rows, unsigned count, int flags) {
  REAL(sendmmsg);
  INTERRUPT;
  // Refusals of a run: its datagrams go one by one.
  if (count > 0 && is_run(&rows[0].msg_hdr) && TRANSIENT) FAIL(EIO, EINVAL, ENOBUFS, ENOMEM);
  if (HARD) FAIL(ENOBUFS, ENOMEM);
  if (TRANSIENT) count = (unsigned)part_of(count);
  return real(fd, rows, count, flags);
}
ssize_t sendfile64(int fd, int file, off64_t* offset, size_t length) {
  REAL(sendfile64);
  INTERRUPT;
  if (HARD) FAIL(ENOMEM, EIO);
  const int flags = 0;
  SHORTEN(fd, length);
  return real(fd, file, offset, length);
}
ssize_t splice(int from, off64_t* from_at, int to, off64_t* to_at, size_t length, unsigned flags) {
  REAL(splice);
  // EAGAIN follows by itself from readiness of nothing. Made here, it would tell the caller to wait for a change
  // that has been reported already.
  INTERRUPT;
  if (HARD) FAIL(ECONNRESET, ENOMEM, EIO);
  if (TRANSIENT) length = part_of(length);
  return real(from, from_at, to, to_at, length, flags);
}
ssize_t read(int fd, void* data, size_t length) {
  REAL(read);
  INTERRUPT;
  return real(fd, data, length);
}
ssize_t write(int fd, const void* data, size_t length) {
  REAL(write);
  INTERRUPT;
  return real(fd, data, length);
}

int accept4(int fd, __SOCKADDR_ARG address, socklen_t* size, int flags) {
  REAL(accept4);
  INTERRUPT;
  if (HARD) FAIL(ECONNABORTED, EMFILE, ENFILE, ENOBUFS, ENOMEM, EPROTO);
  return real(fd, address, size, flags);
}
int close(int fd) {
  REAL(close);
  int interrupted = TRANSIENT;
  int result = real(fd);
  if (result == 0 && interrupted) FAIL(EINTR);
  return result;
}

// Readiness of nothing happens with Linux, too: see BUGS in select(2).
static int all_ready(struct pollfd* rows, nfds_t count) {
  for (nfds_t i = 0; i < count; i++)
    rows[i].revents = rows[i].fd < 0 ? 0 : rows[i].events & (POLLIN | POLLOUT);
  int ready = 0;
  for (nfds_t i = 0; i < count; i++) ready += rows[i].revents != 0;
  return ready;
}
int ppoll(struct pollfd* rows, nfds_t count, const struct timespec* timeout, const sigset_t* mask) {
  REAL(ppoll);
  INTERRUPT;
  if (count == 1 && TRANSIENT) {
    int ready = all_ready(rows, count);
    if (ready > 0) return ready;
  }
  return real(rows, count, timeout, mask);
}
int epoll_wait(int fd, struct epoll_event* rows, int count, int timeout) {
  REAL(epoll_wait);
  if (timeout != 0) INTERRUPT;
  return real(fd, rows, count, timeout);
}

int socket(int family, int type, int protocol) {
  REAL(socket);
  if (HARD) FAIL(EMFILE, ENFILE, ENOBUFS, ENOMEM);
  return real(family, type, protocol);
}
int socketpair(int family, int type, int protocol, int fds[2]) {
  REAL(socketpair);
  if (HARD) FAIL(EMFILE, ENFILE, ENOBUFS, ENOMEM);
  return real(family, type, protocol, fds);
}
int epoll_ctl(int fd, int operation, int other, struct epoll_event* event) {
  REAL(epoll_ctl);
  if (operation == EPOLL_CTL_ADD && HARD) FAIL(ENOMEM, ENOSPC);
  return real(fd, operation, other, event);
}
int epoll_create1(int flags) {
  REAL(epoll_create1);
  if (HARD) FAIL(EMFILE, ENFILE, ENOMEM);
  return real(flags);
}
int eventfd(unsigned count, int flags) {
  REAL(eventfd);
  if (HARD) FAIL(EMFILE, ENFILE, ENOMEM);
  return real(count, flags);
}
int pipe2(int fds[2], int flags) {
  REAL(pipe2);
  if (HARD) FAIL(EMFILE, ENFILE);
  return real(fds, flags);
}
int memfd_create(const char* name, unsigned flags) {
  REAL(memfd_create);
  if (HARD) FAIL(EMFILE, ENFILE, ENOMEM);
  return real(name, flags);
}
int fcntl64(int fd, int command, ...) {
  REAL(fcntl64);
  va_list list;
  va_start(list, command);
  void* argument = va_arg(list, void*);
  va_end(list);
  if (command == F_DUPFD_CLOEXEC && HARD) FAIL(EMFILE);
  return real(fd, command, argument);
}
void* mmap64(void* address, size_t length, int protection, int flags, int fd, off64_t offset) {
  REAL(mmap64);
  if (HARD) {
    errno = ENOMEM;
    return MAP_FAILED;
  }
  return real(address, length, protection, flags, fd, offset);
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*), void* argument) {
  REAL(pthread_create);
  return HARD ? EAGAIN : real(thread, attributes, run, argument);
}
