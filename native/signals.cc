// The signal pipe of libuv, read from outside of the event loop. See signals.h.
//
// uv_loop_t.signal_pipefd and uv_signal_t.dispatched_signals are fields of public structs in uv.h, which stay
// the same in libuv 1.x. uv__signal_handler() writes the records. A pipe that is no FIFO is left alone.
#include "signals.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace bsd_sockets {
namespace {

struct Record {
  uv_signal_t* handle;
  int signal;
};

// Bytes that the pipe of libuv holds by default: never more are waiting.
constexpr size_t kPipeSize = 64 * 1024;

std::vector<Record> ReadRecords(int fd, size_t size) {
  std::vector<Record> records(size / sizeof(Record));
  ssize_t length = read(fd, records.data(), records.size() * sizeof(Record));
  records.resize(length > 0 ? length / sizeof(Record) : 0);
  return records;
}

size_t Waiting(int fd) {
  int size = 0;
  return ioctl(fd, FIONREAD, &size) == 0 && size > 0 ? static_cast<size_t>(size) : 0;
}

}  // namespace

SignalPipe::~SignalPipe() {
  for (int fd : copy_) {
    if (fd >= 0) close(fd);
  }
}

bool SignalPipe::pipe_missing() const {
  return loop_ != nullptr && read_fd_ < 0 && loop_->signal_pipefd[0] >= 0;
}

int SignalPipe::Open() {
  if (!pipe_missing()) return -1;
  int fd = loop_->signal_pipefd[0];
  struct stat status;
  if (fstat(fd, &status) != 0 || !S_ISFIFO(status.st_mode) || pipe2(copy_, O_CLOEXEC | O_NONBLOCK) != 0) {
    loop_ = nullptr;
    return -1;
  }
  read_fd_ = fd;
  return fd;
}

std::vector<int> SignalPipe::Peek() {
  std::vector<int> signals;
  if (read_fd_ < 0 || Waiting(read_fd_) == 0) return signals;
  ssize_t copied = tee(read_fd_, copy_[1], kPipeSize, SPLICE_F_NONBLOCK);
  if (copied <= 0) return signals;
  // Every handle of a signal has a record per arrival. Only the records of one handle are counted.
  std::vector<Record> handles;
  for (const Record& record : ReadRecords(copy_[0], copied)) {
    auto same = std::find_if(handles.begin(), handles.end(),
                             [&](const Record& other) { return other.signal == record.signal; });
    bool first = same == handles.end();
    if (first || same->handle == record.handle) signals.push_back(record.signal);
    if (first) handles.push_back(record);
  }
  return signals;
}

void SignalPipe::Take(const std::vector<int>& signals) {
  size_t size = Waiting(read_fd_);
  if (size == 0) return;
  for (const Record& record : ReadRecords(read_fd_, size)) {
    if (std::find(signals.begin(), signals.end(), record.signal) != signals.end()) {
      record.handle->dispatched_signals++;
      continue;
    }
    // The pipe has room: a record was just read from it, and its other writers write whole records or
    // nothing.
    ssize_t written = write(loop_->signal_pipefd[1], &record, sizeof record);
    (void)written;
  }
}

}  // namespace bsd_sockets
