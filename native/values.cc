// Makers of JavaScript values: see values.h.
#include "values.h"

namespace bsd_sockets {

napi_value MakeArray(napi_env env, std::initializer_list<napi_value> values) {
  napi_value array;
  if (napi_create_array_with_length(env, values.size(), &array) != napi_ok) return nullptr;
  uint32_t index = 0;
  for (napi_value value : values) {
    if (value == nullptr || napi_set_element(env, array, index++, value) != napi_ok) return nullptr;
  }
  return array;
}

napi_value MakeUint(napi_env env, uint32_t value) {
  napi_value result;
  return napi_create_uint32(env, value, &result) == napi_ok ? result : nullptr;
}

napi_value MakeUint64(napi_env env, uint64_t value) {
  constexpr uint64_t kLargestExact = (1ull << 53) - 1;
  napi_value result;
  napi_status status = value <= kLargestExact ? napi_create_double(env, static_cast<double>(value), &result)
                                              : napi_create_bigint_uint64(env, value, &result);
  return status == napi_ok ? result : nullptr;
}

napi_value MakeString(napi_env env, const char* text, size_t length) {
  napi_value result;
  return napi_create_string_utf8(env, text, length, &result) == napi_ok ? result : nullptr;
}

napi_value MakeBuffer(napi_env env, const void* bytes, size_t length) {
  napi_value result;
  return napi_create_buffer_copy(env, length, bytes, nullptr, &result) == napi_ok ? result : nullptr;
}

}  // namespace bsd_sockets
