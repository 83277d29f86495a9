// flood INTERFACE COUNT RATE SIZE: sends so many frames of SIZE bytes at so many a second, from an interface to its other end; UDP over
// IPv4 to port 9, which nobody reads. Prints "NANOSECONDS COUNT" as all others do. The frames bypass the queues of the interface.
#include "common.h"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>

enum { kBatch = 32, kEthernet = 14, kIp = 20, kFrameMin = 60, kFrameMax = 1514, kPauseNs = 20000 };

static void Put16(uint8_t* at, unsigned value) {
  at[0] = (uint8_t)(value >> 8);
  at[1] = (uint8_t)value;
}

static void MakeFrame(uint8_t* frame, unsigned size) {
  uint8_t* ip = frame + kEthernet;
  uint8_t* udp = ip + kIp;
  memset(frame, 'x', size);
  memset(frame, 0xff, ETH_ALEN);
  memcpy(frame + ETH_ALEN, "\x02\0\0\0\0\x01", ETH_ALEN);
  Put16(frame + 12, ETHERTYPE_IP);
  memcpy(ip, "\x45\0\0\0\0\0\0\0\x40\x11\0\0\xc0\0\2\1\xc0\0\2\2", kIp);
  Put16(ip + 2, size - kEthernet);
  uint32_t sum = 0;
  for (int i = 0; i < kIp; i += 2) sum += (uint32_t)ip[i] << 8 | ip[i + 1];
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  Put16(ip + 10, ~sum & 0xffff);
  Put16(udp, 9);
  Put16(udp + 2, 9);
  Put16(udp + 4, size - kEthernet - kIp);
  Put16(udp + 6, 0);
}

int main(int argc, char** argv) {
  if (argc < 5) return fprintf(stderr, "usage: flood INTERFACE COUNT RATE SIZE\n"), 2;
  long wanted = atol(argv[2]);
  double rate = atof(argv[3]);
  long size = atol(argv[4]);
  if (size < kFrameMin || size > kFrameMax || rate <= 0) return fprintf(stderr, "flood: wrong RATE or SIZE\n"), 2;
  int fd = (int)Check(socket(AF_PACKET, SOCK_RAW, 0), "socket");
  struct sockaddr_ll place = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(argv[1])};
  Check(bind(fd, (struct sockaddr*)&place, sizeof place), "bind");
  int on = 1;
  Check(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on), "PACKET_QDISC_BYPASS");
  uint8_t frame[kFrameMax];
  MakeFrame(frame, (unsigned)size);
  struct iovec part = {frame, (size_t)size};
  struct mmsghdr messages[kBatch] = {0};
  for (int i = 0; i < kBatch; i++) messages[i].msg_hdr = (struct msghdr){.msg_iov = &part, .msg_iovlen = 1};
  int64_t start = NowNs();
  long sent = 0;
  while (sent < wanted) {
    long left = wanted - sent;
    sent += Check(sendmmsg(fd, messages, left < kBatch ? (unsigned)left : kBatch, 0), "sendmmsg");
    // Many a moment, none in the next: as links deliver them.
    while ((double)(NowNs() - start) < (double)sent / rate * 1e9) nanosleep(&(struct timespec){0, kPauseNs}, NULL);
  }
  printf("%.0f %ld\n", (double)(NowNs() - start), sent);
  return 0;
}
