// share, fromshare: pass a socket to another thread of this process, or to another process on this machine.
//
// share() duplicates the descriptor into the table of offers of the process, under a random token, and writes
// a ticket. The holder of the ticket takes the offer, once. A thread of this process takes it from the table.
// Another process asks over an abstract AF_UNIX socket: a thread of the sharing process answers with the
// descriptor (SCM_RIGHTS), even while JavaScript is blocked. The kernel identifies the process that asks
// (SO_PEERCRED).
#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "arguments.h"
#include "calls.h"
#include "descriptor.h"
#include "thread.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

using Random = decltype(Ticket::token);

// The answer to a token. With error 0 the descriptor comes along.
struct Answer {
  int32_t error;
};

// Milliseconds in which a connected process has to send its token; then the connection is closed.
constexpr int64_t kTokenMs = 1000;
// Milliseconds in which the sharing process has to answer; then fromshare() times out.
constexpr double kAnswerMs = 10 * 1000;
// Number of connected processes without an answer; more wait in the queue of the listener.
constexpr size_t kClientLimit = 64;
// Bytes of stack of the thread that answers.
constexpr size_t kStackSize = 256 * 1024;

int64_t NowMs() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1000000;
}

bool Fill(Random* random) {
  return getrandom(random->data(), random->size(), 0) == static_cast<ssize_t>(random->size());
}

// "\0bsd-sockets-share-" and the random bytes as hexadecimal digits.
socklen_t ListenerAddress(const Random& listener, sockaddr_un* address) {
  static constexpr char kPrefix[] = "bsd-sockets-share-";
  *address = {};
  address->sun_family = AF_UNIX;
  char* name = address->sun_path + 1;
  memcpy(name, kPrefix, sizeof kPrefix - 1);
  name += sizeof kPrefix - 1;
  for (uint8_t byte : listener) {
    *name++ = "0123456789abcdef"[byte >> 4];
    *name++ = "0123456789abcdef"[byte & 15];
  }
  return static_cast<socklen_t>(name - reinterpret_cast<char*>(address));
}

bool PeerOf(int fd, ucred* peer) {
  socklen_t size = sizeof *peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &size) == 0;
}

// A message of one Answer, with room for one descriptor.
struct AnswerMessage {
  AnswerMessage() {
    header.msg_iov = &buffer;
    header.msg_iovlen = 1;
    header.msg_control = control;
    header.msg_controllen = sizeof control;
  }

  void Attach(int fd) {
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    message->cmsg_level = SOL_SOCKET;
    message->cmsg_type = SCM_RIGHTS;
    message->cmsg_len = CMSG_LEN(sizeof fd);
    memcpy(CMSG_DATA(message), &fd, sizeof fd);
  }
  // Returns the descriptor that came with the message; -1: none.
  int Detach() {
    int fd = -1;
    cmsghdr* message = CMSG_FIRSTHDR(&header);
    bool passed = message != nullptr && message->cmsg_level == SOL_SOCKET &&
                  message->cmsg_type == SCM_RIGHTS && message->cmsg_len == CMSG_LEN(sizeof fd);
    if (passed) memcpy(&fd, CMSG_DATA(message), sizeof fd);
    return fd;
  }

  Answer answer{};
  iovec buffer{&answer, sizeof answer};
  alignas(cmsghdr) uint8_t control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
};

struct Offer {
  int fd;
  // The process that may take the offer; 0: any process of this user.
  pid_t process_id;
  const State* owner;
};

class Offers {
 public:
  static Offers& Get() {
    // Never destroyed: the thread that answers outlives every environment.
    static Offers* const offers = new Offers;
    return *offers;
  }

  // Adds an offer and writes its ticket. 0 or -errno.
  int Add(UniqueFd* fd, pid_t process_id, const State* owner, Ticket* ticket) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (process_id == getpid()) {
      *ticket = {{}, {}, static_cast<uint32_t>(process_id)};
    } else {
      int error = Start();
      if (error != 0) return error;
      *ticket = {{}, listener_name_, uid_};
    }
    if (!Fill(&ticket->token)) return -EIO;
    offers_[ticket->token] = {fd->Take(), process_id, owner};
    return 0;
  }

  // Takes an offer for a thread of this process. Returns the descriptor; -EPERM: it is for another process;
  // -ENOENT: no such offer.
  int Take(const Random& token) {
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = offers_.find(token);
    if (found == offers_.end()) return -ENOENT;
    if (found->second.process_id != 0 && found->second.process_id != getpid()) return -EPERM;
    int fd = found->second.fd;
    offers_.erase(found);
    return fd;
  }

  // Answers another process. The offer is removed only if the descriptor was sent.
  void Serve(int connection, const ucred& peer, const Random& token) {
    UniqueFd sent(Pass(connection, peer, token));
  }

  void Drop(const State* owner) {
    std::vector<int> dropped;
    std::unique_lock<std::mutex> lock(mutex_);
    for (auto offer = offers_.begin(); offer != offers_.end();) {
      if (offer->second.owner == owner) {
        dropped.push_back(offer->second.fd);
        offer = offers_.erase(offer);
      } else {
        ++offer;
      }
    }
    lock.unlock();
    for (int fd : dropped) CloseWithoutWait(fd, BeginAndInterrupt(fd));
  }

  bool IsListener(const Random& name) {
    std::lock_guard<std::mutex> lock(mutex_);
    return listener_ >= 0 && name == listener_name_;
  }

  // Returns whether a process may ask: any process of this user, and a process of another user that an offer
  // names.
  bool Admits(const ucred& peer) {
    if (peer.uid == geteuid()) return true;
    std::lock_guard<std::mutex> lock(mutex_);
    return std::any_of(offers_.begin(), offers_.end(),
                       [&](const auto& entry) { return entry.second.process_id == peer.pid; });
  }

 private:
  int Start();
  static void* Run(void* offers);
  void Listen();

  int Pass(int connection, const ucred& peer, const Random& token) {
    AnswerMessage message;
    std::lock_guard<std::mutex> lock(mutex_);
    auto found = offers_.find(token);
    int fd = -1;
    if (found == offers_.end()) {
      message.answer.error = ENOENT;
    } else {
      pid_t wanted = found->second.process_id;
      bool may = wanted != 0 ? wanted == peer.pid : peer.uid == geteuid();
      if (may) {
        fd = found->second.fd;
        message.Attach(fd);
      } else {
        message.answer.error = EPERM;
      }
    }
    if (fd < 0) message.header.msg_controllen = 0;
    bool went = sendmsg(connection, &message.header, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
    if (fd < 0 || !went) return -1;
    offers_.erase(found);
    return fd;
  }

  std::mutex mutex_;
  std::map<Random, Offer> offers_;
  int listener_ = -1;
  Random listener_name_{};
  uint32_t uid_ = 0;
};

// Starts the listener and its thread at the first offer to other processes. The caller holds the mutex.
int Offers::Start() {
  if (listener_ >= 0) return 0;
  UniqueFd listener(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener.get() < 0) return -errno;
  if (!Fill(&listener_name_)) return -EIO;
  sockaddr_un address;
  socklen_t length = ListenerAddress(listener_name_, &address);
  if (bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) return -errno;
  uid_ = geteuid();
  if (listen(listener.get(), SOMAXCONN) != 0) return -errno;
  listener_ = listener.get();
  int error = StartDetachedThread(kStackSize, Run, this);
  if (error != 0) {
    listener_ = -1;
    return -error;
  }
  listener.Take();
  return 0;
}

void* Offers::Run(void* offers) {
  pthread_setname_np(pthread_self(), "bsd-share");
  static_cast<Offers*>(offers)->Listen();
  return nullptr;
}

// A connected process that has not sent its token yet.
struct Client {
  std::unique_ptr<UniqueFd> connection;
  ucred peer;
  int64_t deadline_ms;
};

void Offers::Listen() {
  std::vector<Client> clients;
  std::vector<pollfd> poll_fds;
  bool accepting = true;
  for (;;) {
    poll_fds.clear();
    bool full = clients.size() >= kClientLimit;
    poll_fds.push_back({accepting && !full ? listener_ : -1, POLLIN, 0});
    for (const Client& client : clients) poll_fds.push_back({client.connection->get(), POLLIN, 0});
    int64_t now = NowMs();
    // The clients are in the order of their deadlines.
    int64_t wait_ms = clients.empty() ? -1 : std::max<int64_t>(clients.front().deadline_ms - now, 0);
    // The process has no free descriptor: accept again a little later.
    if (!accepting) wait_ms = 50;
    if (poll(poll_fds.data(), poll_fds.size(), static_cast<int>(wait_ms)) < 0) continue;
    accepting = true;
    now = NowMs();
    std::vector<Client> waiting;
    for (size_t i = 0; i < clients.size(); i++) {
      Client& client = clients[i];
      if (poll_fds[i + 1].revents != 0) {
        Random token;
        ssize_t count = recv(client.connection->get(), token.data(), token.size(), MSG_DONTWAIT);
        if (count == static_cast<ssize_t>(token.size())) Serve(client.connection->get(), client.peer, token);
      } else if (client.deadline_ms > now) {
        waiting.push_back(std::move(client));
      }
    }
    clients = std::move(waiting);
    if (poll_fds[0].revents == 0) continue;
    auto connection = std::make_unique<UniqueFd>(accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC));
    if (connection->get() < 0) {
      accepting = errno == EAGAIN || errno == EINTR || errno == ECONNABORTED;
      continue;
    }
    ucred peer;
    if (PeerOf(connection->get(), &peer) && Admits(peer))
      clients.push_back({std::move(connection), peer, now + kTokenMs});
  }
}

// Asks the sharing process. Returns the descriptor, -errno, or why the wait ended.
int64_t Ask(State& state, const Ticket& ticket) {
  UniqueFd connection(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  int fd = connection.get();
  if (fd < 0) return -errno;
  if (fd >= kDescriptorLimit) return -EMFILE;
  // A full queue of connections has no readiness, so the kernel has to time the call out. No other holder of
  // the description exists that SO_SNDTIMEO could disturb.
  timeval limit{static_cast<time_t>(kAnswerMs / 1000), 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  sockaddr_un address;
  socklen_t length = ListenerAddress(ticket.listener, &address);
  uint32_t generation = BeginAndInterrupt(fd);
  {
    DescriptorUse use(fd, generation);
    int64_t result =
        AwaitCall(state, use, -1, [&] { return connect(fd, reinterpret_cast<sockaddr*>(&address), length); });
    if (result == -EAGAIN) return kTimedOut;
    if (result < 0) return result == -ECONNREFUSED ? -ENOENT : result;
  }
  // After the owner has ended, a process of another user may listen under its name.
  ucred peer;
  if (!PeerOf(fd, &peer) || peer.uid != ticket.owner) return -ENOENT;
  AnswerMessage message;
  int64_t count = OrErrno(send(fd, ticket.token.data(), ticket.token.size(), MSG_NOSIGNAL));
  if (count >= 0) {
    count = Await(state, fd, generation, POLLIN, kAnswerMs, [&] {
      message.header.msg_controllen = sizeof message.control;
      return recvmsg(fd, &message.header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    });
  }
  UniqueFd shared(count > 0 ? message.Detach() : -1);
  bool hung_up = count == 0 || count == -ECONNRESET || count == -EPIPE;
  // The owner closed the connection because this process may not ask, or the owner has just ended.
  if (hung_up) return ticket.owner == geteuid() ? -ENOENT : -EPERM;
  if (count < 0) return count;
  if (count != sizeof message.answer) return -EPROTO;
  if (message.answer.error != 0) return -message.answer.error;
  return shared.get() >= 0 ? shared.Take() : -EPROTO;
}

int64_t Redeem(State& state, const Ticket& ticket) {
  Offers& offers = Offers::Get();
  int fd = offers.Take(ticket.token);
  if (fd != -ENOENT) return fd;
  bool for_threads = ticket.listener == Random{};
  if (for_threads) return static_cast<pid_t>(ticket.owner) == getpid() ? -ENOENT : -EPERM;
  return offers.IsListener(ticket.listener) ? -ENOENT : Ask(state, ticket);
}

}  // namespace

void DropOffers(const State* owner) { Offers::Get().Drop(owner); }

// share(fd, generation, process_id, ticket): offers a duplicate to that process; 0: to any process of this
// user
napi_value Share(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  pid_t process_id = args.Int(2);
  View bytes = args.Bytes(3);
  if (!args.valid() || process_id < 0 || bytes.length() != sizeof(Ticket)) return args.Invalid();
  if (process_id > 0 && kill(process_id, 0) != 0 && errno == ESRCH) return args.Return(-ESRCH);
  int64_t duplicate = Immediate(fd, generation, [&] { return fcntl(fd, F_DUPFD_CLOEXEC, 0); });
  if (duplicate < 0) return args.Return(duplicate);
  UniqueFd offered(static_cast<int>(duplicate));
  if (duplicate >= kDescriptorLimit) return args.Return(-EMFILE);
  Ticket ticket;
  int error = Offers::Get().Add(&offered, process_id, &args.state(), &ticket);
  if (error == 0) memcpy(bytes.data(), &ticket, sizeof ticket);
  return args.Return(error);
}

// fromshare(ticket) -> fd; -ENOENT: it was taken, or its owner has ended; -EPERM: it is for another process
napi_value Fromshare(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  View bytes = args.Bytes(0);
  if (!args.valid() || bytes.length() != sizeof(Ticket)) return args.Invalid();
  Ticket ticket;
  memcpy(&ticket, bytes.data(), sizeof ticket);
  return args.Return(args.state().Adopt(Redeem(args.state(), ticket)));
}

}  // namespace bsd_sockets
