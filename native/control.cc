// Control messages. See control.h.
#include "control.h"

#include <errno.h>
#include <string.h>

#include "arguments.h"
#include "calls.h"
#include "control_walk.h"
#include "descriptor.h"

namespace bsd_sockets {

int OutgoingControl::Append(int level, int type, const uint8_t* data, size_t length) {
  if (length > kOutgoingControlLimit || bytes_.size() + CMSG_SPACE(length) > kOutgoingControlLimit)
    return -ENOBUFS;
  size_t offset = bytes_.size();
  bytes_.resize(offset + CMSG_SPACE(length));
  cmsghdr header{};
  header.cmsg_len = CMSG_LEN(length);
  header.cmsg_level = level;
  header.cmsg_type = type;
  memcpy(&bytes_[offset], &header, sizeof header);
  if (length > 0) memcpy(&bytes_[offset + CMSG_LEN(0)], data, length);
  return 0;
}

int OutgoingControl::Append(napi_env env, napi_value items, uint32_t first, uint32_t count) {
  for (uint32_t i = first; i < first + count; i++) {
    napi_value values[3];
    int32_t level, type;
    for (uint32_t k = 0; k < 3; k++) {
      if (napi_get_element(env, items, i * 3 + k, &values[k]) != napi_ok) return -EINVAL;
    }
    ArrayBytes bytes(env, values[2]);
    if (napi_get_value_int32(env, values[0], &level) != napi_ok ||
        napi_get_value_int32(env, values[1], &type) != napi_ok || !bytes.valid) {
      return -EINVAL;
    }
    int error = Append(level, type, bytes.data, bytes.length);
    if (error != 0) return error;
  }
  return 0;
}

int64_t TakeControl(State& state, uint8_t* control, size_t length, int32_t* descriptor_count) {
  bool all_adopted = true;
  ForEachDescriptor(control, length, [&](int fd) {
    // Adopt closes a descriptor that it refuses.
    all_adopted = state.Adopt(fd) >= 0 && all_adopted;
    ++*descriptor_count;
  });
  if (!all_adopted) {
    ForEachDescriptor(control, length, [&](int fd) {
      if (fd < kDescriptorLimit) state.Close(fd, Generation(fd));
    });
    return -EMFILE;
  }
  return SealControl(control, length);
}

// cmsg_len(length), cmsg_space(length): CMSG_LEN() and CMSG_SPACE(), which depend on the size of a pointer
napi_value CmsgLen(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  size_t length = args.Uint(0);
  return args.valid() ? args.Return(static_cast<int64_t>(CMSG_LEN(length))) : args.Invalid();
}
napi_value CmsgSpace(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  size_t length = args.Uint(0);
  return args.valid() ? args.Return(static_cast<int64_t>(CMSG_SPACE(length))) : args.Invalid();
}

}  // namespace bsd_sockets
