// The addon: creates the state of the environment and exports every call of calls.h.
#include <node_api.h>
#include <string.h>

#include "arguments.h"
#include "build_id.h"
#include "calls.h"
#include "descriptor.h"
#include "share.h"
#include "state.h"

namespace bsd_sockets {

// build_id() -> the hash of the sources of this binary. lib/native/addon.ts compares it with its own.
napi_value BuildId(napi_env env, napi_callback_info info) {
  napi_value result = nullptr;
  napi_create_string_utf8(env, kBuildId, NAPI_AUTO_LENGTH, &result);
  return result;
}

// setup(probe, signals, is_main, use_libuv) -> the exchange memory
//
// probe: a function that does nothing. A call of it makes V8 look for a pending termination.
// signals(numbers, run) -> the signals among `numbers` that have listeners; with `run` it also runs these.
napi_value SetUp(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  bool is_main = args.Bool(2), use_libuv = args.Bool(3);
  if (!args.valid() || args.state().SetUp(args[0], args[1], is_main, use_libuv) != napi_ok) return nullptr;
  return args.state().exchange_buffer();
}

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

bool Export(napi_env env, napi_value exports, const char* name, napi_callback call, State* state) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, call, state, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

void DeleteState(void* data) {
  State* state = static_cast<State*>(data);
  DropOffers(state);
  delete state;
}

// Exports the calls. Any step may fail in a worker that is terminated while it starts: then nothing leaks.
napi_value Initialize(napi_env env, napi_value exports) {
  if (!MapDescriptorTable()) {
    napi_throw_error(env, "ENOMEM", "bsd-sockets: no memory for the descriptor table");
    return nullptr;
  }
  State* state = State::Create(env);
  if (state == nullptr) return nullptr;
  if (napi_add_env_cleanup_hook(env, DeleteState, state) != napi_ok) {
    delete state;
    return nullptr;
  }
#define BSD_SOCKETS_EXPORT(name, function) \
  if (!Export(env, exports, #name, function, state)) return nullptr;
  BSD_SOCKETS_CALLS(BSD_SOCKETS_EXPORT)
#undef BSD_SOCKETS_EXPORT
  return exports;
}

}  // namespace
}  // namespace bsd_sockets

NAPI_MODULE_INIT() { return bsd_sockets::Initialize(env, exports); }
