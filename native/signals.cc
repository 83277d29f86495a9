// The signal pipe of libuv, read from outside of the event loop. See signals.h.
//
// uv_loop_t.signal_pipefd and child_watcher, and uv_signal_t.signum and dispatched_signals, are fields of
// public structs in uv.h, which stay the same in libuv 1.x. uv__signal_handler() writes the records. A full
// pipe loses signals, and a handle whose record is lost never closes. A pipe that is no FIFO is left alone.
#include "signals.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <unordered_set>

#include "loop.h"

namespace bsd_sockets {

struct SignalPipe::Record {
  uv_signal_t* handle;
  int signal;
};

namespace {

// Bytes that the pipe of libuv holds, or fewer: never more are waiting.
constexpr size_t kPipeSize = 64 * 1024;

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
  half_ = fcntl(fd, F_GETPIPE_SZ) / sizeof(Record) / 2;
  read_fd_ = fd;
  return fd;
}

// Returns whether the handle is that of listeners in JavaScript, which have one for each signal, and not that
// of libuv for child processes, nor one of another addon. The listeners may have been removed meanwhile.
bool SignalPipe::IsForListeners(const Record& record) {
  const uv_signal_t* handle = record.handle;
  if (handle->signum != record.signal || handle == &loop_->child_watcher) return false;
  if (listeners_cb_ == nullptr && IsOfNode(reinterpret_cast<void*>(handle->signal_cb)))
    listeners_cb_ = handle->signal_cb;
  return handle->signal_cb == listeners_cb_;
}

// Appends the records that wait in a pipe.
void SignalPipe::Read(int fd, std::vector<Record>* records) const {
  size_t before = records->size();
  records->resize(before + kPipeSize / sizeof(Record));
  ssize_t length = read(fd, records->data() + before, kPipeSize);
  records->resize(before + (length > 0 ? length / sizeof(Record) : 0));
}

std::vector<int> SignalPipe::Peek() {
  std::vector<int> signals;
  if (read_fd_ < 0 || tee(read_fd_, copy_[1], kPipeSize, SPLICE_F_NONBLOCK) <= 0) return signals;
  std::vector<Record> records;
  Read(copy_[0], &records);
  for (const Record& record : records) {
    if (IsForListeners(record)) signals.push_back(record.signal);
  }
  if (records.size() <= half_) return signals;
  records.clear();
  Read(read_fd_, &records);
  PutBack(std::move(records));
  return signals;
}

bool SignalPipe::Take(int signal) {
  std::vector<Record> records;
  Read(read_fd_, &records);
  auto found = std::find_if(records.begin(), records.end(), [&](const Record& record) {
    return record.signal == signal && IsForListeners(record);
  });
  bool taken = found != records.end();
  if (taken) {
    found->handle->dispatched_signals++;
    records.erase(found);
  }
  PutBack(std::move(records));
  return taken;
}

// Writes records that were read. On other threads signals may have filled the pipe meanwhile: then their
// records are read as well, until all that stay are in the pipe.
void SignalPipe::PutBack(std::vector<Record> records) {
  while (!records.empty()) {
    if (records.size() > half_) {
      std::unordered_set<uv_signal_t*> handles;
      auto is_another = [&](const Record& record) {
        if (handles.insert(record.handle).second) return false;
        record.handle->dispatched_signals++;
        return true;
      };
      records.erase(std::remove_if(records.begin(), records.end(), is_another), records.end());
    }
    ssize_t written = write(loop_->signal_pipefd[1], records.data(), records.size() * sizeof(Record));
    if (written > 0) {
      records.erase(records.begin(), records.begin() + written / sizeof(Record));
    } else if (errno == EAGAIN) {
      Read(read_fd_, &records);
    } else {
      return;
    }
  }
}

}  // namespace bsd_sockets
