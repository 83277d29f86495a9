// The process-wide descriptor table: which life of a descriptor number a caller means, and how many threads
// use it.
//
// close(2) does not wake a thread that is blocked on the descriptor, and a number is given out again at once,
// so a call in flight could read another socket's data. Each number has a word here: its generation, a
// closing mark and the count of calls inside the kernel. A call enters with the generation it was given, the
// last one to leave a descriptor that is closing closes it, and a stale generation is EBADF. The table is
// shared by all environments.
#ifndef BSD_SOCKETS_DESCRIPTOR_H_
#define BSD_SOCKETS_DESCRIPTOR_H_

#include <cstdint>

namespace bsd_sockets {

// Descriptor numbers from here on are refused with EMFILE; it is the kernel's default fs.nr_open.
constexpr int kDescriptorLimit = 1 << 20;

// Maps the table; false where there is no memory for it. Safe to call from every environment.
bool MapDescriptorTable();

// The generation that a new owner of this open descriptor has to name.
uint32_t Generation(int fd);

// Closes the descriptor, or leaves that to its last user, whom the caller must then wake.
enum class Closed { kStale, kNow, kDeferred };
Closed CloseDescriptor(int fd, uint32_t generation, int* close_error);

// One call inside the kernel. `valid()` is false for a stale generation; fd -1 stands for a call without
// descriptor.
class DescriptorUse {
 public:
  DescriptorUse() = default;
  DescriptorUse(int fd, uint32_t generation);
  ~DescriptorUse();
  DescriptorUse(const DescriptorUse&) = delete;
  DescriptorUse& operator=(const DescriptorUse&) = delete;

  bool valid() const { return valid_; }
  int fd() const { return fd_; }
  bool closing() const;

 private:
  int fd_ = -1;
  bool valid_ = true;
};

// An open descriptor that is closed unless somebody takes it.
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
