// The descriptor table of the process: the generation of each descriptor number, and how many calls use it.
//
// close(2) does not wake a thread that is blocked on the descriptor, and the kernel assigns the number again
// at once, so a call in flight could read the data of another socket. The table has a word per number: its
// generation, a closing mark and the count of calls inside the kernel. A generation begins with the
// descriptor and ends with its close. A call names a generation, and a stale one is EBADF. The last call to
// leave a closing descriptor closes it. All environments share the table.
#ifndef BSD_SOCKETS_DESCRIPTOR_H_
#define BSD_SOCKETS_DESCRIPTOR_H_

#include <atomic>
#include <cstdint>
#include <shared_mutex>

namespace bsd_sockets {

// Number of descriptors in the table: larger numbers are refused with EMFILE. The kernel's default
// fs.nr_open.
constexpr int kDescriptorLimit = 1 << 20;

// The table: a word per descriptor number, [generation:32][closing:1][users:31]. Null if there is no memory
// for it. What each call does with it is in this file, so that the compiler can put it in place.
using DescriptorWord = std::atomic<uint64_t>;
extern DescriptorWord* const descriptor_table;
constexpr uint64_t kClosing = 1ull << 31;
constexpr uint64_t kUsers = kClosing - 1;

inline bool InRange(int fd) { return fd >= 0 && fd < kDescriptorLimit; }
inline uint32_t GenerationOf(uint64_t word) { return static_cast<uint32_t>(word >> 32); }
// Returns whether the word is that of this generation, which is not being closed.
inline bool IsOpen(uint64_t word, uint32_t generation) {
  return GenerationOf(word) == generation && (word & kClosing) == 0;
}

// Held from a system call that makes a descriptor to the begin of its generation, and from the end of a
// generation to close(2); alone by what looks up the generation of any number. Not held by calls that may
// wait.
extern std::shared_mutex number_mutex;

// Begins the generation of a descriptor that was just made, and returns it. Older ones, whose descriptor was
// closed by other means than CloseDescriptor, are stale from now on. `*used`: a call of theirs is inside the
// kernel.
uint32_t BeginGeneration(int fd, bool* used);

// Returns the present generation of this number, which calls on the open descriptor have to name.
uint32_t Generation(int fd);

// The same of a number that may be any. False if it is not open, or is being closed.
bool FindGeneration(int fd, uint32_t* generation);

// Returns whether close(2) waits until the peer has received all data: SO_LINGER.
bool Lingers(int fd);

// Closes the descriptor (kNow), or leaves that to its last user (kDeferred), which the caller must then wake.
enum class Closed { kStale, kNow, kDeferred };
Closed CloseDescriptor(int fd, uint32_t generation, int* close_error);

// Closes the descriptor after its last use, which left this word.
void CloseUnused(int fd, uint64_t word);

// One call inside the kernel. `valid()` is false for a stale generation. Without arguments: a call without a
// descriptor; its fd is -1.
class DescriptorUse {
 public:
  DescriptorUse() = default;
  DescriptorUse(int fd, uint32_t generation) : fd_(fd), generation_(generation), valid_(InRange(fd)) {
    if (!valid_) return;
    valid_ = IsOpen(descriptor_table[fd].fetch_add(1), generation);
    if (!valid_) Leave();
  }
  ~DescriptorUse() {
    if (valid_ && fd_ >= 0) Leave();
  }
  DescriptorUse(const DescriptorUse&) = delete;
  DescriptorUse& operator=(const DescriptorUse&) = delete;

  bool valid() const { return valid_; }
  int fd() const { return fd_; }
  // True if the descriptor is being closed, or was closed by other means and its number belongs to a new one.
  bool stale() const { return fd_ >= 0 && !IsOpen(descriptor_table[fd_].load(), generation_); }

 private:
  void Leave() {
    uint64_t word = descriptor_table[fd_].fetch_sub(1) - 1;
    if ((word & kClosing) != 0 && (word & kUsers) == 0) CloseUnused(fd_, word);
  }

  int fd_ = -1;
  uint32_t generation_ = 0;
  bool valid_ = true;
};

// An open descriptor, which the destructor closes unless Take() was called.
class UniqueFd {
 public:
  explicit UniqueFd(int fd) : fd_(fd) {}
  ~UniqueFd();
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;

  int get() const { return fd_; }
  int Take() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_DESCRIPTOR_H_
