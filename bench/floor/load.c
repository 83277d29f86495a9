// load echo|datagrams|joined PORT CONNECTIONS: what all servers that are told by readiness are measured with.
//
//   echo       64 bytes there and back on so many connections, one message under way on each
//   datagrams  64 bytes each, in bursts of kCredit with two bursts under way: none is ever lost
//   joined     the same, each burst sent as one message that the kernel cuts (UDP_SEGMENT)
//
// Says "ready" once it is connected. For each line "SECONDS" on stdin it loads the server for that long and
// prints "NANOSECONDS COUNT": the time that a round trip, or a datagram, took, and how many there were. The
// connections stay.
#include "common.h"

#include <netinet/udp.h>
#include <sys/epoll.h>

enum { kEvents = 1024 };

static int64_t end;
static int epoll, connections, under_way, is_joined;
static double count;

struct Connection {
  int fd;
  int got;       // bytes of the answer
  char message;  // its first byte
};
static struct Connection* all;

static void Begin(struct Connection* c) {
  char buffer[kMessage] = {++c->message};
  if (Check(send(c->fd, buffer, kMessage, MSG_NOSIGNAL), "send") != kMessage) Die("send");
  under_way++;
}

/** Receives, and begins anew while there is time. */
static void Answered(struct Connection* c, int time_is_left) {
  char buffer[kMessage];
  long n = Check(recv(c->fd, buffer, (size_t)(kMessage - c->got), 0), "recv");
  if (n == 0) Die("the server closed the connection");
  if (c->got == 0 && buffer[0] != c->message) Die("the echo differs");
  if ((c->got += (int)n) < kMessage) return;
  c->got = 0;
  under_way--;
  count++;
  if (time_is_left) Begin(c);
}

static void Echo(void) {
  static struct epoll_event events[kEvents];
  for (int i = 0; i < connections; i++) Begin(&all[i]);
  while (under_way > 0) {
    int time_is_left = NowNs() < end;
    if (connections == 1) {
      Answered(all, time_is_left);
      continue;
    }
    int ready = (int)Check(epoll_wait(epoll, events, kEvents, -1), "epoll_wait");
    for (int i = 0; i < ready; i++) Answered(events[i].data.ptr, time_is_left);
  }
}

static int SendBurst(void) {
  static char bytes[kMessage * kCredit];
  static struct iovec parts[kCredit];
  static struct mmsghdr burst[kCredit];
  for (int i = 0; i < kCredit; i++) {
    parts[i] = (struct iovec){bytes + i * kMessage, kMessage};
    burst[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
  }
  return is_joined ? (int)send(all[0].fd, bytes, sizeof bytes, 0) / kMessage
                   : sendmmsg(all[0].fd, burst, kCredit, 0);
}

static void Datagrams(void) {
  static char memory[kMessage];
  for (int time_is_left = 1; time_is_left || under_way > 0;) {
    while (time_is_left && under_way < 2) {
      if (Check(SendBurst(), "sendmmsg") != kCredit) Die("sendmmsg");
      under_way++;
    }
    Check(recv(all[0].fd, memory, kMessage, 0), "recv");
    under_way--;
    count += kCredit;
    time_is_left = NowNs() < end;
  }
}

static void Connect(struct Connection* c, const struct Address* address, int type) {
  *c = (struct Connection){.fd = (int)Check(socket(AF_INET, type, 0), "socket")};
  Check(connect(c->fd, &address->any, address->length), "connect");
  if (type == SOCK_STREAM) NoDelay(c->fd, AF_INET);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  Check(epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &event), "epoll_ctl");
}

int main(int argc, char** argv) {
  if (argc < 4) return fprintf(stderr, "usage: load echo|datagrams|joined PORT CONNECTIONS\n"), 2;
  int is_echo = strcmp(argv[1], "echo") == 0;
  is_joined = strcmp(argv[1], "joined") == 0;
  struct Address address = MakeAddress("tcp", argv[2]);
  connections = atoi(argv[3]);
  all = calloc((size_t)connections, sizeof *all);
  epoll = (int)Check(epoll_create1(0), "epoll_create1");
  for (int i = 0; i < connections; i++) Connect(&all[i], &address, is_echo ? SOCK_STREAM : SOCK_DGRAM);
  int segment = kMessage;
  if (is_joined)
    Check(setsockopt(all[0].fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment), "UDP_SEGMENT");
  if (is_echo) Echo();  // each has been accepted, and served once
  printf("ready\n");
  fflush(stdout);
  for (double seconds; scanf("%lf", &seconds) == 1;) {
    count = 0;
    int64_t start = NowNs();
    end = start + (int64_t)(seconds * 1e9);
    is_echo ? Echo() : Datagrams();
    printf("%.1f %.0f\n", (double)(NowNs() - start) / count, count);
    fflush(stdout);
  }
}
