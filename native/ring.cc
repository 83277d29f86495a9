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
#include "ring.h"

#include <endian.h>
#include <linux/if_ether.h>
#include <net/if_arp.h>

#include "calls.h"
#include "values.h"

namespace bsd_sockets {
namespace {

void GiveBack(uint8_t* block) {
  auto* header = reinterpret_cast<tpacket_block_desc*>(block);
  __atomic_store_n(&header->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
}

// The bytes of a block from its begin to the end of its last packet.
size_t UsedSize(const uint8_t* block, size_t block_size) {
  auto* header = reinterpret_cast<const tpacket_block_desc*>(block);
  return std::clamp(size_t{header->hdr.bh1.blk_len}, sizeof *header, block_size);
}

}  // namespace

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

namespace {

void OnWindowCollected(napi_env env, void*, void* data) {
  auto* window = static_cast<Window*>(data);
  window->Settle();
  napi_delete_reference(env, window->buffer);
  delete window;
}

void OnRingCollected(napi_env, void* data, void*) { delete static_cast<Ring*>(data); }

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
    place.Prefetch();
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

// ring_close(ring): detaches every ArrayBuffer and unmaps the memory. 1: some of it was moved to another
// ArrayBuffer, after whose collection it is unmapped
napi_value RingClose(napi_env env, napi_callback_info info) {
  Arguments<1> args(env, info);
  Ring* ring = RingOf(env, args[0]);
  if (!args.valid() || ring == nullptr) return args.Invalid();
  return args.Return(ring->Close(env) ? 0 : 1);
}

}  // namespace bsd_sockets
