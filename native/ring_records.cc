// The packets of a ring as capture files have them: records of pcap, blocks of pcapng; made in memory
// (ring_encode) or written to a file from where the kernel put them (ring_write).
//
// A packet is written from the ring itself, so that its bytes pass through the processor once, when the
// kernel copies them into the file. What stands around packets, and small packets, which a part of their own
// would cost more than a copy, come from memory that is used again and again.
#include <endian.h>
#include <limits.h>

#include <initializer_list>

#include "calls.h"
#include "file.h"
#include "ring.h"

namespace bsd_sockets {
namespace {

constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kPacketFlags = 2 | 4 << 16;  // the option's number, and the length of its value
constexpr size_t kRecordSize = 16;
constexpr size_t kEnhancedBegin = 28;
constexpr size_t kEnhancedEnd = 16;
constexpr size_t kPaddingMax = 3;

// Writes numbers of 32 bits, little-endian, as capture files here have them.
uint8_t* PutWords(uint8_t* at, std::initializer_list<uint32_t> words) {
  for (uint32_t word : words) {
    word = htole32(word);
    memcpy(at, &word, sizeof word);
    at += sizeof word;
  }
  return at;
}

// What a file has around the bytes of a packet.
struct Format {
  int64_t interface_id;  // of pcapng; -1: pcap
  uint32_t snaplen;
  uint32_t unit_ns;

  bool is_pcapng() const { return interface_id >= 0; }
  uint32_t Length(const Place& place) const { return std::min(place.header.captured, snaplen); }
  size_t begin_size() const { return is_pcapng() ? kEnhancedBegin : kRecordSize; }
  size_t EndSize(uint32_t length) const { return is_pcapng() ? (-length & 3) + kEnhancedEnd : 0; }

  // Writes what precedes the packet. Returns its end.
  uint8_t* PutBegin(const Place& place, uint32_t length, uint8_t* at) const {
    const RingPacketHeader& header = place.header;
    if (!is_pcapng())
      return PutWords(at, {header.seconds, header.nanoseconds / unit_ns, length, header.length});
    uint64_t time = (header.seconds * uint64_t{1000000000} + header.nanoseconds) / unit_ns;
    return PutWords(at,
                    {kEnhancedPacket, BlockSize(length), static_cast<uint32_t>(interface_id),
                     static_cast<uint32_t>(time >> 32), static_cast<uint32_t>(time), length, header.length});
  }
  // Writes what follows the packet: in pcapng its direction. Returns its end.
  uint8_t* PutEnd(const Place& place, uint32_t length, uint8_t* at) const {
    if (!is_pcapng()) return at;
    size_t padding = -length & 3;
    uint32_t direction = place.header.packet_type == PACKET_OUTGOING ? 2 : 1;
    memset(at, 0, padding);
    return PutWords(at + padding, {kPacketFlags, direction, 0, BlockSize(length)});
  }

 private:
  uint32_t BlockSize(uint32_t length) const {
    return static_cast<uint32_t>(kEnhancedBegin + length + EndSize(length));
  }
};

// The packets of a call: those of a block from one on.
class Records {
 public:
  Records(uint8_t* block, size_t block_size, uint32_t at, uint32_t count)
      : place_{{}, block + at, block + block_size}, left_(count) {}

  // Goes to the next packet. False behind the last one, and where there is no packet: see `malformed`.
  bool Next() {
    if (left_ == 0 || malformed_) return false;
    malformed_ = (begun_ && !place_.Next()) || !place_.Read();
    begun_ = true;
    if (malformed_) return false;
    left_--;
    return true;
  }
  bool malformed() const { return malformed_; }
  const Place& place() const { return place_; }

 private:
  Place place_;
  uint32_t left_;
  bool begun_ = false;
  bool malformed_ = false;
};

// A packet of at most so many bytes is copied.
constexpr uint32_t kCopiedMax = 512;
constexpr size_t kRecordPartsMax = 3;
constexpr size_t kRecordOwnMax = kEnhancedBegin + kCopiedMax + kPaddingMax + kEnhancedEnd;

// The packets of a call as batches of parts.
class Batches {
 public:
  Batches(RecordBatch* batch, const Records& records, const Format& format)
      : batch_(*batch), records_(records), format_(format) {}

  // Makes the next batch. False if nothing is left.
  bool Next() {
    count_ = 0;
    at_ = batch_.own.data();
    const uint8_t* end = at_ + batch_.own.size();
    while (count_ + kRecordPartsMax <= RecordBatch::kPartsMax &&
           static_cast<size_t>(end - at_) >= kRecordOwnMax && records_.Next())
      Add(records_.place());
    return count_ > 0;
  }
  iovec* parts() { return batch_.parts.data(); }
  size_t count() const { return count_; }
  bool malformed() const { return records_.malformed(); }

 private:
  void Add(const Place& place) {
    uint32_t length = format_.Length(place);
    uint8_t* begin = at_;
    at_ = format_.PutBegin(place, length, at_);
    if (length > kCopiedMax) {
      AddPart(begin, static_cast<size_t>(at_ - begin));
      AddPart(place.data(), length);
      begin = at_;
    } else {
      memcpy(at_, place.data(), length);
      at_ += length;
    }
    at_ = format_.PutEnd(place, length, at_);
    if (at_ > begin) AddPart(begin, static_cast<size_t>(at_ - begin));
  }
  // Adds a part, or makes the last one longer.
  void AddPart(uint8_t* data, size_t size) {
    if (count_ > 0) {
      iovec& last = batch_.parts[count_ - 1];
      if (static_cast<uint8_t*>(last.iov_base) + last.iov_len == data) {
        last.iov_len += size;
        return;
      }
    }
    batch_.parts[count_++] = {data, size};
  }

  RecordBatch& batch_;
  Records records_;
  const Format& format_;
  size_t count_ = 0;
  uint8_t* at_ = nullptr;
};

// Takes the bytes that were written off the parts.
void Advance(iovec** parts, size_t* count, size_t written) {
  while (*count > 0 && written >= (*parts)->iov_len) {
    written -= (*parts)->iov_len;
    ++*parts;
    --*count;
  }
  if (written == 0) return;
  (*parts)->iov_base = static_cast<uint8_t*>((*parts)->iov_base) + written;
  (*parts)->iov_len -= written;
}

// A file that packets are written to.
class RecordFile {
 public:
  RecordFile(State& state, const DescriptorUse& use) : state_(state), use_(use), transfer_(use.fd()) {}

  int64_t written() const { return written_; }

  // Writes the parts, which it changes. Returns 0 or -errno. `valid` tells, after JavaScript may have run,
  // whether the memory is still that of the packets.
  template <typename Valid>
  int64_t Write(iovec* parts, size_t count, Valid&& valid) {
    auto attempt = [&](auto&& call) {
      return Interruptible(state_, use_, [&]() -> ssize_t {
        if (valid()) return call();
        errno = EBADF;
        return -1;
      });
    };
    while (count > 0) {
      if (transfer_.may_wait()) {
        pollfd poll_fd{use_.fd(), POLLOUT, 0};
        int64_t waited = attempt([&] { return ppoll(&poll_fd, 1, nullptr, nullptr); });
        if (waited < 0) return waited;
      }
      int64_t result = attempt([&] { return transfer_(parts, static_cast<long>(count), -1); });
      if (result == -EAGAIN) continue;
      if (result <= 0) return result < 0 ? result : -EIO;
      written_ += result;
      Advance(&parts, &count, static_cast<size_t>(result));
    }
    return 0;
  }

 private:
  State& state_;
  const DescriptorUse& use_;
  FileTransfer<SYS_pwritev2> transfer_;
  int64_t written_ = 0;
};

}  // namespace

// ring_encode(ring, index, at, count, out, interface_id, snaplen, unit_ns) -> the number of bytes: `count`
// packets of a block, from the one at this offset on, as records of pcap (interface_id -1) or as blocks of
// pcapng
napi_value RingEncode(napi_env env, napi_callback_info info) {
  Arguments<8> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1), at = args.Uint(2), count = args.Uint(3);
  View out = args.Bytes(4);
  Format format{args.Int64(5), args.Uint(6), args.Uint(7)};
  if (!args.valid() || ring == nullptr || format.unit_ns == 0) return args.Invalid();
  uint8_t* block = ring->Block(index);
  if (block == nullptr) return args.Return(-EBADF);
  if (at > ring->block_size()) return args.Invalid();
  Records records(block, ring->block_size(), at, count);
  uint8_t* to = out.data();
  const uint8_t* end = to + out.length();
  while (records.Next()) {
    const Place& place = records.place();
    uint32_t length = format.Length(place);
    if (static_cast<size_t>(end - to) < format.begin_size() + length + format.EndSize(length))
      return args.Return(-ENOBUFS);
    to = format.PutBegin(place, length, to);
    memcpy(to, place.data(), length);
    to = format.PutEnd(place, length, to + length);
  }
  return args.Return(records.malformed() ? -EFAULT : to - out.data());
}

// ring_write(ring, index, at, count, fd, interface_id, snaplen, unit_ns) -> the number of bytes, or -errno:
// the same packets, written to a file. cells: how many bytes were written in any case
napi_value RingWrite(napi_env env, napi_callback_info info) {
  Arguments<8> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1), at = args.Uint(2), count = args.Uint(3);
  int fd = args.Int(4);
  Format format{args.Int64(5), args.Uint(6), args.Uint(7)};
  if (!args.valid() || ring == nullptr || format.unit_ns == 0) return args.Invalid();
  State& state = args.state();
  state.exchange().cells[kValue] = 0;
  DescriptorUse use(fd, Generation(fd));
  uint8_t* block = ring->Block(index);
  if (!use.valid() || block == nullptr) return args.Return(-EBADF);
  if (at > ring->block_size()) return args.Invalid();
  // JavaScript that runs in a wait may close the ring, and may call this again.
  std::shared_ptr<Mapping> mapping = ring->mapping();
  std::unique_ptr<RecordBatch> batch = std::move(ring->batch);
  if (batch == nullptr) batch = std::make_unique<RecordBatch>();
  int64_t result = state.PrepareToBlock();
  RecordFile file(state, use);
  Batches batches(batch.get(), Records(block, ring->block_size(), at, count), format);
  auto valid = [&] { return ring->Block(index) == block && IsOurs(block); };
  while (result == 0 && batches.Next()) result = file.Write(batches.parts(), batches.count(), valid);
  if (result == 0 && batches.malformed()) result = -EFAULT;
  ring->batch = std::move(batch);
  state.exchange().cells[kValue] = static_cast<int32_t>(file.written());
  return args.Return(result < 0 ? result : file.written());
}

}  // namespace bsd_sockets
