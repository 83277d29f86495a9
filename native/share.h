// Sockets on offer to other threads and processes: see share.cc.
#ifndef BSD_SOCKETS_SHARE_H_
#define BSD_SOCKETS_SHARE_H_

namespace bsd_sockets {

class State;

// Closes what this environment shared and nobody took.
void DropOffers(const State* owner);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SHARE_H_
