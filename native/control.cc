// Control messages. See control.h.
#include "control.h"

#include <errno.h>
#include <string.h>

#include <algorithm>

#include "arguments.h"
#include "descriptor.h"

// Newer than the headers of the distributions we compile on.
#ifndef SCM_PIDFD
#define SCM_PIDFD 0x04
#endif

namespace bsd_sockets {
namespace {

// A header is always copied: in a caller's own memory it need not be aligned.
cmsghdr HeaderAt(const uint8_t* control) {
  cmsghdr header;
  memcpy(&header, control, sizeof header);
  return header;
}

bool CarriesDescriptors(const cmsghdr& header) {
  return header.cmsg_level == SOL_SOCKET && (header.cmsg_type == SCM_RIGHTS || header.cmsg_type == SCM_PIDFD);
}

// visit(offset, header, data_length) for each control message; the last one may be cut short. Returns where
// the last one ends.
template <typename Visit>
size_t ForEach(const uint8_t* control, size_t length, Visit visit) {
  size_t offset = 0, end = 0;
  while (offset < length && length - offset >= CMSG_LEN(0)) {
    cmsghdr header = HeaderAt(control + offset);
    if (header.cmsg_len < CMSG_LEN(0)) break;
    size_t left = length - offset;
    size_t whole = std::min<size_t>(header.cmsg_len, left);
    visit(offset, header, whole - CMSG_LEN(0));
    end = offset + whole;
    // Compared before it is added: a length may be anything.
    if (header.cmsg_len > left) break;
    offset += CMSG_ALIGN(header.cmsg_len);
  }
  return end;
}

template <typename Visit>
void ForEachDescriptor(const uint8_t* control, size_t length, Visit visit) {
  ForEach(control, length, [&](size_t offset, const cmsghdr& header, size_t size) {
    if (!CarriesDescriptors(header)) return;
    for (size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
      int fd;
      memcpy(&fd, control + offset + CMSG_LEN(0) + at, sizeof fd);
      // A pidfd that could not be made is a negative errno.
      if (fd >= 0) visit(fd);
    }
  });
}

}  // namespace

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
    View bytes(env, values[2]);
    if (napi_get_value_int32(env, values[0], &level) != napi_ok ||
        napi_get_value_int32(env, values[1], &type) != napi_ok || !bytes.valid()) {
      return -EINVAL;
    }
    int error = Append(level, type, bytes.data(), bytes.length());
    if (error != 0) return error;
  }
  return 0;
}

int64_t TakeControl(State& state, uint8_t* control, size_t length, int32_t* descriptor_count) {
  bool all_adopted = true;
  ForEachDescriptor(control, length, [&](int fd) {
    // Adopt closes what it refuses.
    all_adopted = state.Adopt(fd) >= 0 && all_adopted;
    ++*descriptor_count;
  });
  if (!all_adopted) {
    ForEachDescriptor(control, length, [&](int fd) {
      if (fd < kDescriptorLimit) state.Close(fd, Generation(fd));
    });
    return -EMFILE;
  }
  return ForEach(control, length, [&](size_t offset, const cmsghdr&, size_t size) {
    int32_t data_length = static_cast<int32_t>(size);
    memcpy(control + offset, &data_length, sizeof data_length);
  });
}

}  // namespace bsd_sockets
