// Datagrams that the kernel has joined to one message on their way in, because the program has set UDP_GRO:
// recvmmsg gives each by itself, as without the option. See udp(7).
//
// The library never sets UDP_GRO. The option belongs to the socket and not to a call: whoever receives next,
// from a copy of the descriptor or in another process, gets what was joined, also after it was cleared again.
#ifndef BSD_SOCKETS_JOINED_H_
#define BSD_SOCKETS_JOINED_H_

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

namespace bsd_sockets {

// Memory for joined messages, made at the first use.
using JoinedMemory = std::unique_ptr<uint8_t[]>;

// Returns whether a receive with these flags may get joined datagrams to take apart. Asked for each call:
// other holders of the open file description may set the option.
bool ReceivesJoined(int fd, int flags);

// Makes a message ready to be received: its buffer, and its room for an address and control messages.
using PrepareMessage = std::function<mmsghdr&(unsigned index)>;

// Receives up to `count` messages as recvmmsg does, by one call of it. Datagrams of a joined message are
// messages of their own, with its address, flags and control messages, but for the size of its datagrams. If
// there are more than messages left, the last message has the rest as the kernel gives it: joined, with that
// size. `control_size`: the room of each for control messages. Returns the number of messages, or -1 with
// errno.
int ReceiveApart(int fd, unsigned count, size_t control_size, int flags, const PrepareMessage& prepare,
                 JoinedMemory* memory);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_JOINED_H_
