// async echo|datagrams|joined: the floor under servers that are told by readiness, epoll and the bare system
// calls.
//
//   echo       TCP: any number of connections, each message goes back
//   datagrams  UDP: receives in batches, and answers each kCredit datagrams with one, which lets load.c go on
//   joined     the same, received as the messages that the kernel has joined (UDP_GRO)
//
// Level-triggered: a receive that took all is not made again only to hear EAGAIN.
#include "common.h"

#include <netinet/udp.h>
#include <sys/epoll.h>

enum { kEvents = 1024, kBatch = 64 };

static char buffer[kBlock];
static struct epoll_event events[kEvents];

static int Watch(int epoll, int fd) {
  struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
  return (int)Check(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void Echo(int epoll, int listener) {
  Check(listen(listener, 4096), "listen");
  for (;;) {
    int count = (int)Check(epoll_wait(epoll, events, kEvents, -1), "epoll_wait");
    for (int i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == listener) {
        int conn = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (conn < 0) continue;
        NoDelay(conn, AF_INET);
        Watch(epoll, conn);
        continue;
      }
      long n = recv(fd, buffer, kBlock, 0);
      if (n < 0 && errno == EAGAIN) continue;
      if (n <= 0 || send(fd, buffer, (size_t)n, MSG_NOSIGNAL) != n) close(fd);
    }
  }
}

static void Datagrams(int epoll, int fd) {
  static char memory[kBatch][kMessage];
  static struct Address from[kBatch];
  static struct iovec parts[kBatch];
  static struct mmsghdr messages[kBatch];
  for (long received = 0;;) {
    Check(epoll_wait(epoll, events, kEvents, -1), "epoll_wait");
    for (int i = 0; i < kBatch; i++) {
      parts[i] = (struct iovec){memory[i], kMessage};
      messages[i].msg_hdr = (struct msghdr){
          .msg_name = &from[i].any, .msg_namelen = sizeof from[i].un, .msg_iov = &parts[i], .msg_iovlen = 1};
    }
    int count = recvmmsg(fd, messages, kBatch, MSG_DONTWAIT, NULL);
    if (count <= 0) continue;
    long before = received / kCredit;
    received += count;
    for (long due = received / kCredit - before; due > 0; due--)
      sendto(fd, "", 1, MSG_NOSIGNAL, &from[0].any, messages[0].msg_hdr.msg_namelen);
  }
}

static void Joined(int epoll, int fd) {
  int on = 1;
  Check(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on), "UDP_GRO");
  struct Address from;
  for (long received = 0;;) {
    Check(epoll_wait(epoll, events, kEvents, -1), "epoll_wait");
    socklen_t length = sizeof from.un;
    long count = recvfrom(fd, buffer, kBlock, MSG_DONTWAIT, &from.any, &length);
    if (count <= 0) continue;
    long before = received / kCredit;
    received += count / kMessage;
    for (long due = received / kCredit - before; due > 0; due--)
      sendto(fd, "", 1, MSG_NOSIGNAL, &from.any, length);
  }
}

int main(int argc, char** argv) {
  if (argc < 2) return fprintf(stderr, "usage: async echo|datagrams|joined\n"), 2;
  int is_echo = strcmp(argv[1], "echo") == 0;
  struct Address address = MakeAddress("tcp", "0");
  int fd = (int)Check(socket(AF_INET, (is_echo ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0), "socket");
  Check(bind(fd, &address.any, address.length), "bind");
  getsockname(fd, &address.any, &address.length);
  int epoll = (int)Check(epoll_create1(0), "epoll_create1");
  Watch(epoll, fd);
  printf("ready %d\n", ntohs(address.in.sin_port));
  fflush(stdout);
  if (is_echo) Echo(epoll, fd);
  strcmp(argv[1], "joined") == 0 ? Joined(epoll, fd) : Datagrams(epoll, fd);
}
