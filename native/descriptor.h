// The descriptor table of the process: the generation of each descriptor number, and how many calls use it.
//
// close(2) does not wake a thread that is blocked on the descriptor, and the kernel assigns the number again
// at once, so a call in flight could read the data of another socket. The table has a word per number: its
// generation, a closing mark and the count of calls inside the kernel. A generation begins with the
// descriptor and ends with its close. A call names a generation, and a stale one is EBADF. The last call to
// leave a closing descriptor closes it. All environments share the table.
#ifndef BSD_SOCKETS_DESCRIPTOR_H_
#define BSD_SOCKETS_DESCRIPTOR_H_

#include <cstdint>
#include <shared_mutex>

namespace bsd_sockets {

// Number of descriptors in the table: larger numbers are refused with EMFILE. The kernel's default
// fs.nr_open.
constexpr int kDescriptorLimit = 1 << 20;

// Returns false if there is no memory for the table.
bool HasDescriptorTable();

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

// One call inside the kernel. `valid()` is false for a stale generation. Without arguments: a call without a
// descriptor; its fd is -1.
class DescriptorUse {
 public:
  DescriptorUse() = default;
  DescriptorUse(int fd, uint32_t generation);
  ~DescriptorUse();
  DescriptorUse(const DescriptorUse&) = delete;
  DescriptorUse& operator=(const DescriptorUse&) = delete;

  bool valid() const { return valid_; }
  int fd() const { return fd_; }
  // True if the descriptor is being closed, or was closed by other means and its number belongs to a new one.
  bool stale() const;

 private:
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
