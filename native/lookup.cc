// Name lookups: their threads, the wait for them, and their values. See lookup.h. resolver.cc starts them.
#include "lookup.h"

#include <errno.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "arguments.h"
#include "calls.h"
#include "thread.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

// Bytes of stack. The resolver of glibc has its buffers on the stack, and so have name service modules. The
// kernel allocates a page at its first use.
constexpr size_t kStackSize = 512 * 1024;

std::shared_ptr<Lookup> Find(State& state, int32_t number) {
  auto found = state.lookups.find(number);
  return found == state.lookups.end() ? nullptr : found->second;
}

int64_t Keep(State& state, const std::shared_ptr<Lookup>& lookup) {
  // Numbers begin again after 2^31 lookups. A number of a lookup that is still under way is skipped.
  do {
    state.last_lookup = state.last_lookup == INT32_MAX ? 0 : state.last_lookup + 1;
  } while (state.lookups.count(state.last_lookup) != 0);
  state.lookups[state.last_lookup] = lookup;
  return state.last_lookup;
}

int64_t Wait(State& state, const Lookup& lookup, double timeout_ms) {
  if (lookup.done()) return 0;
  Deadline deadline(timeout_ms);
  pollfd poll_fd{lookup.event_fd(), POLLIN, 0};
  timespec storage;
  int64_t count = AwaitCall(state, DescriptorUse(), timeout_ms,
                            [&] { return ppoll(&poll_fd, 1, deadline.Left(&storage), nullptr); });
  if (count == 0) return kTimedOut;
  return count > 0 ? 0 : count;
}

}  // namespace

Lookup::~Lookup() {
  if (event_fd_ >= 0) close(event_fd_);
}

int Lookup::Start(const std::shared_ptr<Lookup>& lookup) {
  lookup->event_fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (lookup->event_fd_ < 0) return -errno;
  auto* thread_reference = new std::shared_ptr<Lookup>(lookup);
  int error = StartDetachedThread(
      kStackSize,
      [](void* argument) -> void* {
        pthread_setname_np(pthread_self(), "socket-lookup");
        auto* reference = static_cast<std::shared_ptr<Lookup>*>(argument);
        Lookup& lookup = **reference;
        lookup.Run();
        lookup.SetDone();
        eventfd_write(lookup.event_fd_, 1);
        delete reference;
        return nullptr;
      },
      thread_reference);
  if (error != 0) delete thread_reference;
  return -error;
}

void Lookup::FailGai(int error) {
  if (error == EAI_SYSTEM) {
    Fail(kSystemFailure, errno);
  } else if (error != 0) {
    Fail(kGaiFailure, error);
  }
}

int64_t StartLookup(State& state, const std::shared_ptr<Lookup>& lookup) {
  int error = Lookup::Start(lookup);
  return error != 0 ? error : Keep(state, lookup);
}

int64_t KeepDone(State& state, const std::shared_ptr<Lookup>& lookup) {
  lookup->SetDone();
  return Keep(state, lookup);
}

// lookup_fd(lookup) -> a descriptor that becomes readable when the lookup is done; -1 if it is done
napi_value LookupFd(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int number = args.Int(0);
  if (!args.valid()) return args.Invalid();
  auto lookup = Find(args.state(), number);
  if (lookup == nullptr) return args.Invalid();
  return args.Return(lookup->done() ? -1 : lookup->event_fd());
}

// lookup_wait(lookup, timeout_ms) -> 0 when the lookup is done. If the wait ends otherwise, the lookup is
// abandoned.
napi_value LookupWait(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  int number = args.Int(0);
  double timeout_ms = args.Double(1);
  if (!args.valid()) return args.Invalid();
  // Copies the reference: the listener of a signal, which runs meanwhile, may change the map of lookups.
  auto lookup = Find(args.state(), number);
  if (lookup == nullptr) return args.Invalid();
  int64_t result = Wait(args.state(), *lookup, timeout_ms);
  if (result != 0) args.state().lookups.erase(number);
  return args.Return(result);
}

// lookup_take(lookup) -> the value of the lookup, which is forgotten; null if it failed, with the reason in
// cells (see Failure)
napi_value LookupTake(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int number = args.Int(0);
  auto lookup = args.valid() ? Find(args.state(), number) : nullptr;
  auto& cells = args.state().exchange().cells;
  napi_value nothing = nullptr;
  if (napi_get_null(env, &nothing) != napi_ok) return nullptr;
  cells[kFailure] = kSystemFailure;
  cells[kValue] = lookup == nullptr ? EINVAL : EAGAIN;
  if (lookup == nullptr || !lookup->done()) return nothing;
  args.state().lookups.erase(number);
  cells[kFailure] = lookup->failure();
  cells[kValue] = lookup->number();
  return lookup->failure() == kNoFailure ? lookup->Value(env) : nothing;
}

// lookup_drop(lookup): abandons the lookup
napi_value LookupDrop(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int number = args.Int(0);
  if (!args.valid()) return args.Invalid();
  args.state().lookups.erase(number);
  return args.Return(0);
}

}  // namespace bsd_sockets
