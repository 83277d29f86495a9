// Signals that another process decides about: a child of a forking server ignores those that its server
// handles, for Ctrl-C, systemd and timeout(1) send them to both.
#include <errno.h>
#include <signal.h>

#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {
namespace {

constexpr int kLimit = 32;

// Of the process, and never taken back: bit N says that signal N is ignored now.
const int32_t* ignored = nullptr;
struct sigaction before[kLimit];

// As safe as a signal's handler has to be. What is not ignored is raised again as it would have been, and
// comes when this returns.
void OnSignal(int number) {
  if ((__atomic_load_n(ignored, __ATOMIC_SEQ_CST) >> number & 1) != 0) return;
  sigaction(number, &before[number], nullptr);
  raise(number);
}

}  // namespace

// ignore_signals(bits, numbers): from now on each of these signals (1 to 31) is ignored while its bit is set
// in the four bytes, which others write. Once in a process.
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
  // The memory stays as long as the process.
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
