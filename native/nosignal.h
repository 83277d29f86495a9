// MSG_NOSIGNAL for every call that sends: a broken connection is EPIPE, never a SIGPIPE.
#ifndef BSD_SOCKETS_NOSIGNAL_H_
#define BSD_SOCKETS_NOSIGNAL_H_

#include <errno.h>
#include <sys/socket.h>

namespace bsd_sockets {

// What `call(flags)` returns with MSG_NOSIGNAL. A few protocols refuse all flags they do not know, before
// anything else (RDS with EOPNOTSUPP, QIPCRTR with EINVAL): they have no SIGPIPE to suppress either, and get
// the call again with the caller's own flags.
template <typename Call>
auto WithoutSignal(int flags, Call&& call) {
  auto result = call(flags | MSG_NOSIGNAL);
  if (result >= 0 || (errno != EOPNOTSUPP && errno != EINVAL)) return result;
  return call(flags);
}

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_NOSIGNAL_H_
