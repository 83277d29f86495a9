// calls TASK: what single system calls cost, without any language around them.
// For each line "SECONDS" on stdin it repeats the call for that long and prints "NANOSECONDS COUNT".
#include "common.h"

#include <sys/epoll.h>

enum { kBatch = 100 };  // calls between two looks at the clock
enum { kRegistered = 200 };

static char buffer[kBlock];
static int left, right;          // the two ends of a socketpair
static int sender, receiver;     // two UDP sockets on 127.0.0.1
static struct Address udp_address;
static int watcher, senders[kRegistered];  // an epoll instance, and the other ends of what it watches

static void Getsockopt(void) {
  int type = 0;
  socklen_t length = sizeof type;
  Check(getsockopt(left, SOL_SOCKET, SO_TYPE, &type, &length), "getsockopt");
}

static void RecvEmpty(void) {
  if (recv(right, buffer, kMessage, MSG_DONTWAIT) >= 0 || errno != EAGAIN) Die("recv on an empty socket");
}

static void Send(void) { Check(send(left, buffer, kMessage, MSG_NOSIGNAL), "send"); }

static void SendRecv(void) {
  Send();
  Check(recv(right, buffer, kMessage, 0), "recv");
}

static void Udp(void) {
  struct Address from;
  socklen_t length = sizeof from.un;
  Check(sendto(sender, buffer, kMessage, MSG_NOSIGNAL, &udp_address.any, udp_address.length), "sendto");
  Check(recvfrom(receiver, buffer, kMessage, 0, &from.any, &length), "recvfrom");
}

/** kCredit datagrams to a peer that does not read: its queue is full. */
static void UdpBurst(void) {
  static struct iovec part = {buffer, kMessage};
  static struct mmsghdr burst[kCredit];
  for (int i = 0; i < kCredit; i++) {
    burst[i].msg_hdr = (struct msghdr){
        .msg_name = &udp_address.any, .msg_namelen = udp_address.length, .msg_iov = &part, .msg_iovlen = 1};
  }
  if (Check(sendmmsg(sender, burst, kCredit, MSG_NOSIGNAL), "sendmmsg") != kCredit) Die("sendmmsg");
}

static void Select(void) {
  static int turn;
  turn = (turn + 7) % kRegistered;
  Check(send(senders[turn], buffer, kMessage, MSG_NOSIGNAL), "send");
  struct epoll_event events[kRegistered];
  long count = Check(epoll_wait(watcher, events, kRegistered, -1), "epoll_wait");
  for (long i = 0; i < count; i++) Check(recv(events[i].data.fd, buffer, kMessage, 0), "recv");
}

/** Takes out what Send put in, outside the measured time. */
static void Drain(void) {
  while (recv(right, buffer, kBlock, MSG_DONTWAIT) > 0) {
  }
}

static const struct {
  const char* name;
  void (*call)(void);
} kTasks[] = {{"getsockopt", Getsockopt}, {"recv-empty", RecvEmpty},         {"send", Send},
              {"send-recv", SendRecv},    {"send-recv_into", SendRecv}, {"udp", Udp},
              {"udp-burst", UdpBurst},    {"select", Select}};

static void Open(void) {
  int pair[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  left = pair[0];
  right = pair[1];
  udp_address = MakeAddress("udp", "0");
  sender = (int)Check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  receiver = (int)Check(socket(AF_INET, SOCK_DGRAM, 0), "socket");
  watcher = (int)Check(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  for (int i = 0; i < kRegistered; i++) {
    int ends[2];
    Check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
    struct epoll_event event = {.events = EPOLLIN, .data.fd = ends[0]};
    Check(epoll_ctl(watcher, EPOLL_CTL_ADD, ends[0], &event), "epoll_ctl");
    senders[i] = ends[1];
  }
  Check(bind(receiver, &udp_address.any, udp_address.length), "bind");
  Check(getsockname(receiver, &udp_address.any, &udp_address.length), "getsockname");
}

static void Measure(void (*call)(void), double seconds) {
  int64_t spent = 0;
  int64_t end = NowNs() + (int64_t)(seconds * 1e9);
  double count = 0;
  do {
    int64_t start = NowNs();
    for (int i = 0; i < kBatch; i++) call();
    spent += NowNs() - start;
    count += kBatch;
    if (call == Send) Drain();
  } while (NowNs() < end);
  printf("%.2f %.0f\n", (double)spent / count, count);
  fflush(stdout);
}

int main(int argc, char** argv) {
  Open();
  for (size_t i = 0; argc > 1 && i < sizeof kTasks / sizeof *kTasks; i++) {
    if (strcmp(argv[1], kTasks[i].name) != 0) continue;
    printf("ready\n");
    fflush(stdout);
    for (double seconds; scanf("%lf", &seconds) == 1;) Measure(kTasks[i].call, seconds);
    return 0;
  }
  fprintf(stderr, "usage: calls TASK\n");
  return 2;
}
