// The state of an environment: its creation, interruptions, owned descriptors. See state.h.
#include "state.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <new>
#include <utility>

#include "descriptor.h"
#include "lookup.h"
#include "readiness.h"
#include "share.h"
#include "thread.h"

namespace bsd_sockets {
namespace {

// Number of listeners that run inside each other's calls. More signals wait until one of them returns.
constexpr int kDispatchLimit = 16;

// Bytes of stack of a thread that closes.
constexpr size_t kCloserStack = 64 * 1024;

// Calls a function by its reference. If that fails, an exception is pending or the environment is stopping.
napi_status Call(napi_env env, napi_ref function_ref, size_t count, const napi_value* arguments,
                 napi_value* result) {
  napi_value function, receiver;
  napi_status status = napi_get_reference_value(env, function_ref, &function);
  if (status == napi_ok) status = napi_get_undefined(env, &receiver);
  if (status != napi_ok) return status;
  return napi_call_function(env, receiver, function, count, arguments, result);
}

// Not isMainThread of node:worker_threads, which takes two milliseconds to load.
bool IsMainThread() { return syscall(SYS_gettid) == getpid(); }

int64_t WhyCallFailed(napi_env env) {
  bool pending = false;
  return napi_is_exception_pending(env, &pending) == napi_ok && pending ? kThrew : kStopping;
}

}  // namespace

State::State(napi_env env) : lookup_event(std::make_shared<LookupEvent>()), env_(env) {}

State* State::Create(napi_env env, napi_value probe, napi_value signals, bool use_libuv,
                     napi_value* exchange) {
  State* state = new (std::nothrow) State(env);
  if (state == nullptr) return nullptr;
  void* memory = nullptr;
  if (napi_create_arraybuffer(env, sizeof(Exchange), &memory, exchange) != napi_ok ||
      napi_create_reference(env, probe, 0, &state->probe_ref_) != napi_ok ||
      napi_create_reference(env, signals, 0, &state->signals_ref_) != napi_ok) {
    delete state;
    return nullptr;
  }
  state->exchange_ = static_cast<Exchange*>(memory);
  const LoopFunctions* uv = use_libuv ? FindLoopFunctions() : nullptr;
  if (uv != nullptr && napi_get_uv_event_loop(env, &state->loop_) == napi_ok && state->loop_ != nullptr) {
    state->waiter().SetBackend(uv->backend_fd(state->loop_));
    if (IsMainThread()) state->signals_.Enable(state->loop_);
  }
  return state;
}

// References end with the environment. Not every runtime allows to delete them while it is torn down. The map
// is emptied before its descriptors are closed.
State::~State() {
  AbandonLookups(*this);
  DropOffers(this);
  for (const auto& [fd, generation] : std::exchange(owned_, {})) CloseWithoutWait(fd, generation);
}

void State::Release() {
  for (napi_ref reference : {probe_ref_, signals_ref_, slab_ref_})
    if (reference != nullptr) napi_delete_reference(env_, reference);
  if (readiness != nullptr) readiness->Release();
}

bool State::SetSlab(napi_value slab) {
  if (slab_ref_ != nullptr) napi_delete_reference(env_, std::exchange(slab_ref_, nullptr));
  return napi_create_reference(env_, slab, 0, &slab_ref_) == napi_ok;
}

uint8_t* State::Slab(size_t* size) const {
  napi_value slab = nullptr;
  void* data = nullptr;
  if (slab_ref_ == nullptr || napi_get_reference_value(env_, slab_ref_, &slab) != napi_ok ||
      slab == nullptr || napi_get_arraybuffer_info(env_, slab, &data, size) != napi_ok) {
    return nullptr;
  }
  return static_cast<uint8_t*>(data);
}

int State::Prepare() {
  if (!prepared_) {
    int error = waiter_->Register();
    if (error != 0) return error;
    prepared_ = true;
  }
  int pipe = signals_.Open();
  if (pipe >= 0) waiter_->Watch(pipe);
  return 0;
}

int64_t State::HandleInterruption() {
  interruptions_++;
  waiter_->Acknowledge();
  napi_handle_scope scope;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return kStopping;
  napi_value ignored;
  // Any call into JavaScript makes V8 look. If the environment is stopping, the call fails without an
  // exception.
  int64_t outcome = Call(env_, probe_ref_, 0, nullptr, &ignored) == napi_ok ? 0 : WhyCallFailed(env_);
  if (outcome == 0) {
    // JavaScript may have added the first listener.
    if (signals_.pipe_missing()) Prepare();
    outcome = DispatchSignals();
  }
  napi_close_handle_scope(env_, scope);
  return outcome;
}

// Runs the listeners of each signal that waits. A record is removed right before its listeners run: a call of
// a listener finds the other ones in the pipe, and so does the next call if a listener throws.
int64_t State::DispatchSignals() {
  if (dispatching_ == kDispatchLimit) return 0;
  bool ran = false;
  for (int signal : signals_.Peek()) {
    bool listened = false;
    int64_t outcome = CallListeners(signal, false, &listened);
    if (outcome == 0 && listened && signals_.Take(signal)) {
      ran = true;
      dispatching_++;
      outcome = CallListeners(signal, true, &listened);
      dispatching_--;
    }
    if (outcome != 0) return outcome;
  }
  return ran && siginterrupt ? -EINTR : 0;
}

// Stores whether the signal has listeners, and runs them if `run`. 0, kStopping or kThrew.
int64_t State::CallListeners(int signal, bool run, bool* listened) {
  napi_value arguments[2], result;
  if (napi_create_int32(env_, signal, &arguments[0]) != napi_ok ||
      napi_get_boolean(env_, run, &arguments[1]) != napi_ok)
    return kStopping;
  if (Call(env_, signals_ref_, 2, arguments, &result) != napi_ok) return WhyCallFailed(env_);
  return napi_get_value_bool(env_, result, listened) == napi_ok ? 0 : kStopping;
}

int64_t State::Adopt(int64_t result, Cell generation_cell) {
  if (result < 0) return result;
  int fd = static_cast<int>(result);
  if (fd >= kDescriptorLimit) {
    close(fd);
    return -EMFILE;
  }
  Own(fd, BeginAndInterrupt(fd), generation_cell);
  return fd;
}

int64_t State::AdoptOpen(int fd) {
  uint32_t generation;
  if (!FindGeneration(fd, &generation)) return -EBADF;
  Own(fd, generation, kGeneration);
  return fd;
}

void State::Own(int fd, uint32_t generation, Cell generation_cell) {
  owned_[fd] = generation;
  if (readiness != nullptr) readiness->Forget(fd);
  exchange_->cells[generation_cell] = static_cast<int32_t>(generation);
}

int64_t State::Close(int fd, uint32_t generation, int64_t (*close_and_interrupt)(int, uint32_t)) {
  auto found = owned_.find(fd);
  if (found != owned_.end() && found->second == generation) owned_.erase(found);
  if (readiness != nullptr && fd >= 0 && fd < kDescriptorLimit) readiness->Forget(fd);
  return close_and_interrupt(fd, generation);
}

uint32_t BeginAndInterrupt(int fd) {
  bool used = false;
  uint32_t generation = BeginGeneration(fd, &used);
  if (used) InterruptUsersOf(fd);
  return generation;
}

int64_t CloseAndInterrupt(int fd, uint32_t generation) {
  int error = 0;
  switch (CloseDescriptor(fd, generation, &error)) {
    case Closed::kStale:
      return -EBADF;
    case Closed::kNow:
      return -error;
    case Closed::kDeferred:
      InterruptUsersOf(fd);
      return 0;
  }
  return 0;
}

int64_t CloseWithoutWait(int fd, uint32_t generation) {
  auto use = std::make_unique<DescriptorUse>(fd, generation);
  if (!use->valid() || !Lingers(fd)) use.reset();
  int64_t result = CloseAndInterrupt(fd, generation);
  auto close_by_leaving = [](void* use) -> void* {
    pthread_setname_np(pthread_self(), "socket-close");
    delete static_cast<DescriptorUse*>(use);
    return nullptr;
  };
  if (use != nullptr && StartDetachedThread(kCloserStack, close_by_leaving, use.get()) == 0) use.release();
  return result;
}

}  // namespace bsd_sockets
