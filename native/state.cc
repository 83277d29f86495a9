// The state of an environment: its creation, interruptions, owned descriptors. See state.h.
#include "state.h"

#include <errno.h>
#include <napi.h>
#include <unistd.h>

#include <new>
#include <utility>
#include <vector>

#include "descriptor.h"
#include "readiness.h"

namespace bsd_sockets {
namespace {

// Calls a function by its reference. If that fails, an exception is pending or the environment is stopping.
napi_status Call(napi_env env, napi_ref function_ref, size_t count, const napi_value* arguments,
                 napi_value* result) {
  napi_value function, receiver;
  napi_status status = napi_get_reference_value(env, function_ref, &function);
  if (status == napi_ok) status = napi_get_undefined(env, &receiver);
  if (status != napi_ok) return status;
  return napi_call_function(env, receiver, function, count, arguments, result);
}

int64_t WhyCallFailed(napi_env env) {
  bool pending = false;
  return napi_is_exception_pending(env, &pending) == napi_ok && pending ? kThrew : kStopping;
}

bool MakeNumbers(napi_env env, const std::vector<int>& numbers, napi_value* array) {
  if (napi_create_array_with_length(env, numbers.size(), array) != napi_ok) return false;
  for (size_t i = 0; i < numbers.size(); i++) {
    napi_value number;
    if (napi_create_int32(env, numbers[i], &number) != napi_ok) return false;
    if (napi_set_element(env, *array, i, number) != napi_ok) return false;
  }
  return true;
}

bool ReadNumbers(napi_env env, napi_value array, std::vector<int>* numbers) {
  uint32_t length = 0;
  if (napi_get_array_length(env, array, &length) != napi_ok) return false;
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    int32_t number;
    if (napi_get_element(env, array, i, &element) != napi_ok) return false;
    if (napi_get_value_int32(env, element, &number) != napi_ok) return false;
    numbers->push_back(number);
  }
  return true;
}

}  // namespace

State* State::Create(napi_env env) {
  State* state = new (std::nothrow) State(env);
  if (state == nullptr) return nullptr;
  napi_value buffer;
  void* memory = nullptr;
  if (napi_create_arraybuffer(env, sizeof(Exchange), &memory, &buffer) != napi_ok ||
      napi_create_reference(env, buffer, 1, &state->exchange_ref_) != napi_ok) {
    delete state;
    return nullptr;
  }
  state->exchange_ = static_cast<Exchange*>(memory);
  return state;
}

// References end with the environment. Not every runtime allows to delete them while it is torn down.
State::~State() {
  waiter_.Unregister();
  // The map is emptied before its descriptors are closed.
  for (const auto& [fd, generation] : std::exchange(owned_, {})) CloseAndInterrupt(fd, generation);
}

napi_value State::exchange_buffer() const {
  napi_value buffer = nullptr;
  return napi_get_reference_value(env_, exchange_ref_, &buffer) == napi_ok ? buffer : nullptr;
}

napi_status State::SetUp(napi_value probe, napi_value signals, bool is_main, bool use_libuv) {
  if (probe_ref_ != nullptr) return napi_ok;
  const LoopFunctions* uv = use_libuv ? FindLoopFunctions() : nullptr;
  if (uv != nullptr && napi_get_uv_event_loop(env_, &loop_) == napi_ok && loop_ != nullptr) {
    waiter_.SetBackend(uv->backend_fd(loop_));
    if (is_main) signals_.Enable(loop_);
  }
  napi_status status = napi_create_reference(env_, probe, 1, &probe_ref_);
  return status == napi_ok ? napi_create_reference(env_, signals, 1, &signals_ref_) : status;
}

int State::Prepare() {
  if (!prepared_) {
    int error = waiter_.Register();
    if (error != 0) return error;
    prepared_ = true;
  }
  int pipe = signals_.Open();
  if (pipe >= 0) waiter_.Watch(pipe);
  return 0;
}

int64_t State::HandleInterruption() {
  waiter_.Acknowledge();
  if (probe_ref_ == nullptr) return kStopping;
  Napi::HandleScope scope(env_);
  napi_value ignored;
  // Any call into JavaScript makes V8 look. If the environment is stopping, the call fails without an
  // exception.
  if (Call(env_, probe_ref_, 0, nullptr, &ignored) != napi_ok) return WhyCallFailed(env_);
  // JavaScript may have added the first listener.
  if (signals_.pipe_missing()) Prepare();
  return DispatchSignals();
}

// Asks JavaScript which of the waiting signals have listeners, removes these from the pipe of libuv and runs
// their listeners.
int64_t State::DispatchSignals() {
  std::vector<int> waiting = signals_.Peek();
  if (waiting.empty()) return 0;
  napi_value run, numbers, chosen;
  if (napi_get_boolean(env_, false, &run) != napi_ok || !MakeNumbers(env_, waiting, &numbers))
    return kStopping;
  napi_value question[] = {numbers, run};
  if (Call(env_, signals_ref_, 2, question, &chosen) != napi_ok) return WhyCallFailed(env_);
  std::vector<int> taken;
  if (!ReadNumbers(env_, chosen, &taken) || taken.empty()) return 0;
  signals_.Take(taken);
  if (napi_get_boolean(env_, true, &run) != napi_ok) return kStopping;
  napi_value answer[] = {chosen, run};
  napi_value ignored;
  if (Call(env_, signals_ref_, 2, answer, &ignored) != napi_ok) return WhyCallFailed(env_);
  return siginterrupt ? -EINTR : 0;
}

int64_t State::Adopt(int64_t result, Cell generation_cell) {
  if (result < 0) return result;
  int fd = static_cast<int>(result);
  if (fd >= kDescriptorLimit) {
    close(fd);
    return -EMFILE;
  }
  uint32_t generation = Generation(fd);
  owned_[fd] = generation;
  if (readiness != nullptr) readiness->Forget(fd);
  exchange_->cells[generation_cell] = static_cast<int32_t>(generation);
  return fd;
}

int64_t State::Close(int fd, uint32_t generation) {
  auto found = owned_.find(fd);
  if (found != owned_.end() && found->second == generation) owned_.erase(found);
  if (readiness != nullptr && fd >= 0 && fd < kDescriptorLimit) readiness->Forget(fd);
  return CloseAndInterrupt(fd, generation);
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

}  // namespace bsd_sockets
