// client echo|send|receive tcp|unix WHERE SECONDS: the one client against which every server is measured.
//
//   echo     64 bytes there and back, one at a time
//   send     blocks of 64 KiB to the server, until it has taken them all (it answers with EOF)
//   receive  whatever the server sends; counted in units of 64 KiB
//
// Prints "NANOSECONDS COUNT": the time a unit took, and how many there were.
#include "common.h"

static char buffer[kBlock];

static double Echo(int fd, int64_t end) {
  char answer[kMessage];
  double count = 0;
  do {
    for (int i = 0; i < 32; i++, count++) {
      buffer[0] = (char)i;
      Check(send(fd, buffer, kMessage, MSG_NOSIGNAL), "send");
      for (long got = 0; got < kMessage;) {
        long n = Check(recv(fd, answer + got, (size_t)(kMessage - got), 0), "recv");
        if (n == 0) return fprintf(stderr, "the server closed the connection\n"), -1;
        got += n;
      }
      if (memcmp(answer, buffer, kMessage) != 0) return fprintf(stderr, "the echo differs\n"), -1;
    }
  } while (NowNs() < end);
  return count;
}

static double Send(int fd, int64_t end) {
  double count = 0;
  do {
    for (long sent = 0; sent < kBlock;)
      sent += Check(send(fd, buffer + sent, (size_t)(kBlock - sent), MSG_NOSIGNAL), "send");
    count++;
  } while (NowNs() < end);
  shutdown(fd, SHUT_WR);
  if (Check(recv(fd, buffer, 1, 0), "recv") != 0) return fprintf(stderr, "expected EOF\n"), -1;
  return count;
}

static double Receive(int fd, int64_t end) {
  double bytes = 0;
  do {
    long n = Check(recv(fd, buffer, kBlock, 0), "recv");
    if (n == 0) return fprintf(stderr, "the server stopped sending\n"), -1;
    bytes += n;
  } while (NowNs() < end);
  return bytes / kBlock;
}

int main(int argc, char** argv) {
  if (argc < 5) return fprintf(stderr, "usage: client echo|send|receive tcp|unix WHERE SECONDS\n"), 2;
  const char* task = argv[1];
  struct Address address = MakeAddress(argv[2], argv[3]);
  int fd = (int)Check(socket(address.family, SOCK_STREAM, 0), "socket");
  Check(connect(fd, &address.any, address.length), "connect");
  NoDelay(fd, address.family);

  int64_t start = NowNs();
  int64_t end = start + (int64_t)(atof(argv[4]) * 1e9);
  double count = task[0] == 'e' ? Echo(fd, end) : task[0] == 's' ? Send(fd, end) : Receive(fd, end);
  if (count <= 0) return 1;
  printf("%.1f %.2f\n", (double)(NowNs() - start) / count, count);
  return 0;
}
