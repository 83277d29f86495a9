// connections TASK PORT COUNT: short connections, COUNT at once, with which the servers of bench/*/requests
// are measured: connect, 64 bytes there and back, read the server's EOF, close, and again. TASK is the
// server's, and does not matter.
//
// Says "ready". For each line "SECONDS" on stdin it prints "NANOSECONDS COUNT": the time that a connection
// took of the whole, and how many there were. One that fails, or that gets no answer, ends the program: no
// server may lose one.
#include "common.h"

#include <sys/epoll.h>

struct Connection {
  int fd;
  long got;
};

static char message[kMessage];
static struct Address address;
static int epoll_fd;

static void Open(struct Connection* connection) {
  int fd = (int)Check(socket(address.family, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  connection->fd = fd;
  connection->got = -1;
  if (connect(fd, &address.any, address.length) != 0 && errno != EINPROGRESS) Die("connect");
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};
  Check(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/** Goes on as far as it can; whether the connection has ended. */
static int Advance(struct Connection* connection) {
  int fd = connection->fd;
  if (connection->got < 0) {
    long sent = send(fd, message, kMessage, MSG_NOSIGNAL);
    if (sent < 0 && errno == EAGAIN) return 0;
    if (Check(sent, "send") != kMessage) Die("send");
    connection->got = 0;
  }
  for (;;) {
    char answer[2 * kMessage];
    long count = recv(fd, answer, sizeof answer, 0);
    if (count < 0 && errno == EAGAIN) return 0;
    if (Check(count, "recv") == 0) break;
    connection->got += count;
  }
  if (connection->got != kMessage) {
    fprintf(stderr, "the answer has %ld bytes\n", connection->got);
    exit(1);
  }
  close(fd);
  return 1;
}

static void Measure(struct Connection* connections, int count, double seconds) {
  int64_t start = NowNs(), end = start + (int64_t)(seconds * 1e9);
  double done = 0;
  int open = count;
  for (int i = 0; i < count; i++) Open(&connections[i]);
  // What is open at the end is finished, and counts.
  while (open > 0) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll_fd, events, 64, 10000);
    if (ready < 0 && errno == EINTR) continue;
    if (Check(ready, "epoll_wait") == 0) {
      fprintf(stderr, "%d connections got no answer for 10 s\n", open);
      exit(1);
    }
    for (int i = 0; i < ready; i++) {
      struct Connection* connection = events[i].data.ptr;
      if (!Advance(connection)) continue;
      done++;
      if (NowNs() < end)
        Open(connection);
      else
        open--;
    }
  }
  printf("%.1f %.0f\n", (double)(NowNs() - start) / done, done);
  fflush(stdout);
}

int main(int argc, char** argv) {
  if (argc < 4) return fprintf(stderr, "usage: connections TASK PORT COUNT\n"), 2;
  address = MakeAddress("tcp", argv[2]);
  int count = atoi(argv[3]);
  struct Connection* connections = calloc((size_t)count, sizeof *connections);
  if (connections == NULL) Die("calloc");
  memset(message, 'x', sizeof message);
  epoll_fd = (int)Check(epoll_create1(0), "epoll_create1");
  char line[64];
  puts("ready");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) Measure(connections, count, atof(line));
  return 0;
}
