// Name lookups: their threads, the wait for them, and their values. See lookup.h. resolver.cc starts them.
#include "lookup.h"

#include <errno.h>
#include <linux/futex.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <mutex>
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

// Lookups under way in the process; more wait for one of them to end. A lookup whose name server is silent
// takes its thread for as long as resolv.conf says, also after it was abandoned.
constexpr int kThreadLimit = 128;

// A lookup in the queue, and the event of its environment.
struct Job {
  std::shared_ptr<Lookup> lookup;
  std::shared_ptr<LookupEvent> event;
};

// The lookups that no thread has begun, first come first served. It is never destroyed: its threads outlive
// exit().
struct Queue {
  std::mutex mutex;
  std::deque<Job> jobs;
  int threads = 0;
};

Queue& queue() {
  static auto* const queue = new Queue;
  return *queue;
}

// A thread: runs lookups while there are any.
void* Work(void*) {
  pthread_setname_np(pthread_self(), "socket-lookup");
  std::unique_lock<std::mutex> lock(queue().mutex);
  while (!queue().jobs.empty()) {
    Job job = std::move(queue().jobs.front());
    queue().jobs.pop_front();
    lock.unlock();
    job.lookup->Run();
    job.lookup->SetDone();
    job.event->Notify();
    job = Job();
    lock.lock();
  }
  queue().threads--;
  return nullptr;
}

// Queues a lookup, with a thread more if there may be one. 0 or -errno.
int Enqueue(Job job) {
  std::lock_guard<std::mutex> lock(queue().mutex);
  queue().jobs.push_back(std::move(job));
  if (queue().threads >= kThreadLimit) return 0;
  int error = StartDetachedThread(kStackSize, Work, nullptr);
  if (error == 0) queue().threads++;
  // Without a thread more, those that run take this lookup, too.
  if (error == 0 || queue().threads > 0) return 0;
  queue().jobs.pop_back();
  return -error;
}

void Dequeue(const std::shared_ptr<Lookup>& lookup) {
  std::lock_guard<std::mutex> lock(queue().mutex);
  auto& jobs = queue().jobs;
  auto found = std::find_if(jobs.begin(), jobs.end(), [&](const Job& job) { return job.lookup == lookup; });
  if (found != jobs.end()) jobs.erase(found);
}

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

int64_t Wait(State& state, Lookup& lookup, double timeout_ms) {
  Deadline deadline(timeout_ms);
  timespec storage;
  while (!lookup.done()) {
    int64_t result =
        AwaitCall(state, DescriptorUse(), timeout_ms, [&] { return lookup.Sleep(deadline.Left(&storage)); });
    if (result == -ETIMEDOUT) return kTimedOut;
    // EAGAIN: done before the call.
    if (result != 0 && result != -EAGAIN) return result;
  }
  return 0;
}

void Abandon(State& state, int32_t number) {
  auto found = state.lookups.find(number);
  if (found == state.lookups.end()) return;
  Dequeue(found->second);
  state.lookups.erase(found);
}

}  // namespace

LookupEvent::~LookupEvent() {
  if (fd_ >= 0) close(fd_);
}

int LookupEvent::Descriptor() {
  if (fd_ < 0) fd_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  return fd_ >= 0 ? fd_.load() : -errno;
}

void LookupEvent::Notify() {
  if (fd_ >= 0) eventfd_write(fd_, 1);
}

void Lookup::SetDone() {
  done_ = 1;
  syscall(SYS_futex, &done_, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

int64_t Lookup::Sleep(const timespec* timeout) {
  return syscall(SYS_futex, &done_, FUTEX_WAIT_PRIVATE, 0, timeout, nullptr, 0);
}

void Lookup::FailGai(int error) {
  if (error == EAI_SYSTEM) {
    Fail(kSystemFailure, errno);
  } else if (error != 0) {
    Fail(kGaiFailure, error);
  }
}

int64_t StartLookup(State& state, const std::shared_ptr<Lookup>& lookup) {
  int error = Enqueue({lookup, state.lookup_event});
  return error != 0 ? error : Keep(state, lookup);
}

int64_t KeepDone(State& state, const std::shared_ptr<Lookup>& lookup) {
  lookup->SetDone();
  return Keep(state, lookup);
}

void AbandonLookups(State& state) {
  while (!state.lookups.empty()) Abandon(state, state.lookups.begin()->first);
}

// lookup_fd() -> a descriptor with an edge of readiness after each lookup of the environment that is done
napi_value LookupFd(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  if (!args.valid()) return args.Invalid();
  return args.Return(args.state().lookup_event->Descriptor());
}

// lookup_done(lookup) -> 1 or 0
napi_value LookupDone(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int number = args.Int(0);
  auto lookup = args.valid() ? Find(args.state(), number) : nullptr;
  return lookup == nullptr ? args.Invalid() : args.Return(lookup->done() ? 1 : 0);
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
  if (result != 0) Abandon(args.state(), number);
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
  Abandon(args.state(), number);
  return args.Return(0);
}

}  // namespace bsd_sockets
