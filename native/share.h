// The end of the offers of an environment. See share.cc.
#ifndef BSD_SOCKETS_SHARE_H_
#define BSD_SOCKETS_SHARE_H_

namespace bsd_sockets {

class State;

// Closes the offers of this environment that were not taken.
void DropOffers(const State* owner);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SHARE_H_
