// MSG_NOSIGNAL for every call that sends: a broken connection gives EPIPE and never the signal SIGPIPE.
#ifndef BSD_SOCKETS_NOSIGNAL_H_
#define BSD_SOCKETS_NOSIGNAL_H_

#include <errno.h>
#include <sys/socket.h>

namespace bsd_sockets {

// Makes `call(flags)` with MSG_NOSIGNAL. A few protocols refuse all flags that they do not know, before
// anything else (RDS with EOPNOTSUPP, QIPCRTR with EINVAL). They never raise SIGPIPE, and the call is
// repeated with the flags of the caller.
template <typename Call>
[[gnu::always_inline]] inline auto WithoutSignal(int flags, Call&& call) {
  auto result = call(flags | MSG_NOSIGNAL);
  if (result >= 0 || (errno != EOPNOTSUPP && errno != EINVAL)) return result;
  return call(flags);
}

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_NOSIGNAL_H_
