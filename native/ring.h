// The packet ring, as its calls share it: its memory, its blocks and the packets in them. See ring.cc.
#ifndef BSD_SOCKETS_RING_H_
#define BSD_SOCKETS_RING_H_

#include <linux/if_packet.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <array>
#include <memory>
#include <vector>

#include "arguments.h"
#include "layout.h"

namespace bsd_sockets {

static_assert(sizeof(RingPacketHeader) == sizeof(tpacket3_hdr) + sizeof(sockaddr_ll));
constexpr size_t kHeaderSize = sizeof(RingPacketHeader);

// The memory of a ring.
class Mapping {
 public:
  Mapping(uint8_t* data, size_t size) : data_(data), size_(size) {}
  ~Mapping() { munmap(data_, size_); }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  uint8_t* data() const { return data_; }
  size_t size() const { return size_; }

 private:
  uint8_t* const data_;
  const size_t size_;
};

inline bool IsOurs(const uint8_t* block) {
  auto* header = reinterpret_cast<const tpacket_block_desc*>(block);
  return (__atomic_load_n(&header->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
}

struct Window;

// The parts of one writev(2): the packets where the kernel put them, and `own`: what the file has around
// them, with a copy of each small packet.
struct RecordBatch {
  static constexpr size_t kPartsMax = 1024;  // of Linux, whatever the C library says
  static constexpr size_t kOwnSize = 65536;
  std::array<iovec, kPartsMax> parts;
  std::array<uint8_t, kOwnSize> own;
};

// A ring, until its external value is collected. It belongs to the thread of its environment, as its windows
// do.
class Ring {
 public:
  Ring(std::shared_ptr<Mapping> mapping, size_t block_size)
      : mapping_(std::move(mapping)),
        block_size_(block_size),
        blocks_(mapping_->size() / block_size),
        windows_(blocks_ + 1) {}
  ~Ring();
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  // Null for a closed ring, and for a number beyond the last block.
  uint8_t* Block(uint32_t index) const {
    return mapping_ != nullptr && index < blocks_ ? mapping_->data() + index * block_size_ : nullptr;
  }
  size_t block_size() const { return block_size_; }
  const std::shared_ptr<Mapping>& mapping() const { return mapping_; }
  // The window of a block, or of the whole ring; null: there is none.
  Window*& WindowOf(uint32_t index) { return windows_[index < blocks_ ? index : blocks_]; }

  // Detaches all ArrayBuffers. False if the memory has another holder.
  bool Close(napi_env env);

  // What ring_write works with, kept from one call to the next so that it is warm; null while a call uses it.
  std::unique_ptr<RecordBatch> batch;

 private:
  std::shared_ptr<Mapping> mapping_;
  const size_t block_size_;
  const size_t blocks_;
  std::vector<Window*> windows_;
};

// Returns the ring of an argument; null for anything else.
inline Ring* RingOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  void* ring = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  return napi_get_value_external(env, value, &ring) == napi_ok ? static_cast<Ring*>(ring) : nullptr;
}

// A packet in a block: its header, a copy that may be written back.
struct Place {
  static constexpr uint32_t kAhead = 8;  // packets
  RingPacketHeader header;
  uint8_t* at;
  uint8_t* end;  // of the block

  // Reads the header. False if it, or the packet, is not within the block.
  bool Read() {
    if (at > end || static_cast<size_t>(end - at) < kHeaderSize) return false;
    memcpy(&header, at, kHeaderSize);
    size_t room = static_cast<size_t>(end - at);
    return header.data_at >= kHeaderSize && header.data_at <= room &&
           header.captured <= room - header.data_at;
  }
  // Asks the processor for the header of a packet further on, as if all until there had this one's length,
  // which most of a flow have: what the kernel wrote on another processor is in no cache of this one. Inline
  // by force: GCC 12 leaves out the call of a function that does nothing else.
  __attribute__((always_inline)) void Prefetch() const {
    size_t distance = size_t{kAhead} * header.next_at;
    if (distance + kHeaderSize > static_cast<size_t>(end - at)) return;
    __builtin_prefetch(at + distance, 1);
    __builtin_prefetch(at + distance + kHeaderSize - 1, 1);
  }
  // Goes to the next packet. False if there is none within the block.
  bool Next() {
    size_t room = static_cast<size_t>(end - at);
    if (header.next_at < kHeaderSize || header.next_at > room) return false;
    at += header.next_at;
    return true;
  }
  uint8_t* data() const { return at + header.data_at; }
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_RING_H_
