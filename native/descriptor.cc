// The descriptor table: a word per descriptor number, [generation:32][closing:1][users:31]. See descriptor.h.
#include "descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <mutex>

namespace bsd_sockets {
namespace {

using Word = std::atomic<uint64_t>;

constexpr uint64_t kClosing = 1ull << 31;
constexpr uint64_t kUsers = kClosing - 1;

// The kernel allocates a page at its first use, so the table costs memory only for numbers in use. Mapped
// when the binary is loaded, before any thread uses it; null if there is no memory for it for a second.
Word* const table = [] {
  for (int tries = 0; tries < 20; tries++) {
    void* memory = mmap(nullptr, sizeof(Word) * kDescriptorLimit, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) return static_cast<Word*>(memory);
    usleep(50 * 1000);
  }
  return static_cast<Word*>(nullptr);
}();

uint32_t GenerationOf(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

uint64_t NextGeneration(uint64_t word) { return static_cast<uint64_t>(GenerationOf(word) + 1) << 32; }

bool InRange(int fd) { return fd >= 0 && fd < kDescriptorLimit; }

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

// Ends one use. The last user of a closing descriptor starts the next generation and closes it. If another
// thread has entered meanwhile, with a stale generation, then that thread is the last user.
void Leave(int fd) {
  uint64_t word = table[fd].fetch_sub(1) - 1;
  if ((word & kClosing) == 0 || (word & kUsers) != 0) return;
  std::shared_lock<std::shared_mutex> lock(number_mutex);
  if (table[fd].compare_exchange_strong(word, NextGeneration(word))) CloseNumber(fd, &lock);
}

}  // namespace

std::shared_mutex number_mutex;

bool Lingers(int fd) {
  linger setting{};
  socklen_t length = sizeof setting;
  return getsockopt(fd, SOL_SOCKET, SO_LINGER, &setting, &length) == 0 && setting.l_onoff != 0 &&
         setting.l_linger > 0;
}

bool HasDescriptorTable() { return table != nullptr; }

uint32_t BeginGeneration(int fd, bool* used) {
  uint64_t word = table[fd].load();
  while (!table[fd].compare_exchange_weak(word, NextGeneration(word) | (word & kUsers))) {
  }
  *used = (word & kUsers) != 0;
  return GenerationOf(NextGeneration(word));
}

uint32_t Generation(int fd) { return InRange(fd) ? GenerationOf(table[fd].load()) : 0; }

bool FindGeneration(int fd, uint32_t* generation) {
  if (!InRange(fd)) return false;
  std::unique_lock<std::shared_mutex> lock(number_mutex);
  uint64_t word = table[fd].load();
  *generation = GenerationOf(word);
  return (word & kClosing) == 0 && fcntl(fd, F_GETFD) >= 0;
}

Closed CloseDescriptor(int fd, uint32_t generation, int* close_error) {
  *close_error = 0;
  if (!InRange(fd)) return Closed::kStale;
  std::shared_lock<std::shared_mutex> lock(number_mutex);
  uint64_t word = table[fd].load();
  for (;;) {
    if (GenerationOf(word) != generation || (word & kClosing) != 0) return Closed::kStale;
    bool used = (word & kUsers) != 0;
    if (!table[fd].compare_exchange_weak(word, used ? word | kClosing : NextGeneration(word))) continue;
    if (used) return Closed::kDeferred;
    *close_error = CloseNumber(fd, &lock);
    return Closed::kNow;
  }
}

DescriptorUse::DescriptorUse(int fd, uint32_t generation)
    : fd_(fd), generation_(generation), valid_(InRange(fd)) {
  if (!valid_) return;
  uint64_t word = table[fd].fetch_add(1);
  valid_ = GenerationOf(word) == generation && (word & kClosing) == 0;
  if (!valid_) Leave(fd);
}

DescriptorUse::~DescriptorUse() {
  if (valid_ && fd_ >= 0) Leave(fd_);
}

bool DescriptorUse::stale() const {
  if (fd_ < 0) return false;
  uint64_t word = table[fd_].load();
  return GenerationOf(word) != generation_ || (word & kClosing) != 0;
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) close(fd_);
}

}  // namespace bsd_sockets
