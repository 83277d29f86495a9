// Messages with several buffers, control messages and addresses: sendmsg, recvmsg; many messages in one call:
// sendmmsg, recvmmsg.
//
// Outgoing control messages and addresses are copied before the first attempt. Buffers are not copied: each
// attempt looks up their memory again. Received descriptors are close-on-exec, and the environment owns them
// until lib/ disowns them: see control.h.
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <vector>

#include "address.h"
#include "arguments.h"
#include "calls.h"
#include "control.h"
#include "joined.h"
#include "nosignal.h"
#include "segments.h"
#include "wait.h"

namespace bsd_sockets {
namespace {

// Number of buffers in one message: the limit of the kernel.
constexpr uint32_t kBufferLimit = IOV_MAX;

// The buffers of one or more messages as an array for the kernel. Up to kFew of them, as most messages have,
// need no allocation.
class Buffers {
 public:
  // Reads an array of Uint8Arrays; false if the value is none.
  bool Read(const State& state, napi_value array) {
    napi_env env = state.env();
    if (napi_get_array_length(env, array, &count_) != napi_ok || count_ > kBufferLimit * kBatchLimit)
      return false;
    if (count_ > kFew) {
      many_views_.resize(count_);
      many_buffers_.resize(count_);
      views_ = many_views_.data();
      buffers_ = many_buffers_.data();
    }
    for (uint32_t i = 0; i < count_; i++) {
      napi_value element;
      if (napi_get_element(env, array, i, &element) != napi_ok) return false;
      views_[i] = View(state, element);
      if (!views_[i].valid()) return false;
    }
    return true;
  }

  // Updates the addresses for one attempt of the call; false: see View.
  bool Refresh() {
    for (uint32_t i = 0; i < count_; i++) {
      if (!views_[i].Refresh()) return false;
      buffers_[i] = {views_[i].data(), views_[i].length()};
    }
    return true;
  }
  iovec* data() const { return buffers_; }
  size_t count() const { return count_; }

 private:
  static constexpr uint32_t kFew = 4;

  View few_views_[kFew];
  iovec few_buffers_[kFew];
  std::vector<View> many_views_;
  std::vector<iovec> many_buffers_;
  View* views_ = few_views_;
  iovec* buffers_ = few_buffers_;
  uint32_t count_ = 0;
};

// Makes `call(flags)` with MSG_CMSG_CLOEXEC, so that received descriptors are close-on-exec from birth. A few
// protocols refuse all flags that they do not know (AF_PACKET, ISO-TP, J1939, with EINVAL). They carry no
// descriptors, and the call is repeated with the flags of the caller.
template <typename Call>
auto WithCloseOnExec(int flags, Call&& call) {
  auto result = call(flags | MSG_CMSG_CLOEXEC);
  if (result >= 0 || errno != EINVAL) return result;
  return call(flags);
}

int32_t MessageFlags(const msghdr& message, int wanted_flags) {
  // The kernel reports the flag that WithCloseOnExec added.
  return message.msg_flags & ~(MSG_CMSG_CLOEXEC & ~wanted_flags);
}

}  // namespace

// sendmsg(fd, generation, buffers, control, flags, timeout_ms, address_length) -> count
//
// control: a flat array of level, type, bytes; or null.
napi_value Sendmsg(napi_env env, napi_callback_info info) {
  Arguments<7> args(env, info);
  int fd = args.Int(0), flags = args.Int(4);
  uint32_t generation = args.Uint(1), address_length = args.Uint(6);
  double timeout_ms = args.Double(5);
  Buffers buffers;
  if (!args.valid() || !buffers.Read(args.state(), args[2])) return args.Invalid();
  OutgoingControl control;
  if (!args.Is(3, napi_null)) {
    uint32_t values = 0;
    if (napi_get_array_length(env, args[3], &values) != napi_ok) return args.Invalid();
    int error = control.Append(env, args[3], 0, values / 3);
    if (error != 0) return args.Return(error);
  }
  Address address = TakeAddress(args.state(), address_length);
  SettleWait(&flags, &timeout_ms);
  return args.Return(Await(args.state(), fd, generation, POLLOUT, timeout_ms, [&]() -> ssize_t {
    if (!buffers.Refresh()) return -1;
    msghdr message{};
    message.msg_name = address.length > 0 ? &address.storage : nullptr;
    message.msg_namelen = address.length;
    message.msg_iov = buffers.data();
    message.msg_iovlen = buffers.count();
    message.msg_control = control.size() > 0 ? control.data() : nullptr;
    message.msg_controllen = control.size();
    return WithoutSignal(flags, [&](int all) { return ::sendmsg(fd, &message, all); });
  }));
}

// recvmsg(fd, generation, buffers or null, length, control or null, control_length, flags, timeout_ms)
// -> count, the sender in address_out; message flags, control length and number of descriptors in cells
//
// Without buffers the data goes to scratch, without control bytes the control messages go to the control part
// of the exchange memory.
napi_value Recvmsg(napi_env env, napi_callback_info info) {
  Arguments<8> args(env, info);
  int fd = args.Int(0), flags = args.Int(6);
  uint32_t generation = args.Uint(1);
  size_t length = static_cast<size_t>(args.Int64(3));
  double timeout_ms = args.Double(7);
  Exchange& exchange = args.state().exchange();
  size_t control_wanted = static_cast<size_t>(args.Int64(5));
  View control = args.Is(4, napi_null) ? View(exchange.control.data(), std::min(control_wanted, kControlSize))
                                       : args.Bytes(4, control_wanted);
  Buffers buffers;
  bool to_scratch = args.Is(2, napi_null);
  if (!args.valid() || (!to_scratch && !buffers.Read(args.state(), args[2]))) return args.Invalid();
  iovec scratch{exchange.scratch.data(), std::min(length, kScratchSize)};
  Address address;
  msghdr message{};
  SettleWait(&flags, &timeout_ms);
  int64_t count = Await(args.state(), fd, generation, ReceiveEvents(flags), timeout_ms, [&]() -> ssize_t {
    if (!buffers.Refresh() || !control.Refresh()) return -1;
    message = {};
    message.msg_name = &address.storage;
    message.msg_namelen = sizeof address.storage;
    message.msg_iov = to_scratch ? &scratch : buffers.data();
    message.msg_iovlen = to_scratch ? 1 : buffers.count();
    message.msg_control = control.length() > 0 ? control.data() : nullptr;
    message.msg_controllen = control.length();
    return WithCloseOnExec(flags, [&](int all) { return ::recvmsg(fd, &message, all); });
  });
  if (count < 0) return args.Return(count);
  int32_t descriptors = 0;
  int64_t control_length = TakeControl(
      args.state(), control.data(), std::min<size_t>(message.msg_controllen, control.length()), &descriptors);
  if (control_length < 0) return args.Return(control_length);
  exchange.cells[kMessageFlags] = MessageFlags(message, flags);
  exchange.cells[kControlLength] = static_cast<int32_t>(control_length);
  exchange.cells[kDescriptorCount] = descriptors;
  address.length = message.msg_namelen;
  GiveAddress(args.state(), address);
  return args.Return(count);
}

namespace {

// The messages of an outgoing batch, without their buffers.
class OutgoingBatch {
 public:
  // Copies rows and addresses. 0 or -errno.
  int Read(napi_env env, const View& rows, const View& addresses, napi_value control_items) {
    size_t count = rows.length() / sizeof(OutgoingRow);
    if (count > kBatchLimit || addresses.length() < count * kAddressSize) return -EINVAL;
    rows_.resize(count);
    addresses_.resize(count);
    if (count == 0) return 0;
    memcpy(rows_.data(), rows.data(), count * sizeof(OutgoingRow));
    memcpy(addresses_.data(), addresses.data(), count * kAddressSize);
    uint32_t first = 0;
    for (const OutgoingRow& row : rows_) {
      if (row.buffer_count < 0 || row.control_count < 0 || row.address_length < 0) return -EINVAL;
      if (row.address_length > static_cast<int32_t>(kAddressSize)) return -EINVAL;
      int error = control_.Append(env, control_items, first, static_cast<uint32_t>(row.control_count));
      if (error != 0) return error;
      control_ends_.push_back(control_.size());
      first += static_cast<uint32_t>(row.control_count);
      buffer_count_ += static_cast<size_t>(row.buffer_count);
    }
    return 0;
  }

  size_t count() const { return rows_.size(); }
  size_t buffer_count() const { return buffer_count_; }

  // Returns the messages for one attempt of the call; `buffers` has buffer_count() of them.
  mmsghdr* Fresh(iovec* buffers) {
    messages_.assign(count(), mmsghdr{});
    size_t control_begin = 0;
    for (size_t i = 0; i < count(); i++) {
      msghdr& message = messages_[i].msg_hdr;
      message.msg_iov = buffers;
      message.msg_iovlen = static_cast<size_t>(rows_[i].buffer_count);
      buffers += rows_[i].buffer_count;
      if (rows_[i].address_length > 0) message.msg_name = &addresses_[i];
      message.msg_namelen = static_cast<socklen_t>(rows_[i].address_length);
      message.msg_controllen = control_ends_[i] - control_begin;
      if (message.msg_controllen > 0) message.msg_control = control_.data() + control_begin;
      control_begin = control_ends_[i];
    }
    return messages_.data();
  }

 private:
  std::vector<OutgoingRow> rows_;
  std::vector<sockaddr_storage> addresses_;
  OutgoingControl control_;
  std::vector<size_t> control_ends_;
  std::vector<mmsghdr> messages_;
  size_t buffer_count_ = 0;
};

}  // namespace

// sendmmsg(fd, generation, buffers, control, rows, addresses, flags, timeout_ms, segments) -> number of
// messages; 1 in cells if runs of datagrams were refused
//
// `buffers` and `control` are one array each for all messages. For each message `rows` has an OutgoingRow and
// `addresses` kAddressSize bytes. `segments`: 1 if runs may be joined, see segments.h.
napi_value Sendmmsg(napi_env env, napi_callback_info info) {
  Arguments<9> args(env, info);
  int fd = args.Int(0), flags = args.Int(6);
  uint32_t generation = args.Uint(1);
  View rows = args.Bytes(4), addresses = args.Bytes(5);
  double timeout_ms = args.Double(7);
  const bool segments = args.Uint(8) != 0;
  Buffers buffers;
  if (!args.valid() || !buffers.Read(args.state(), args[2])) return args.Invalid();
  OutgoingBatch batch;
  int error = batch.Read(env, rows, addresses, args[3]);
  if (error != 0) return args.Return(error);
  if (batch.buffer_count() > buffers.count()) return args.Invalid();
  SettleWait(&flags, &timeout_ms);
  bool refused = false;
  int64_t sent = Await(args.state(), fd, generation, POLLOUT, timeout_ms, [&] {
    if (!buffers.Refresh()) return -1;
    mmsghdr* messages = batch.Fresh(buffers.data());
    unsigned count = static_cast<unsigned>(batch.count());
    if (segments && !refused) return SendSegmented(fd, messages, count, flags, &refused);
    return WithoutSignal(flags, [&](int all) { return ::sendmmsg(fd, messages, count, all); });
  });
  args.state().exchange().cells[kSegmentsRefused] = refused ? 1 : 0;
  return args.Return(sent);
}

namespace {

// Offsets and sizes in the memory of a received batch: the rows, then the headers for the kernel.
struct BatchLayout {
  BatchLayout(uint64_t vlen, uint64_t control_size)
      : row_size((sizeof(ReceivedRow) + control_size + kBatchAlignment - 1) / kBatchAlignment *
                 kBatchAlignment),
        messages(vlen * row_size),
        buffers(messages + vlen * sizeof(mmsghdr)),
        size(messages + vlen * kBatchHeadersSize) {}

  static_assert(sizeof(mmsghdr) + sizeof(iovec) <= kBatchHeadersSize);
  static_assert(kBatchAlignment % alignof(mmsghdr) == 0 && kBatchAlignment % alignof(iovec) == 0);
  static_assert(sizeof(mmsghdr) % alignof(iovec) == 0 && kBatchAlignment % alignof(ReceivedRow) == 0);
  static_assert(offsetof(ReceivedRow, control) % alignof(cmsghdr) == 0);

  uint64_t row_size, messages, buffers, size;
};

}  // namespace

// recvmmsg(fd, generation, data, memory, vlen, bufsize, ancbufsize, flags, timeout_ms, apart) -> number of
// messages; the number of their descriptors in cells
//
// Waits for the first message and takes all that are in the queue. Datagrams that were joined come apart if
// `apart` is 1: see joined.h. Each attempt writes the headers in
// `memory` anew; the layout depends on the arguments alone and not on the contents of the memory.
napi_value Recvmmsg(napi_env env, napi_callback_info info) {
  Arguments<10> args(env, info);
  int fd = args.Int(0), flags = args.Int(7);
  const bool apart = args.Uint(9) != 0;
  uint32_t generation = args.Uint(1), vlen = args.Uint(4), bufsize = args.Uint(5), ancbufsize = args.Uint(6);
  View data = args.Bytes(2), memory = args.Bytes(3);
  double timeout_ms = args.Double(8);
  if (!args.valid() || vlen > kBatchLimit) return args.Invalid();
  const BatchLayout layout(vlen, ancbufsize);
  if (memory.length() < layout.size || data.length() < uint64_t{vlen} * bufsize)
    return args.Return(kDetached);
  if (reinterpret_cast<uintptr_t>(memory.data()) % kBatchAlignment != 0) return args.Invalid();
  mmsghdr* messages = nullptr;
  SettleWait(&flags, &timeout_ms);
  int64_t count = Await(args.state(), fd, generation, ReceiveEvents(flags), timeout_ms, [&] {
    if (!data.Refresh() || !memory.Refresh()) return -1;
    uint8_t* base = memory.data();
    messages = reinterpret_cast<mmsghdr*>(base + layout.messages);
    iovec* buffers = reinterpret_cast<iovec*>(base + layout.buffers);
    const auto prepare = [&](unsigned i) -> mmsghdr& {
      buffers[i] = {data.data() + size_t{i} * bufsize, bufsize};
      messages[i] = {};
      msghdr& message = messages[i].msg_hdr;
      message.msg_iov = &buffers[i];
      message.msg_iovlen = 1;
      ReceivedRow& row = *reinterpret_cast<ReceivedRow*>(base + i * layout.row_size);
      message.msg_name = row.address.data();
      message.msg_namelen = kAddressSize;
      if (ancbufsize > 0) message.msg_control = row.control;
      message.msg_controllen = ancbufsize;
      return messages[i];
    };
    if (apart && ReceivesJoined(fd, flags))
      return ReceiveApart(fd, vlen, ancbufsize, flags, prepare, &args.state().joined_memory);
    for (unsigned i = 0; i < vlen; i++) prepare(i);
    return WithCloseOnExec(flags | MSG_WAITFORONE,
                           [&](int all) { return ::recvmmsg(fd, messages, vlen, all, nullptr); });
  });
  if (count < 0) return args.Return(count);
  int32_t descriptors = 0;
  for (int64_t i = 0; i < count; i++) {
    const msghdr& message = messages[i].msg_hdr;
    ReceivedRow& row = *reinterpret_cast<ReceivedRow*>(memory.data() + i * layout.row_size);
    int64_t control_length = TakeControl(args.state(), row.control,
                                         std::min<size_t>(message.msg_controllen, ancbufsize), &descriptors);
    row.length = static_cast<int32_t>(messages[i].msg_len);
    row.address_length = static_cast<int32_t>(std::min<size_t>(message.msg_namelen, kAddressSize));
    // A message whose descriptors could not be kept is reported without control messages.
    row.control_length = static_cast<int32_t>(std::max<int64_t>(control_length, 0));
    row.flags = MessageFlags(message, flags) | (control_length < 0 ? MSG_CTRUNC : 0);
  }
  args.state().exchange().cells[kDescriptorCount] = descriptors;
  return args.Return(count);
}

}  // namespace bsd_sockets
