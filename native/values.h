// Makers of JavaScript values. Each returns null if the value could not be created.
#ifndef BSD_SOCKETS_VALUES_H_
#define BSD_SOCKETS_VALUES_H_

#include <node_api.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace bsd_sockets {

// Null, too, if one of the values is null.
napi_value MakeArray(napi_env env, std::initializer_list<napi_value> values);
napi_value MakeUint(napi_env env, uint32_t value);
// A bigint if a number would not be exact.
napi_value MakeUint64(napi_env env, uint64_t value);
napi_value MakeString(napi_env env, const char* text, size_t length);
napi_value MakeBuffer(napi_env env, const void* bytes, size_t length);

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_VALUES_H_
