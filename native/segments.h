// Runs of datagrams in one outgoing batch that go through the kernel as one message, which it cuts at the end
// of its way (UDP_SEGMENT, "generic segmentation offload"): the cost of a message is then one for the run.
//
// A run is consecutive datagrams to one address, with the same control messages and of one size; the last one
// may be shorter. Whatever the kernel refuses in this form is sent again as it is without, so callers see the
// results and errors of separate datagrams. See udp(7).
#ifndef BSD_SOCKETS_SEGMENTS_H_
#define BSD_SOCKETS_SEGMENTS_H_

#include <sys/socket.h>

namespace bsd_sockets {

// Sends the messages by sendmmsg, with runs joined if the socket and the flags allow it. Returns the number
// of messages (not of runs) that went out, or -1 with errno. `*refused`: the kernel does not take runs on the
// way of this socket.
int SendSegmented(int fd, mmsghdr* messages, unsigned count, int flags, bool* refused);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SEGMENTS_H_
