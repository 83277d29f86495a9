// The list of all calls, by the file that defines them: the name in JavaScript and the C++ function. addon.cc
// exports them and lib/native/addon.ts types them; a test compares the two lists.
#ifndef BSD_SOCKETS_CALLS_H_
#define BSD_SOCKETS_CALLS_H_

#include <node_api.h>

#define BSD_SOCKETS_CALLS(X)                   \
  /* addon.cc */                               \
  X(siginterrupt, Siginterrupt)                \
  X(strerror, Strerror)                        \
  /* constants.cc */                           \
  X(constants, Constants)                      \
  /* structs.cc */                             \
  X(structs, Structs)                          \
  /* socket.cc */                              \
  X(socket, Socket)                            \
  X(socketpair, Socketpair)                    \
  X(adopt, AdoptDescriptor)                    \
  X(disown, Disown)                            \
  X(generation, GenerationOf)                  \
  X(close, Close)                              \
  X(close_later, CloseLater)                   \
  X(close_fd, CloseFd)                         \
  X(dup, Dup)                                  \
  X(dup_fd, DupFd)                             \
  X(bind, Bind)                                \
  X(listen, Listen)                            \
  X(accept4, Accept4)                          \
  X(connect, Connect)                          \
  X(shutdown, Shutdown)                        \
  X(getsockname, Getsockname)                  \
  X(getpeername, Getpeername)                  \
  X(set_blocking, SetBlocking)                 \
  X(get_inheritable, GetInheritable)           \
  X(set_inheritable, SetInheritable)           \
  X(encode_address, EncodeAddressCall)         \
  X(decode_address, DecodeAddressCall)         \
  /* options.cc */                             \
  X(getsockopt, Getsockopt)                    \
  X(getsockopt_int, GetsockoptInt)             \
  X(setsockopt, Setsockopt)                    \
  X(setsockopt_int, SetsockoptInt)             \
  X(setsockopt_null, SetsockoptNull)           \
  X(attach_filter, AttachFilter)               \
  X(ioctl, Ioctl)                              \
  X(ioctl_value, IoctlValue)                   \
  /* transfer.cc */                            \
  X(send, Send)                                \
  X(sendto, Sendto)                            \
  X(recv, Recv)                                \
  X(recvfrom, Recvfrom)                        \
  X(receive_slab, ReceiveSlab)                 \
  X(sendfile, Sendfile)                        \
  /* message.cc */                             \
  X(sendmsg, Sendmsg)                          \
  X(recvmsg, Recvmsg)                          \
  X(sendmmsg, Sendmmsg)                        \
  X(recvmmsg, Recvmmsg)                        \
  /* control.cc */                             \
  X(cmsg_len, CmsgLen)                         \
  X(cmsg_space, CmsgSpace)                     \
  /* file.cc */                                \
  X(open, Open)                                \
  X(read, Read)                                \
  X(write, Write)                              \
  /* splice.cc */                              \
  X(pipe, Pipe)                                \
  X(splice, Splice)                            \
  /* share.cc */                               \
  X(share, Share)                              \
  X(fromshare, Fromshare)                      \
  /* shared_memory.cc */                       \
  X(shared_memory, SharedMemory)               \
  X(map_memory, MapMemory)                     \
  /* ring.cc */                                \
  X(ring_map, RingMap)                         \
  X(ring_memory, RingMemory)                   \
  X(ring_wait, RingWait)                       \
  X(ring_take, RingTake)                       \
  X(ring_release, RingRelease)                 \
  X(ring_close, RingClose)                     \
  /* ring_records.cc */                        \
  X(ring_encode, RingEncode)                   \
  X(ring_write, RingWrite)                     \
  /* ignored_signals.cc */                     \
  X(ignore_signals, IgnoreSignals)             \
  /* poll.cc */                                \
  X(poll, Poll)                                \
  X(select, Select)                            \
  /* epoll.cc */                               \
  X(epoll_create1, EpollCreate1)               \
  X(epoll_ctl, EpollCtl)                       \
  X(epoll_wait, EpollWait)                     \
  /* readiness.cc */                           \
  X(readiness_start, ReadinessStart)           \
  X(readiness_add, ReadinessAdd)               \
  X(readiness_again, ReadinessAgain)           \
  X(readiness_remove, ReadinessRemove)         \
  X(readiness_reference, ReadinessReference)   \
  /* lookup.cc */                              \
  X(lookup_fd, LookupFd)                       \
  X(lookup_done, LookupDone)                   \
  X(lookup_wait, LookupWait)                   \
  X(lookup_take, LookupTake)                   \
  X(lookup_drop, LookupDrop)                   \
  /* resolver.cc */                            \
  X(getaddrinfo_start, GetaddrinfoStart)       \
  X(getnameinfo_start, GetnameinfoStart)       \
  X(gethostbyname_start, GethostbynameStart)   \
  X(gethostbyaddr_start, GethostbyaddrStart)   \
  X(getservbyname_start, GetservbynameStart)   \
  X(getservbyport_start, GetservbyportStart)   \
  X(getprotobyname_start, GetprotobynameStart) \
  X(gai_strerror, GaiStrerror)                 \
  X(hstrerror, Hstrerror)                      \
  /* hostname.cc */                            \
  X(sethostname, Sethostname)                  \
  /* interfaces.cc */                          \
  X(if_nameindex, IfNameindex)                 \
  X(if_nametoindex, IfNametoindex)             \
  X(if_indextoname, IfIndextoname)             \
  /* inet.cc */                                \
  X(inet_aton, InetAton)                       \
  X(inet_pton, InetPton)                       \
  X(inet_ntop, InetNtop)                       \
  /* checksum.cc */                            \
  X(sum_words, SumWordsCall)

namespace bsd_sockets {
#define BSD_SOCKETS_DECLARE(name, function) napi_value function(napi_env env, napi_callback_info info);
BSD_SOCKETS_CALLS(BSD_SOCKETS_DECLARE)
#undef BSD_SOCKETS_DECLARE
}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_CALLS_H_
