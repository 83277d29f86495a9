// The descriptor table: its memory, and how generations begin and end. See descriptor.h.
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace bsd_sockets {

// The kernel allocates a page at its first use, so the table costs memory only for numbers in use. Mapped
// when the binary is loaded, before any thread uses it; null if there is no memory for it for a second.
DescriptorWord* const descriptor_table = [] {
  for (int tries = 0; tries < 20; tries++) {
    void* memory = mmap(nullptr, sizeof(DescriptorWord) * kDescriptorLimit, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) return static_cast<DescriptorWord*>(memory);
    usleep(50 * 1000);
  }
  return static_cast<DescriptorWord*>(nullptr);
}();

namespace {

uint64_t NextGeneration(uint64_t word) { return static_cast<uint64_t>(GenerationOf(word) + 1) << 32; }

// Closes a number whose generation has ended, and gives up the lock. A close() that waits for SO_LINGER would
// hold up those that want the lock alone: a duplicate waits, after it. Returns an errno or 0.
int CloseNumber(int fd, std::shared_lock<std::shared_mutex>* lock) {
  int last = Lingers(fd) ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1;
  // close() is not repeated after EINTR: Linux has freed the number by then.
  int error = close(fd) != 0 && errno != EINTR ? errno : 0;
  lock->unlock();
  if (last >= 0) close(last);
  return error;
}

}  // namespace

std::shared_mutex number_mutex;

bool Lingers(int fd) {
  linger setting{};
  socklen_t length = sizeof setting;
  return getsockopt(fd, SOL_SOCKET, SO_LINGER, &setting, &length) == 0 && setting.l_onoff != 0 &&
         setting.l_linger > 0;
}

// Starts the next generation. If another thread has entered meanwhile, with a stale generation, then that
// thread is the last user.
void CloseUnused(int fd, uint64_t word) {
  std::shared_lock<std::shared_mutex> lock(number_mutex);
  if (descriptor_table[fd].compare_exchange_strong(word, NextGeneration(word))) CloseNumber(fd, &lock);
}

uint32_t BeginGeneration(int fd, bool* used) {
  uint64_t word = descriptor_table[fd].load();
  while (!descriptor_table[fd].compare_exchange_weak(word, NextGeneration(word) | (word & kUsers))) {
  }
  *used = (word & kUsers) != 0;
  return GenerationOf(NextGeneration(word));
}

uint32_t Generation(int fd) { return InRange(fd) ? GenerationOf(descriptor_table[fd].load()) : 0; }

bool FindGeneration(int fd, uint32_t* generation) {
  if (!InRange(fd)) return false;
  std::unique_lock<std::shared_mutex> lock(number_mutex);
  uint64_t word = descriptor_table[fd].load();
  *generation = GenerationOf(word);
  return (word & kClosing) == 0 && fcntl(fd, F_GETFD) >= 0;
}

Closed CloseDescriptor(int fd, uint32_t generation, int* close_error) {
  *close_error = 0;
  if (!InRange(fd)) return Closed::kStale;
  std::shared_lock<std::shared_mutex> lock(number_mutex);
  uint64_t word = descriptor_table[fd].load();
  for (;;) {
    if (GenerationOf(word) != generation || (word & kClosing) != 0) return Closed::kStale;
    bool used = (word & kUsers) != 0;
    if (!descriptor_table[fd].compare_exchange_weak(word, used ? word | kClosing : NextGeneration(word)))
      continue;
    if (used) return Closed::kDeferred;
    *close_error = CloseNumber(fd, &lock);
    return Closed::kNow;
  }
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace bsd_sockets
