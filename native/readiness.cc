// The epoll instance of an environment, its watcher (the event loop or a thread), and its end. See
// readiness.h.
//
// The end with a loop: handles of libuv may only be closed while the loop still runs, so an asynchronous
// cleanup hook closes them and then frees the rest. The end with a thread: a plain cleanup hook joins it
// (Deno frees asynchronous hooks twice), so that the thread never touches an environment that is gone.
#include "readiness.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <new>
#include <utility>

#include "arguments.h"
#include "calls.h"
#include "descriptor.h"
#include "system_calls.h"
#include "thread.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

constexpr uint32_t kReadEvents = EPOLLIN | EPOLLPRI | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr uint32_t kWriteEvents = EPOLLOUT | EPOLLHUP | EPOLLERR;
constexpr size_t kThreadStack = 128 * 1024;

int Directions(uint32_t events) {
  return ((events & kReadEvents) != 0 ? kRead : 0) | ((events & kWriteEvents) != 0 ? kWrite : 0);
}

// Returns whether the socket is TCP without an upper layer protocol: kernel TLS receives records.
bool IsPlainTcp(int fd) {
  int protocol = 0;
  socklen_t length = sizeof protocol;
  if (getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &length) != 0 || protocol != IPPROTO_TCP)
    return false;
  char upper[16];
  length = sizeof upper;
  return getsockopt(fd, IPPROTO_TCP, TCP_ULP, upper, &length) == 0 && length == 0;
}

// The key of a registration: its generation stands where the words of the descriptor table have it. A number
// may be given out again while an old registration still reports, because another descriptor keeps its socket
// open.
uint64_t KeyOf(int fd, uint32_t generation) {
  return static_cast<uint64_t>(generation) << 32 | static_cast<uint32_t>(fd);
}
int FdOf(uint64_t key) { return static_cast<int>(key); }

// The receives of one wake-up. Each goes to the scratch memory; from there its data moves to the slab, if
// that has room for it. Else it stays, and the wake-up receives no more.
class WakeUpReceiver {
 public:
  explicit WakeUpReceiver(State& state) : state_(state), exchange_(state.exchange()) {}

  // Returns the number of bytes, kNotReceived if an attempt has to be made, or -errno. `*place`: see
  // ReadyDescriptor.
  int32_t Receive(int fd, uint32_t generation, size_t allowance, int32_t* place) {
    if (full_) return kNotReceived;
    DescriptorUse use(fd, generation);
    if (!use.valid()) return kNotReceived;
    uint8_t* scratch = exchange_.scratch.data();
    allowance = std::min(allowance, kScratchSize);
    int32_t count =
        static_cast<int32_t>(Try(use, [&] { return DirectRecv(fd, scratch, allowance, MSG_DONTWAIT); }));
    state_.readiness->Received(fd, count, allowance);
    if (count > 0) *place = Keep(scratch, static_cast<size_t>(count));
    return count;
  }

 private:
  int32_t Keep(const uint8_t* data, size_t length) {
    if (!std::exchange(has_slab_, true)) slab_ = state_.Slab(&slab_size_);
    size_t used = static_cast<size_t>(exchange_.cells[kSlabUsed]);
    full_ = length > kSlabPartMax || slab_ == nullptr || used > slab_size_ || length > slab_size_ - used;
    if (full_) return kInScratch;
    memcpy(slab_ + used, data, length);
    size_t end = used + length + kSlabAlignment - 1;
    exchange_.cells[kSlabUsed] = static_cast<int32_t>(end - end % kSlabAlignment);
    return static_cast<int32_t>(used);
  }

  State& state_;
  Exchange& exchange_;
  bool has_slab_ = false;
  bool full_ = false;
  uint8_t* slab_ = nullptr;
  size_t slab_size_ = 0;
};

}  // namespace

Readiness::Readiness(State& state) : state_(state), env_(state.env()), loop_(state.loop()) {}

int Readiness::Create(State& state, napi_value callback, Readiness** created) {
  napi_env env = state.env();
  uv_loop_t* loop = state.loop();
  Readiness* readiness = new (std::nothrow) Readiness(state);
  if (readiness == nullptr) return -ENOMEM;
  readiness->epoll_fd_ = epoll_create1(EPOLL_CLOEXEC);
  int error = readiness->epoll_fd_ < 0 ? -errno : 0;
  if (error == 0 && !readiness->Prepare(callback)) error = -EINVAL;
  if (error == 0) error = loop != nullptr ? readiness->WatchByLoop() : readiness->WatchByThread();
  if (error != 0) {
    readiness->DropReferences();
    // A handle in the loop, and a function of the runtime, free the object once they are closed: a worker
    // whose loop has a handle left aborts the process.
    if (readiness->handle_.data != nullptr) {
      OnLoopEnd(nullptr, readiness);
    } else if (readiness->wake_ != nullptr) {
      napi_release_threadsafe_function(readiness->wake_, napi_tsfn_abort);
    } else {
      delete readiness;
    }
    return error;
  }
  // From here on only the hook frees the object. Adding a hook fails for wrong arguments alone.
  napi_status status = loop != nullptr
                           ? napi_add_async_cleanup_hook(env, OnLoopEnd, readiness, &readiness->cleanup_)
                           : napi_add_env_cleanup_hook(env, OnThreadEnd, readiness);
  if (status != napi_ok) return -EINVAL;
  *created = readiness;
  return 0;
}

Readiness::~Readiness() { Close(); }

void Readiness::Close() {
  if (epoll_fd_ >= 0) close(epoll_fd_);
  if (control_fd_ >= 0) close(control_fd_);
  epoll_fd_ = control_fd_ = -1;
}

bool Readiness::Prepare(napi_value callback) {
  napi_value buffer, name, resource;
  void* memory = nullptr;
  // The kernel allocates a page of the descriptors' numbers at its first use.
  size_t size = sizeof(ReadinessMemory) + kDescriptorLimit * sizeof(int32_t);
  if (napi_create_arraybuffer(env_, size, &memory, &buffer) != napi_ok) return false;
  memory_ = static_cast<ReadinessMemory*>(memory);
  return napi_create_reference(env_, buffer, 1, &memory_ref_) == napi_ok &&
         napi_create_reference(env_, callback, 0, &callback_ref_) == napi_ok &&
         napi_create_string_utf8(env_, "bsd-sockets", NAPI_AUTO_LENGTH, &name) == napi_ok &&
         napi_create_object(env_, &resource) == napi_ok &&
         napi_async_init(env_, resource, name, &context_) == napi_ok;
}

int Readiness::WatchByLoop() {
  const LoopFunctions* uv = FindLoopFunctions();
  int error = uv->poll_init(loop_, &handle_, epoll_fd_);
  if (error != 0) return error;
  handle_.data = this;
  error = uv->poll_start(&handle_, UV_READABLE, OnReadable);
  uv->unref(reinterpret_cast<uv_handle_t*>(&handle_));
  if (error != 0) return error;
  // libuv would add the instance at its next turn, and abort if the kernel refuses. Added at once, it makes
  // the kernel refuse a descriptor that would close a circle, such as that of the loop, at its registration.
  error = ControlBackend(EPOLL_CTL_ADD, EPOLLIN);
  return error == -EEXIST ? 0 : error;
}

int Readiness::ControlBackend(int operation, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = epoll_fd_;
  return epoll_ctl(FindLoopFunctions()->backend_fd(loop_), operation, epoll_fd_, &event) == 0 ? 0 : -errno;
}

void Readiness::OnReadable(uv_poll_t* handle, int status, int events) {
  Readiness* readiness = static_cast<Readiness*>(handle->data);
  bool all = readiness->Dispatch();
  // libuv watches for the level. In each turn the kernel would then ask the instance again, only to hear that
  // Dispatch has taken all. The change also reports again what is left.
  if (readiness->by_level_ || !all)
    readiness->by_level_ = readiness->ControlBackend(EPOLL_CTL_MOD, EPOLLIN | EPOLLET) != 0;
}

// Starts a thread that waits until the instance is readable, wakes the environment, and goes on after the
// environment has dispatched the events.
int Readiness::WatchByThread() {
  control_fd_ = eventfd(0, EFD_CLOEXEC);
  if (control_fd_ < 0) return -errno;
  napi_value name;
  if (napi_create_string_utf8(env_, "bsd-sockets", NAPI_AUTO_LENGTH, &name) != napi_ok ||
      napi_create_threadsafe_function(
          env_, nullptr, nullptr, name, 0, 1, this,
          [](napi_env, void* self, void*) { delete static_cast<Readiness*>(self); }, this, OnWoken,
          &wake_) != napi_ok) {
    return -EINVAL;
  }
  napi_unref_threadsafe_function(env_, wake_);
  return -StartThread(
      kThreadStack,
      [](void* self) -> void* {
        pthread_setname_np(pthread_self(), "socket-ready");
        static_cast<Readiness*>(self)->RunThread();
        return nullptr;
      },
      this, &thread_);
}

void Readiness::RunThread() {
  while (!ending_.load()) {
    pollfd watched[] = {{epoll_fd_, POLLIN, 0}, {control_fd_, POLLIN, 0}};
    if (poll(watched, 2, -1) < 0) continue;
    if ((watched[1].revents & POLLIN) != 0) continue;
    if (napi_call_threadsafe_function(wake_, nullptr, napi_tsfn_nonblocking) != napi_ok) {
      // The environment is about to end, and the function does not belong to this object any longer.
      unwakeable_ = true;
      return;
    }
    eventfd_t ignored;
    eventfd_read(control_fd_, &ignored);
  }
}

void Readiness::OnWoken(napi_env env, napi_value callback, void* context, void* data) {
  // No environment: it is being torn down.
  if (env == nullptr) return;
  Readiness* readiness = static_cast<Readiness*>(context);
  if (readiness->ending_.load()) return;
  readiness->Dispatch();
  eventfd_write(readiness->control_fd_, 1);
}

void Readiness::OnThreadEnd(void* self) {
  Readiness* readiness = static_cast<Readiness*>(self);
  readiness->ending_.store(true);
  eventfd_write(readiness->control_fd_, 1);
  pthread_join(readiness->thread_, nullptr);
  readiness->Close();
  if (!readiness->unwakeable_) napi_release_threadsafe_function(readiness->wake_, napi_tsfn_release);
}

bool Readiness::Dispatch() {
  epoll_event events[kReadyLimit];
  int count = DirectEpollWait(epoll_fd_, events, kReadyLimit, 0);
  bool all = count < static_cast<int>(kReadyLimit);
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return all;
  napi_value callback, result;
  // Without the callback nothing may be received.
  if (napi_get_reference_value(env_, callback_ref_, &callback) == napi_ok && callback != nullptr &&
      Report(events, count) > 0) {
    // Runs the callback, which never throws, and then the continuations of the promises that it settled. The
    // receiver, any object, is not used, and neither is the result: Deno crashes without a place for it.
    napi_make_callback(env_, context_, callback, callback, 0, &callback, &result);
    if (memory_->waiting == 0 && memory_->referenced != 0) Reference(false);
  }
  napi_close_handle_scope(env_, scope);
  return all;
}

int Readiness::Report(const epoll_event* events, int count) {
  WakeUpReceiver receiver(state_);
  int ready = 0;
  for (int i = 0; i < count; i++) {
    uint64_t key = events[i].data.u64;
    int fd = FdOf(key);
    int32_t& descriptor = memory_->descriptors[fd];
    if ((events[i].events & kReadEvents) != 0) {
      descriptor &= ~(kDrained | kSimple);
      bool only_data = (events[i].events & kReadEvents) == EPOLLIN;
      // An old registration says nothing about the socket that has the number now.
      if (only_data && (descriptor & kPlainTcp) != 0 &&
          IsOpen(descriptor_table[fd].load(), GenerationOf(key)))
        descriptor |= kSimple;
    }
    int directions = Directions(events[i].events) & descriptor;
    int32_t received = kNotReceived, place = kInScratch;
    size_t allowance = static_cast<size_t>(descriptor >> kAllowanceShift);
    if ((directions & kRead) != 0 && allowance > 0) {
      received = receiver.Receive(fd, GenerationOf(key), allowance, &place);
      // The read waits on.
      if (received == -EAGAIN) directions &= ~kRead;
    }
    if (directions == 0) continue;
    memory_->ready[ready++] = {fd, directions, received, place};
  }
  memory_->ready_count = ready;
  return ready;
}

int Readiness::Control(int operation, int fd, uint32_t generation) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLPRI | EPOLLRDHUP | EPOLLET;
  event.data.u64 = KeyOf(fd, generation);
  return epoll_ctl(epoll_fd_, operation, fd, &event) == 0 ? 0 : -errno;
}

int Readiness::Add(int fd, uint32_t generation, bool exclusive) {
  memory_->descriptors[fd] &= kRead | kWrite;
  int error = Control(EPOLL_CTL_ADD, fd, generation);
  if (error == 0 && exclusive && IsPlainTcp(fd)) memory_->descriptors[fd] |= kPlainTcp;
  return error;
}

int Readiness::Again(int fd, uint32_t generation) { return Control(EPOLL_CTL_MOD, fd, generation); }

int Readiness::Remove(int fd) {
  memory_->descriptors[fd] = 0;
  return Control(EPOLL_CTL_DEL, fd, 0);
}

void Readiness::Reference(bool referenced) {
  memory_->referenced = referenced;
  referenced ? napi_reference_ref(env_, callback_ref_, nullptr)
             : napi_reference_unref(env_, callback_ref_, nullptr);
  if (loop_ != nullptr) {
    auto* handle = reinterpret_cast<uv_handle_t*>(&handle_);
    referenced ? FindLoopFunctions()->ref(handle) : FindLoopFunctions()->unref(handle);
    return;
  }
  referenced ? napi_ref_threadsafe_function(env_, wake_) : napi_unref_threadsafe_function(env_, wake_);
}

void Readiness::DropReferences() {
  for (napi_ref reference : {callback_ref_, memory_ref_}) napi_delete_reference(env_, reference);
  napi_async_destroy(env_, context_);
}

void Readiness::Release() {
  DropReferences();
  if (loop_ != nullptr) {
    OnLoopEnd(cleanup_, this);
  } else {
    napi_remove_env_cleanup_hook(env_, OnThreadEnd, this);
    OnThreadEnd(this);
  }
}

napi_value Readiness::memory() const {
  napi_value buffer = nullptr;
  return napi_get_reference_value(env_, memory_ref_, &buffer) == napi_ok ? buffer : nullptr;
}

void Readiness::OnLoopEnd(napi_async_cleanup_hook_handle hook, void* self) {
  Readiness* readiness = static_cast<Readiness*>(self);
  if (std::exchange(readiness->closing_, true)) return;
  const LoopFunctions* uv = FindLoopFunctions();
  uv->poll_stop(&readiness->handle_);
  uv->close(reinterpret_cast<uv_handle_t*>(&readiness->handle_), [](uv_handle_t* handle) {
    Readiness* closed = static_cast<Readiness*>(handle->data);
    napi_async_cleanup_hook_handle done = closed->cleanup_;
    delete closed;
    napi_remove_async_cleanup_hook(done);
  });
}

// readiness_start(callback) -> the ReadinessMemory, or -errno. callback() is a wake-up.
napi_value ReadinessStart(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  if (!args.valid()) return args.Invalid();
  State& state = args.state();
  if (state.readiness == nullptr) {
    int error = Readiness::Create(state, args[0], &state.readiness);
    if (error != 0) return args.Return(error);
  }
  return state.readiness->memory();
}

// readiness_add(fd, generation, exclusive): begins to watch a descriptor; see Readiness::Add
napi_value ReadinessAdd(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  bool exclusive = args.Bool(2);
  if (!args.valid() || args.state().readiness == nullptr) return args.Invalid();
  DescriptorUse use(fd, generation);
  return args.Return(use.valid() ? args.state().readiness->Add(fd, generation, exclusive) : -EBADF);
}

// readiness_again(fd, generation): reports again the directions that are ready now
napi_value ReadinessAgain(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1);
  if (!args.valid() || args.state().readiness == nullptr) return args.Invalid();
  return args.Return(args.state().readiness->Again(fd, generation));
}

// readiness_remove(fd): stops watching, to be called before the descriptor is closed
napi_value ReadinessRemove(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int fd = args.Int(0);
  Readiness* readiness = args.state().readiness;
  if (!args.valid() || readiness == nullptr || fd < 0 || fd >= kDescriptorLimit) return args.Invalid();
  return args.Return(readiness->Remove(fd));
}

// readiness_reference(referenced): keeps the event loop alive, or no longer
napi_value ReadinessReference(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  bool referenced = args.Bool(0);
  if (!args.valid() || args.state().readiness == nullptr) return args.Invalid();
  args.state().readiness->Reference(referenced);
  return args.Return(0);
}

}  // namespace bsd_sockets
