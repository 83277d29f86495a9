// The JavaScript arguments of a call, and its result. They use the C API of Node-API: a system call costs a
// microsecond, and the C++ wrappers of the values would cost as much again.
//
// lib/ has checked types and ranges, and words the errors; native code only protects memory. An argument of
// the wrong kind makes `valid()` false, and the call returns -EINVAL.
#ifndef BSD_SOCKETS_ARGUMENTS_H_
#define BSD_SOCKETS_ARGUMENTS_H_

#include <errno.h>
#include <node_api.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "state.h"
#include "wait.h"

namespace bsd_sockets {

// The bytes of a Uint8Array, until JavaScript runs.
struct ArrayBytes {
  uint8_t* data = nullptr;
  size_t length = 0;
  bool valid = false;  // false: the value is no Uint8Array

  ArrayBytes(napi_env env, napi_value value) {
    void* start = nullptr;
    valid = napi_get_typedarray_info(env, value, nullptr, &length, &start, nullptr, nullptr) == napi_ok;
    data = static_cast<uint8_t*>(start);
  }
};

// The bytes of a call: those of a Uint8Array, up to a limit, or memory of the environment. JavaScript that
// runs while the call waits may move, detach or resize the memory of an array.
class View {
 public:
  View() = default;
  View(const State& state, napi_value value, size_t limit = SIZE_MAX)
      : state_(&state), value_(value), seen_(state.interruptions()) {
    ArrayBytes bytes(state.env(), value);
    data_ = bytes.data;
    length_ = std::min(bytes.length, limit);
    valid_ = bytes.valid;
  }
  View(uint8_t* own, size_t length) : data_(own), length_(length), valid_(true) {}

  // Updates the address for one attempt of the call, if JavaScript may have run since it was read. False if
  // the array no longer has these bytes: errno then stands for kDetached.
  bool Refresh() {
    if (state_ == nullptr || seen_ == state_->interruptions()) return true;
    ArrayBytes bytes(state_->env(), value_);
    if (!bytes.valid || bytes.length < length_) {
      errno = -static_cast<int>(kDetached);
      return false;
    }
    data_ = bytes.data;
    seen_ = state_->interruptions();
    return true;
  }

  bool valid() const { return valid_; }
  uint8_t* data() const { return data_; }
  size_t length() const { return length_; }

 private:
  const State* state_ = nullptr;  // null: memory of the environment
  napi_value value_ = nullptr;
  uint64_t seen_ = 0;  // the interruptions before the address was read
  uint8_t* data_ = nullptr;
  size_t length_ = 0;
  bool valid_ = false;
};

template <size_t kCount>
class Arguments {
 public:
  Arguments(napi_env env, napi_callback_info info) : env_(env) {
    size_t count = kCount;
    void* state = nullptr;
    valid_ = napi_get_cb_info(env, info, &count, values_, nullptr, &state) == napi_ok;
    state_ = static_cast<State*>(state);
  }

  bool valid() const { return valid_; }
  State& state() const { return *state_; }
  napi_value operator[](size_t index) const { return values_[index]; }

  int32_t Int(size_t index) { return Get<int32_t, napi_get_value_int32>(index); }
  uint32_t Uint(size_t index) { return Get<uint32_t, napi_get_value_uint32>(index); }
  int64_t Int64(size_t index) { return Get<int64_t, napi_get_value_int64>(index); }
  double Double(size_t index) { return Get<double, napi_get_value_double>(index); }
  bool Bool(size_t index) { return Get<bool, napi_get_value_bool>(index); }
  View Bytes(size_t index, size_t limit = SIZE_MAX) {
    View view(*state_, values_[index], limit);
    valid_ = valid_ && view.valid();
    return view;
  }
  std::string String(size_t index) {
    size_t length = 0;
    std::string text;
    if (!Check(napi_get_value_string_utf8(env_, values_[index], nullptr, 0, &length))) return text;
    text.resize(length);
    // The terminating zero byte is written over that of the std::string.
    Check(napi_get_value_string_utf8(env_, values_[index], text.data(), length + 1, &length));
    return text;
  }
  bool Is(size_t index, napi_valuetype type) {
    napi_valuetype actual = napi_undefined;
    return Check(napi_typeof(env_, values_[index], &actual)) && actual == type;
  }

  napi_value Return(int64_t result) const {
    // JavaScript sees the pending exception and no value.
    if (result == kThrew) return nullptr;
    napi_value value = nullptr;
    bool small = result >= INT32_MIN && result <= INT32_MAX;
    if (small) {
      napi_create_int32(env_, static_cast<int32_t>(result), &value);
    } else {
      napi_create_int64(env_, result, &value);
    }
    return value;
  }
  napi_value Invalid() const { return Return(-EINVAL); }

 private:
  template <typename Value, napi_status (*kGet)(napi_env, napi_value, Value*)>
  Value Get(size_t index) {
    Value value{};
    Check(kGet(env_, values_[index], &value));
    return value;
  }
  bool Check(napi_status status) {
    valid_ = valid_ && status == napi_ok;
    return status == napi_ok;
  }

  napi_env env_;
  State* state_;
  napi_value values_[kCount] = {};
  bool valid_;
};

// The arguments of a call whose numbers are in the exchange memory (see Registers). Only the bytes are a
// JavaScript value.
class RegisterArguments {
 public:
  RegisterArguments(napi_env env, napi_callback_info info) {
    void* state = nullptr;
    napi_get_cb_info(env, info, &count_, &bytes_, nullptr, &state);
    state_ = static_cast<State*>(state);
    // Copied: the listener of a signal, which runs while the call waits, may write other numbers there.
    numbers_ = state_->exchange().registers;
    SettleWait(&numbers_.flags, &numbers_.timeout_ms);
  }

  State& state() const { return *state_; }
  const Registers* operator->() const { return &numbers_; }
  bool has_bytes() const { return count_ > 0; }
  View Bytes(size_t limit = SIZE_MAX) const { return View(*state_, bytes_, limit); }

  napi_value Return(int64_t result) const {
    state_->exchange().registers.result = static_cast<int32_t>(result);
    return nullptr;
  }

 private:
  State* state_;
  size_t count_ = 1;
  napi_value bytes_ = nullptr;
  Registers numbers_;
};

// The result of a system call as JavaScript receives it: n >= 0 or -errno.
inline int64_t OrErrno(int64_t result) { return result < 0 ? -errno : result; }

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_ARGUMENTS_H_
