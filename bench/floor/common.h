// What the C programs of the benchmark share: the clock, giving up, and addresses. Loopback and AF_UNIX only.
#ifndef BENCH_COMMON_H
#define BENCH_COMMON_H
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

// kCredit: after so many datagrams their receiver lets more be sent.
enum { kMessage = 64, kBlock = 65536, kCredit = 64 };

static inline int64_t NowNs(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static inline void Die(const char* what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

/** Gives n back, and ends the program where it is negative. */
static inline long Check(long n, const char* what) {
  if (n < 0) Die(what);
  return n;
}

struct Address {
  int family;
  socklen_t length;
  union {
    struct sockaddr any;
    struct sockaddr_in in;
    struct sockaddr_un un;
  };
};

/** family: "tcp" (where: the port on 127.0.0.1) or "unix" (where: the path). */
static inline struct Address MakeAddress(const char* family, const char* where) {
  struct Address address = {0};
  if (strcmp(family, "unix") == 0) {
    address.family = address.un.sun_family = AF_UNIX;
    snprintf(address.un.sun_path, sizeof address.un.sun_path, "%s", where);
    address.length = sizeof address.un;
  } else {
    address.family = address.in.sin_family = AF_INET;
    address.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.in.sin_port = htons((uint16_t)atoi(where));
    address.length = sizeof address.in;
  }
  return address;
}

/** Nagle's algorithm would measure the kernel's timers; every contender switches it off. */
static inline void NoDelay(int fd, int family) {
  int on = 1;
  if (family == AF_INET) Check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
}

#ifdef BENCH_THREADED
// Node always has threads beside the one that calls, and in such a process every system call costs more: the kernel counts
// references to the descriptor, glibc prepares for cancellation. The floor with an idle thread shows that share.
#include <pthread.h>

static void* Idle(void* unused) {
  for (;;) pause();
  return unused;
}

__attribute__((constructor)) static void StartIdleThread(void) {
  pthread_t thread;
  if (pthread_create(&thread, NULL, Idle, NULL) != 0) Die("pthread_create");
}
#endif
#endif
