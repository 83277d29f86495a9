// One read or write of a file that is no socket. See file.cc.
#ifndef BSD_SOCKETS_FILE_H_
#define BSD_SOCKETS_FILE_H_

#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

namespace bsd_sockets {

// Reads or writes of a descriptor: kCall is SYS_preadv2 or SYS_pwritev2.
template <long kCall>
class FileTransfer {
 public:
  explicit FileTransfer(int fd) : fd_(fd) {
    struct stat status;
    // RWF_NOWAIT would fail on a file of a disk whose bytes are not in memory.
    if (fstat(fd, &status) == 0 && !S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) flags_ = RWF_NOWAIT;
  }

  // Returns whether the file is to be waited for.
  bool may_wait() const { return flags_ != 0; }

  // Makes the call: a count, or -1 and errno. A position of -1 stands for that of the file.
  ssize_t operator()(const iovec* parts, long count, int64_t position) {
    ssize_t result = Move(parts, count, position);
    if (result < 0 && errno == ENOSYS) return MovePlainly(parts, count, position);
    // Few drivers of devices lack the flag.
    if (result >= 0 || flags_ == 0 || errno != EOPNOTSUPP) return result;
    flags_ = 0;
    return Move(parts, count, position);
  }

 private:
  // Makes preadv2(2) or pwritev2(2), which older C libraries lack (musl before 1.2.5).
  ssize_t Move(const iovec* parts, long count, int64_t position) {
    return syscall(kCall, fd_, parts, count, static_cast<long>(position), static_cast<long>(position >> 32),
                   flags_);
  }

  // The same by older calls, which know no flags, where a sandbox or an emulator does not know that call.
  ssize_t MovePlainly(const iovec* parts, long count, int64_t position) {
    int number = static_cast<int>(count);
    if constexpr (kCall == SYS_preadv2) {
      return position < 0 ? readv(fd_, parts, number) : preadv(fd_, parts, number, position);
    } else {
      return position < 0 ? writev(fd_, parts, number) : pwritev(fd_, parts, number, position);
    }
  }

  const int fd_;
  int flags_ = 0;
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_FILE_H_
