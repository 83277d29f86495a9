// server TASK tcp|unix PATH FILE: the floor under every server here, the bare system calls and nothing else.
// Serves one connection after the other. TASK is echo, recv, recv_into (in C the same as recv), sendall, sendfile or
// pump, which moves the bytes to a child process by splice(2).
#include "common.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/sendfile.h>

static char buffer[kBlock];

static long SendAll(int fd, const char* bytes, long length) {
  for (long sent = 0; sent < length;) {
    long n = send(fd, bytes + sent, (size_t)(length - sent), MSG_NOSIGNAL);
    if (n < 0) return -1;
    sent += n;
  }
  return length;
}

static void Echo(int fd) {
  for (long n; (n = recv(fd, buffer, 4096, 0)) > 0;)
    if (SendAll(fd, buffer, n) < 0) return;
}

static void Receive(int fd) {
  while (recv(fd, buffer, kBlock, 0) > 0) {
  }
}

/** Returns a socket whose other end is the standard input of a process that drops all bytes. */
static int Sink(void) {
  int pair[2];
  Check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
  if (Check(fork(), "fork") == 0) {
    dup2(pair[1], 0);
    dup2(open("/dev/null", O_WRONLY), 1);
    execlp("cat", "cat", NULL);
    _exit(1);
  }
  close(pair[1]);
  return pair[0];
}

static void Pump(int fd, int sink) {
  int ends[2];
  Check(pipe2(ends, O_CLOEXEC), "pipe2");
  for (ssize_t held; (held = splice(fd, NULL, ends[1], NULL, 1 << 20, SPLICE_F_MOVE)) > 0;)
    while (held > 0) held -= Check(splice(ends[0], NULL, sink, NULL, (size_t)held, SPLICE_F_MOVE), "splice");
  close(ends[0]);
  close(ends[1]);
}

static void SendFile(int fd, int file) {
  for (;;) {
    off_t offset = 0;
    while (offset < kBlock)
      if (sendfile(fd, file, &offset, (size_t)(kBlock - offset)) < 0) return;
  }
}

int main(int argc, char** argv) {
  if (argc < 5) return fprintf(stderr, "usage: server TASK tcp|unix PATH FILE\n"), 2;
  const char* task = argv[1];
  struct Address address = MakeAddress(argv[2], strcmp(argv[2], "unix") == 0 ? argv[3] : "0");
  int file = (int)Check(open(argv[4], O_RDONLY | O_CLOEXEC), argv[4]);
  signal(SIGPIPE, SIG_IGN);  // sendfile(2) has no MSG_NOSIGNAL

  int sink = strcmp(task, "pump") == 0 ? Sink() : -1;
  int listener = (int)Check(socket(address.family, SOCK_STREAM, 0), "socket");
  Check(bind(listener, &address.any, address.length), "bind");
  Check(listen(listener, 16), "listen");
  getsockname(listener, &address.any, &address.length);
  if (address.family == AF_UNIX) printf("ready %s\n", argv[3]);
  else printf("ready %d\n", ntohs(address.in.sin_port));
  fflush(stdout);

  for (;;) {
    int fd = (int)Check(accept(listener, NULL, NULL), "accept");
    NoDelay(fd, address.family);
    if (strcmp(task, "echo") == 0) Echo(fd);
    else if (strcmp(task, "sendall") == 0) while (SendAll(fd, buffer, kBlock) > 0) {}
    else if (strcmp(task, "pump") == 0) Pump(fd, sink);
    else if (strcmp(task, "sendfile") == 0) SendFile(fd, file);
    else Receive(fd);
    close(fd);
  }
}
