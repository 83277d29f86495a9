// Signals that a child process of a server ignores as long as the server handles them: Ctrl-C, systemd and
// timeout(1) send a signal to both.
#include <errno.h>
#include <signal.h>

#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {
namespace {

// Signal numbers are below this: each has a bit of the word.
constexpr int kLimit = 32;

// Bit N: the process ignores signal N now. Null until ignore_signals(), then the same for ever.
const int32_t* ignored = nullptr;
// The actions that OnSignal replaced, by signal number.
struct sigaction before[kLimit];

// The handler; it makes only calls that are safe in one. A signal that is not ignored gets back the action
// that it had and is raised again: the kernel delivers it after this function returns.
void OnSignal(int number) {
  if ((__atomic_load_n(ignored, __ATOMIC_SEQ_CST) >> number & 1) != 0) return;
  sigaction(number, &before[number], nullptr);
  raise(number);
}

}  // namespace

// ignore_signals(bits, numbers): from now on the process ignores each of these signals (1 to 31) while its
// bit is set in the int32 `bits`, which other processes write. Once in a process; then -EALREADY.
napi_value IgnoreSignals(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  View bits = args.Bytes(0);
  uint32_t count = 0;
  if (!args.valid() || bits.length() != sizeof *ignored ||
      reinterpret_cast<uintptr_t>(bits.data()) % alignof(int32_t) != 0 ||
      napi_get_array_length(env, args[1], &count) != napi_ok)
    return args.Invalid();
  if (ignored != nullptr) return args.Return(-EALREADY);
  int numbers[kLimit];
  if (count > kLimit) return args.Invalid();
  for (uint32_t i = 0; i < count; i++) {
    napi_value element;
    if (napi_get_element(env, args[1], i, &element) != napi_ok ||
        napi_get_value_int32(env, element, &numbers[i]) != napi_ok || numbers[i] < 1 || numbers[i] >= kLimit)
      return args.Invalid();
  }
  // The reference keeps the memory as long as the process runs.
  napi_ref kept;
  if (napi_create_reference(env, args[0], 1, &kept) != napi_ok) return args.Return(-ENOMEM);
  ignored = reinterpret_cast<const int32_t*>(bits.data());
  for (uint32_t i = 0; i < count; i++) {
    struct sigaction action {};
    action.sa_handler = OnSignal;
    action.sa_flags = SA_RESTART;
    if (sigaction(numbers[i], &action, &before[numbers[i]]) != 0) return args.Return(-errno);
  }
  return args.Return(0);
}

}  // namespace bsd_sockets
