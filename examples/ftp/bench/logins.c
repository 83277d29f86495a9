/* logins HOST PORT USER PASSWORD THREADS SECONDS: connects, logs in and quits, over and over; prints the number of log-ins a second.
 * The load of bench/run.mjs, the same for every server. */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static struct sockaddr_in address;
static const char *user, *password;
static double until;
static long total, failures;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads up to the last line of an answer. Returns its code, or -1. */
static int answer(int fd) {
  char text[8192];
  size_t length = 0;
  for (;;) {
    if (length == sizeof text - 1) return -1;
    ssize_t n = recv(fd, text + length, sizeof text - 1 - length, 0);
    if (n <= 0) return -1;
    length += (size_t)n;
    text[length] = 0;
    if (text[length - 1] != '\n') continue;
    char *line = text;
    for (char *end = text; end < text + length - 1; end++)
      if (*end == '\n') line = end + 1;
    if (strlen(line) > 3 && line[3] == ' ') return atoi(line);
  }
}

static int say(int fd, const char *verb, const char *argument, int expected) {
  char line[512];
  int length = snprintf(line, sizeof line, "%s %s\r\n", verb, argument);
  return send(fd, line, (size_t)length, MSG_NOSIGNAL) == length && answer(fd) == expected ? 0 : -1;
}

static int log_in(void) {
  int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
  struct timeval limit = {10, 0};
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  int result = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 && answer(fd) == 220 &&
                       say(fd, "USER", user, 331) == 0 && say(fd, "PASS", password, 230) == 0 && say(fd, "QUIT", "", 221) == 0
                   ? 0
                   : -1;
  close(fd);
  return result;
}

static void *work(void *nothing) {
  while (now() < until)
    __atomic_add_fetch(log_in() == 0 ? &total : &failures, 1, __ATOMIC_RELAXED);
  return nothing;
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  address.sin_family = AF_INET;
  address.sin_port = htons((unsigned short)atoi(argv[2]));
  if (inet_pton(AF_INET, argv[1], &address.sin_addr) != 1) return 2;
  user = argv[3];
  password = argv[4];
  int threads = atoi(argv[5]);
  if (threads < 1 || threads > 64) return 2;
  pthread_t ids[64];
  double start = now();
  until = start + atof(argv[6]);
  for (int i = 0; i < threads; i++) pthread_create(&ids[i], NULL, work, NULL);
  for (int i = 0; i < threads; i++) pthread_join(ids[i], NULL);
  printf("%.1f %ld\n", (double)total / (now() - start), failures);
  return 0;
}
