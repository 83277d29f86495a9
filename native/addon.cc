// The addon: exports setup(), which creates the state of an instance and its functions, those of calls.h.
#include <node_api.h>
#include <string.h>

#include <memory>

#include "arguments.h"
#include "build_id.h"
#include "calls.h"
#include "descriptor.h"
#include "state.h"

namespace bsd_sockets {

// siginterrupt(flag): with true a blocked call ends with EINTR after the listener of a signal ran
napi_value Siginterrupt(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  args.state().siginterrupt = args.Bool(0);
  return args.Return(args.valid() ? 0 : -EINVAL);
}

namespace {

// The result of strerror_r(): the text in glibc, a number in musl, which writes the text to the buffer.
[[maybe_unused]] const char* TextOf(const char* text, const char*) { return text; }
[[maybe_unused]] const char* TextOf(int, const char* buffer) { return buffer; }

}  // namespace

// strerror(errno) -> the text of the C library
napi_value Strerror(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  int error = args.Int(0);
  char buffer[256];
  napi_value result = nullptr;
  napi_create_string_utf8(env, TextOf(strerror_r(error, buffer, sizeof buffer), buffer), NAPI_AUTO_LENGTH,
                          &result);
  return result;
}

namespace {

using Owner = std::unique_ptr<State>;

void OnEnd(void* owner) { static_cast<Owner*>(owner)->reset(); }

// The exchange memory was collected, or the environment has ended.
void OnCollected(napi_env env, void* data, void*) {
  std::unique_ptr<Owner> owner(static_cast<Owner*>(data));
  if (*owner == nullptr) return;
  napi_remove_env_cleanup_hook(env, OnEnd, data);
  (*owner)->Release();
}

bool Export(napi_env env, napi_value object, const char* name, napi_callback call, State* state = nullptr,
            napi_value exchange = nullptr) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, state, &function) == napi_ok &&
         (exchange == nullptr || napi_set_named_property(env, function, "exchange", exchange) == napi_ok) &&
         napi_set_named_property(env, object, name, function) == napi_ok;
}

// build_id() -> the hash of the sources of this binary. lib/native/addon.ts compares it with its own.
napi_value BuildId(napi_env env, napi_callback_info info) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, kBuildId, NAPI_AUTO_LENGTH, &result);
  return result;
}

// setup(probe, signals, use_libuv) -> an object with every call of calls.h, and the exchange memory
// as `exchange`. Each instance of the JavaScript has its own. Any step may fail in a worker that is
// terminated while it starts: then nothing leaks.
//
// probe: a function that does nothing. A call of it makes V8 look for a pending termination.
// signals(number, run) -> whether the signal has listeners; with `run` it also runs these.
//
// A test runner makes an instance for each test file: native code does not keep it alive. Every function
// holds the exchange memory, and that holds `probe` and `signals`. When it is collected, the state ends.
napi_value SetUp(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  bool use_libuv = args.Bool(2);
  napi_value calls, exchange;
  if (!args.valid() || napi_create_object(env, &calls) != napi_ok) return nullptr;
  State* state = State::Create(env, args[0], args[1], use_libuv, &exchange);
  if (state == nullptr) return nullptr;
  auto owner = std::make_unique<Owner>(state);
  if (napi_add_env_cleanup_hook(env, OnEnd, owner.get()) != napi_ok) return nullptr;
  // From here on the hook frees the state, and the finalizer its owner.
  if (napi_add_finalizer(env, exchange, owner.release(), OnCollected, nullptr, nullptr) != napi_ok ||
      napi_set_named_property(env, exchange, "probe", args[0]) != napi_ok ||
      napi_set_named_property(env, exchange, "signals", args[1]) != napi_ok ||
      napi_set_named_property(env, calls, "exchange", exchange) != napi_ok)
    return nullptr;
#define BSD_SOCKETS_EXPORT(name, function) \
  if (!Export(env, calls, #name, function, state, exchange)) return nullptr;
  BSD_SOCKETS_CALLS(BSD_SOCKETS_EXPORT)
#undef BSD_SOCKETS_EXPORT
  return calls;
}

napi_value Initialize(napi_env env, napi_value exports) {
  if (descriptor_table == nullptr) {
    napi_throw_error(env, "ENOMEM", "bsd-sockets: no memory for the descriptor table");
    return nullptr;
  }
  bool exported = Export(env, exports, "build_id", BuildId) && Export(env, exports, "setup", SetUp);
  return exported ? exports : nullptr;
}

}  // namespace
}  // namespace bsd_sockets

NAPI_MODULE_INIT() { return bsd_sockets::Initialize(env, exports); }
