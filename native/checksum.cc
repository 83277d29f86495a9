// The sum of the Internet checksum (RFC 1071) over large buffers. lib/packet/bytes/checksum.ts sums small
// ones.
#include <stdint.h>
#include <string.h>

#include "arguments.h"
#include "calls.h"

namespace bsd_sockets {

namespace {

// Sums the 16-bit words in the byte order of the machine, and folds the sum to 16 bits. The result is that of
// network byte order with its two bytes swapped, because the carries go around. The loop adds 32-bit words,
// which are congruent to the sums of their halves; a sum of 64 bits holds 2^32 of them.
uint16_t SumWords(const uint8_t* data, size_t length) {
  uint64_t sums[4] = {};
  size_t at = 0;
  for (; at + 16 <= length; at += 16) {
    uint32_t words[4];
    memcpy(words, data + at, sizeof words);
    for (int i = 0; i < 4; i++) sums[i] += words[i];
  }
  uint64_t sum = 0;
  for (uint64_t part : sums) sum += (part & 0xffffffff) + (part >> 32);
  for (; at < length; at += 2) {
    uint16_t word = 0;
    memcpy(&word, data + at, length - at < 2 ? 1 : 2);
    sum += word;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<uint16_t>(sum);
}

}  // namespace

// sum_words(bytes, start, end) -> the folded sum of the big-endian words; -EINVAL beyond the end of the bytes
napi_value SumWordsCall(napi_env env, napi_callback_info info) {
  Arguments<3> args(env, info);
  View bytes = args.Bytes(0);
  uint32_t start = args.Uint(1);
  uint32_t end = args.Uint(2);
  if (!args.valid() || start > end || end > bytes.length()) return args.Invalid();
  uint16_t sum = SumWords(bytes.data() + start, end - start);
  uint8_t stored[2];
  memcpy(stored, &sum, sizeof stored);
  return args.Return(stored[0] << 8 | stored[1]);
}

}  // namespace bsd_sockets
