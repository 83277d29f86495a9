// The packet ring (TPACKET_V3): memory that the kernel fills with blocks of packets, without a system call a
// packet.
//
// A block is the kernel's or ours. A block that has become ours is prepared once: the VLAN tag that the
// kernel took off is put back, and a cooked packet gets its header of LINUX_SLL2, both in the room that the
// ring has in front of each packet. JavaScript reads the ring through one ArrayBuffer that never leaves
// lib/packet/ring, and gives its users an ArrayBuffer for each block, which is detached before the block is
// the kernel's again.
//
// The memory is unmapped when its last holder is gone, in any order: the ring, until it is closed or
// collected, and each ArrayBuffer, until it is detached here or collected. Users can move the memory of an
// ArrayBuffer to another one (ArrayBuffer.prototype.transfer): then the block, and the mapping, wait until
// that one is collected.
//
// The headers in the ring are not trusted: JavaScript can write to them. See packet(7) and the kernel's
// Documentation/networking/packet_mmap.rst.
#include <endian.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/mman.h>

#include <memory>
#include <new>
#include <vector>

#include "arguments.h"
#include "calls.h"
#include "layout.h"
#include "values.h"

namespace bsd_sockets {
namespace {

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

bool IsOurs(const uint8_t* block) {
  auto* header = reinterpret_cast<const tpacket_block_desc*>(block);
  return (__atomic_load_n(&header->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER) != 0;
}

void GiveBack(uint8_t* block) {
  auto* header = reinterpret_cast<tpacket_block_desc*>(block);
  __atomic_store_n(&header->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

// The bytes of a block from its begin to the end of its last packet.
size_t UsedSize(const uint8_t* block, size_t block_size) {
  auto* header = reinterpret_cast<const tpacket_block_desc*>(block);
  return std::clamp(size_t{header->hdr.bh1.blk_len}, sizeof *header, block_size);
}

struct Window;

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

 private:
  std::shared_ptr<Mapping> mapping_;
  const size_t block_size_;
  const size_t blocks_;
  std::vector<Window*> windows_;
};

// An ArrayBuffer on the memory, whose finalizer deletes this.
struct Window {
  std::shared_ptr<Mapping> mapping;  // null once nobody can reach the memory by it
  Ring* ring;                        // null once the ring is gone
  uint32_t index;
  uint8_t* block;  // null: the whole ring
  napi_ref buffer;

  // Nobody reaches the memory by this any more. The mapping may end with it.
  void Settle() {
    if (mapping == nullptr) return;
    if (block != nullptr) GiveBack(block);
    if (ring != nullptr) ring->WindowOf(index) = nullptr;
    mapping.reset();
  }

  // Detaches the ArrayBuffer. False if its memory was moved to another one, which no call reaches.
  bool Detach(napi_env env) {
    napi_value value = nullptr;
    if (napi_get_reference_value(env, buffer, &value) != napi_ok) return false;
    // Null: the ArrayBuffer was collected, and its finalizer has not run yet. It may have been moved before.
    bool is_detached = false;
    if (value == nullptr || napi_is_detached_arraybuffer(env, value, &is_detached) != napi_ok || is_detached)
      return false;
    if (napi_detach_arraybuffer(env, value) != napi_ok) return false;
    Settle();
    return true;
  }
};

Ring::~Ring() {
  for (Window* window : windows_) {
    if (window != nullptr) window->ring = nullptr;
  }
}

bool Ring::Close(napi_env env) {
  bool is_free = true;
  for (Window* window : windows_) {
    if (window != nullptr && !window->Detach(env)) is_free = false;
  }
  mapping_.reset();
  return is_free;
}

void OnWindowCollected(napi_env env, void*, void* data) {
  auto* window = static_cast<Window*>(data);
  window->Settle();
  napi_delete_reference(env, window->buffer);
  delete window;
}

void OnRingCollected(napi_env, void* data, void*) { delete static_cast<Ring*>(data); }

// Returns the ring of an argument; null for anything else.
Ring* RingOf(napi_env env, napi_value value) {
  napi_valuetype type = napi_undefined;
  void* ring = nullptr;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return nullptr;
  return napi_get_value_external(env, value, &ring) == napi_ok ? static_cast<Ring*>(ring) : nullptr;
}

// A packet in a block: its header, a copy that may be written back.
struct Place {
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
  // Goes to the next packet. False if there is none within the block.
  bool Next() {
    size_t room = static_cast<size_t>(end - at);
    if (header.next_at < kHeaderSize || header.next_at > room) return false;
    at += header.next_at;
    return true;
  }
  uint8_t* data() const { return at + header.data_at; }
};

void Put16(uint8_t* at, uint16_t value) {
  value = htobe16(value);
  memcpy(at, &value, sizeof value);
}

constexpr size_t kTagSize = 4;
constexpr size_t kEthernetAddresses = 12;
constexpr size_t kCookedSize = 20;

// Moves the begin of the packet to the front. False if there is no room behind the header.
bool Widen(RingPacketHeader* header, size_t count) {
  if (header->data_at < kHeaderSize + count) return false;
  header->data_at = static_cast<uint16_t>(header->data_at - count);
  header->captured += static_cast<uint32_t>(count);
  header->length += static_cast<uint32_t>(count);
  return true;
}

// Puts the VLAN tag back in front of the EtherType. Returns whether there was one.
bool RestoreTag(Place* place) {
  RingPacketHeader& header = place->header;
  if ((header.status & TP_STATUS_VLAN_VALID) == 0 || header.captured < kEthernetAddresses) return false;
  if (!Widen(&header, kTagSize)) return false;
  uint8_t* data = place->data();
  memmove(data, data + kTagSize, kEthernetAddresses);
  bool has_type = (header.status & TP_STATUS_VLAN_TPID_VALID) != 0;
  Put16(data + kEthernetAddresses, has_type ? header.vlan_tpid : ETH_P_8021Q);
  Put16(data + kEthernetAddresses + 2, static_cast<uint16_t>(header.vlan_tci));
  return true;
}

// Puts a header of LINUX_SLL2 in front of the packet, and the VLAN tag between both. Returns whether there
// was a tag.
bool Cook(Place* place) {
  RingPacketHeader& header = place->header;
  bool is_tagged = (header.status & TP_STATUS_VLAN_VALID) != 0;
  if (!Widen(&header, kCookedSize + (is_tagged ? kTagSize : 0))) return false;
  uint8_t* data = place->data();
  uint16_t protocol = be16toh(header.protocol);
  if (is_tagged) {
    Put16(data + kCookedSize, static_cast<uint16_t>(header.vlan_tci));
    Put16(data + kCookedSize + 2, protocol);
    protocol = (header.status & TP_STATUS_VLAN_TPID_VALID) != 0 ? header.vlan_tpid : ETH_P_8021Q;
  }
  uint32_t interface_index = htobe32(static_cast<uint32_t>(header.interface_index));
  Put16(data, protocol);
  Put16(data + 2, 0);
  memcpy(data + 4, &interface_index, sizeof interface_index);
  Put16(data + 8, header.hardware_type);
  data[10] = header.packet_type;
  data[11] = std::min<uint8_t>(header.address_length, sizeof header.address);
  memset(data + 12, 0, sizeof header.address);
  memcpy(data + 12, header.address.data(), data[11]);
  return is_tagged;
}

void Prepare(Place* place, uint32_t content, uint32_t snaplen) {
  RingPacketHeader& header = place->header;
  if ((header.mark & kRingPrepared) != 0) return;
  header.mark = kRingPrepared;
  if (content == kRingEthernet && RestoreTag(place)) header.mark |= kRingTagged;
  if (content == kRingCooked && Cook(place)) header.mark |= kRingTagged;
  header.captured = std::min(header.captured, snaplen);
  memcpy(place->at, &header, kHeaderSize);
}

// Writes numbers of 32 bits, little-endian, as capture files here have them.
uint8_t* PutWords(uint8_t* at, std::initializer_list<uint32_t> words) {
  for (uint32_t word : words) {
    word = htole32(word);
    memcpy(at, &word, sizeof word);
    at += sizeof word;
  }
  return at;
}

constexpr uint32_t kEnhancedPacket = 6;
constexpr uint32_t kPacketFlags = 2 | 4 << 16;  // the option's number, and the length of its value
constexpr size_t kRecordSize = 16;
constexpr size_t kEnhancedSize = 44;

// Writes the record of a packet. Returns its end; null if there is no room.
uint8_t* PutRecord(const Place& place, uint32_t length, uint32_t unit_ns, uint8_t* at, const uint8_t* end) {
  const RingPacketHeader& header = place.header;
  if (static_cast<size_t>(end - at) < kRecordSize + length) return nullptr;
  at = PutWords(at, {header.seconds, header.nanoseconds / unit_ns, length, header.length});
  memcpy(at, place.data(), length);
  return at + length;
}

// Writes the enhanced packet block of a packet, with its direction. Returns its end; null if there is no
// room.
uint8_t* PutBlock(const Place& place, uint32_t length, uint32_t unit_ns, uint32_t interface_id, uint8_t* at,
                  const uint8_t* end) {
  const RingPacketHeader& header = place.header;
  size_t padding = -length & 3, size = kEnhancedSize + length + padding;
  if (static_cast<size_t>(end - at) < size) return nullptr;
  uint64_t time = (header.seconds * uint64_t{1000000000} + header.nanoseconds) / unit_ns;
  uint32_t total = static_cast<uint32_t>(size), direction = header.packet_type == PACKET_OUTGOING ? 2 : 1;
  at = PutWords(at, {kEnhancedPacket, total, interface_id, static_cast<uint32_t>(time >> 32),
                     static_cast<uint32_t>(time), length, header.length});
  memcpy(at, place.data(), length);
  memset(at + length, 0, padding);
  return PutWords(at + length + padding, {kPacketFlags, direction, 0, total});
}

}  // namespace

// ring_map(fd, generation, block_size, blocks) -> a ring, or -errno: the memory of a socket that has one
napi_value RingMap(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  int fd = args.Int(0);
  uint32_t generation = args.Uint(1), block_size = args.Uint(2), blocks = args.Uint(3);
  size_t size = size_t{block_size} * blocks;
  if (!args.valid() || size == 0 || block_size < sizeof(tpacket_block_desc)) return args.Invalid();
  void* memory = MAP_FAILED;
  int64_t result = Immediate(fd, generation, [&] {
    memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return memory == MAP_FAILED ? -1 : 0;
  });
  if (result < 0) return args.Return(result);
  auto mapping = std::make_shared<Mapping>(static_cast<uint8_t*>(memory), size);
  auto ring = std::make_unique<Ring>(std::move(mapping), block_size);
  napi_value value = nullptr;
  if (napi_create_external(env, ring.get(), OnRingCollected, nullptr, &value) != napi_ok)
    return args.Return(-ENOMEM);
  ring.release();
  return value;
}

// ring_memory(ring, index) -> an ArrayBuffer of a block, or of the whole ring (kRingWhole), or -errno;
// -EBUSY: it has one already
napi_value RingMemory(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1);
  if (!args.valid() || ring == nullptr) return args.Invalid();
  if (ring->mapping() == nullptr) return args.Return(-EBADF);
  uint8_t* block = ring->Block(index);
  if (block == nullptr && index != kRingWhole) return args.Invalid();
  Window*& place = ring->WindowOf(index);
  if (place != nullptr) return args.Return(-EBUSY);
  auto window = std::make_unique<Window>(Window{ring->mapping(), ring, index, block, nullptr});
  // Of a block only the used part: V8 collects garbage the sooner, the more memory ArrayBuffers have.
  size_t size = block == nullptr ? ring->mapping()->size() : UsedSize(block, ring->block_size());
  void* data = block == nullptr ? ring->mapping()->data() : block;
  napi_value buffer = nullptr;
  if (napi_create_external_arraybuffer(env, data, size, OnWindowCollected, window.get(), &buffer) != napi_ok)
    return args.Return(-ENOMEM);
  // From here on the finalizer deletes the window.
  place = window.release();
  if (napi_create_reference(env, buffer, 0, &place->buffer) == napi_ok) return buffer;
  napi_detach_arraybuffer(env, buffer);
  place->Settle();
  return args.Return(-ENOMEM);
}

// ring_wait(ring, index, fd, generation, timeout_ms) -> 0 once the block is ours, or -errno; -EBUSY: it is
// ours already, as its ArrayBuffer exists
napi_value RingWait(napi_env env, napi_callback_info info) {
  Arguments<5> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1), generation = args.Uint(3);
  int fd = args.Int(2);
  double timeout_ms = args.Double(4);
  if (!args.valid() || ring == nullptr) return args.Invalid();
  State& state = args.state();
  DescriptorUse use(fd, generation);
  if (!use.valid()) return args.Return(-EBADF);
  int error = state.PrepareToBlock();
  if (error != 0) return args.Return(error);
  Deadline deadline(timeout_ms);
  // The socket is readable as long as the block before is ours: only a change says more.
  ReadyWait wait(state, use, POLLIN, deadline);
  for (;;) {
    // JavaScript that ran meanwhile may have closed the ring.
    const uint8_t* block = ring->Block(index);
    if (block == nullptr) return args.Return(-EBADF);
    if (ring->WindowOf(index) != nullptr) return args.Return(-EBUSY);
    if (IsOurs(block)) return args.Return(0);
    socklen_t length = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return args.Return(-errno);
    if (error != 0) return args.Return(-error);
    int64_t result = wait.Next();
    if (result != 0) return args.Return(result);
  }
}

// ring_take(ring, index, content, snaplen) -> the number of packets of a block, which are prepared from now
// on, or -errno; -EAGAIN: it is the kernel's; -EBUSY: it has an ArrayBuffer
napi_value RingTake(napi_env env, napi_callback_info info) {
  Arguments<4> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1), content = args.Uint(2), snaplen = args.Uint(3);
  if (!args.valid() || ring == nullptr) return args.Invalid();
  uint8_t* block = ring->Block(index);
  if (block == nullptr) return args.Return(-EBADF);
  if (ring->WindowOf(index) != nullptr) return args.Return(-EBUSY);
  if (!IsOurs(block)) return args.Return(-EAGAIN);
  const auto& header = reinterpret_cast<const tpacket_block_desc*>(block)->hdr.bh1;
  uint32_t count = 0, packets = header.num_pkts;
  if (header.offset_to_first_pkt > ring->block_size()) return args.Return(0);
  Place place{{}, block + header.offset_to_first_pkt, block + ring->block_size()};
  while (count < packets && place.Read()) {
    Prepare(&place, content, snaplen);
    count++;
    if (!place.Next()) break;
  }
  return args.Return(count);
}

// ring_release(ring, index): gives a block back to the kernel, and detaches its ArrayBuffer. 1: its memory
// was moved to another ArrayBuffer, after whose collection the block is given back
napi_value RingRelease(napi_env env, napi_callback_info info) {
  Arguments<2> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1);
  if (!args.valid() || ring == nullptr) return args.Invalid();
  uint8_t* block = ring->Block(index);
  if (block == nullptr) return args.Return(-EBADF);
  Window* window = ring->WindowOf(index);
  if (window != nullptr) return args.Return(window->Detach(env) ? 0 : 1);
  GiveBack(block);
  return args.Return(0);
}

// ring_encode(ring, index, at, count, out, interface_id, snaplen, unit_ns) -> the number of bytes: `count`
// packets of a block, from the one at this offset on, as records of pcap (interface_id -1) or as blocks of
// pcapng
napi_value RingEncode(napi_env env, napi_callback_info info) {
  Arguments<8> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  uint32_t index = args.Uint(1), at = args.Uint(2), count = args.Uint(3), snaplen = args.Uint(6),
           unit_ns = args.Uint(7);
  View out = args.Bytes(4);
  int64_t interface_id = args.Int64(5);
  if (!args.valid() || ring == nullptr || unit_ns == 0) return args.Invalid();
  uint8_t* block = ring->Block(index);
  if (block == nullptr) return args.Return(-EBADF);
  if (at > ring->block_size()) return args.Invalid();
  Place place{{}, block + at, block + ring->block_size()};
  uint8_t* to = out.data();
  const uint8_t* end = to + out.length();
  for (uint32_t i = 0; i < count; i++) {
    if ((i > 0 && !place.Next()) || !place.Read()) return args.Return(-EFAULT);
    uint32_t length = std::min(place.header.captured, snaplen);
    to = interface_id < 0 ? PutRecord(place, length, unit_ns, to, end)
                          : PutBlock(place, length, unit_ns, static_cast<uint32_t>(interface_id), to, end);
    if (to == nullptr) return args.Return(-ENOBUFS);
  }
  return args.Return(to - out.data());
}

// ring_close(ring): detaches every ArrayBuffer and unmaps the memory. 1: some of it was moved to another
// ArrayBuffer, after whose collection it is unmapped
napi_value RingClose(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  if (!args.valid() || ring == nullptr) return args.Invalid();
  return args.Return(ring->Close(env) ? 0 : 1);
}

}  // namespace bsd_sockets
