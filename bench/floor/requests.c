// requests threads|processes: the floor under servers of short connections: threads or processes that are
// there already, each blocked in accept(), with the bare system calls and nothing else.
#include "common.h"

#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>

enum { kWorkers = 8, kBacklog = 1024 };

static int listener;

static void* Serve(void* unused) {
  char buffer[kMessage];
  for (;;) {
    int fd = (int)Check(accept4(listener, NULL, NULL, SOCK_CLOEXEC), "accept4");
    long count = recv(fd, buffer, sizeof buffer, 0);
    if (count > 0) send(fd, buffer, (size_t)count, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
  }
  return unused;
}

int main(int argc, char** argv) {
  if (argc < 2) return fprintf(stderr, "usage: requests threads|processes\n"), 2;
  struct Address address = MakeAddress("tcp", "0");
  listener = (int)Check(socket(address.family, SOCK_STREAM, 0), "socket");
  Check(bind(listener, &address.any, address.length), "bind");
  Check(listen(listener, kBacklog), "listen");
  getsockname(listener, &address.any, &address.length);
  printf("ready %d\n", ntohs(address.in.sin_port));
  fflush(stdout);
  for (int i = 1; i < kWorkers; i++) {
    pthread_t thread;
    if (strcmp(argv[1], "threads") == 0) {
      if (pthread_create(&thread, NULL, Serve, NULL) != 0) Die("pthread_create");
    } else if (Check(fork(), "fork") == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      Serve(NULL);
    }
  }
  Serve(NULL);
}
