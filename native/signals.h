// Signals that arrived while the main thread is blocked in a system call.
//
// libuv's handler only writes a record to a pipe of the main loop, which reads it at its next turn. A blocked
// call looks into that pipe without taking anything (FIONREAD, tee(2)), and takes the records of the signals
// whose listeners it is about to run itself, so that each signal runs them once. All others stay for the
// loop.
#ifndef BSD_SOCKETS_SIGNALS_H_
#define BSD_SOCKETS_SIGNALS_H_

#include <uv.h>

#include <cstdint>
#include <vector>

namespace bsd_sockets {

class SignalPipe {
 public:
  SignalPipe() = default;
  ~SignalPipe();
  SignalPipe(const SignalPipe&) = delete;
  SignalPipe& operator=(const SignalPipe&) = delete;

  // The loop of the main thread: only it receives signals. Without this nothing below finds any.
  void Enable(uv_loop_t* loop) { loop_ = loop; }

  // The pipe does not exist before the process has its first signal listener: true while there is one not yet
  // seen.
  bool pipe_missing() const;
  // The read end, now watched by the caller; -1 where there is none.
  int Open();

  // The signal numbers waiting, in order of arrival, each as often as it arrived.
  std::vector<int> Peek();
  // Takes the records of these signals, leaving the others.
  void Take(const std::vector<int>& signals);

 private:
  uv_loop_t* loop_ = nullptr;
  int read_fd_ = -1;
  int copy_[2] = {-1, -1};
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SIGNALS_H_
