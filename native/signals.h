// Signals that arrived while the main thread is blocked in a system call.
//
// The signal handler of libuv only writes a record to a pipe of the main loop, which the loop reads at its
// next turn. A blocked call looks into the pipe without reading it (FIONREAD, tee(2)). If it is about to run
// the listeners of a signal, it reads the records of that signal, so that each signal runs the listeners
// once. All other records stay for the loop.
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

  // Sets the loop, that of the main thread: only it receives signals. Without a loop there are none.
  void Enable(uv_loop_t* loop) { loop_ = loop; }

  // Returns whether there is a pipe that Open() has not seen. libuv makes it for the first signal listener.
  bool pipe_missing() const;
  // Returns the read end, which the caller has to watch from now on; -1: no new pipe.
  int Open();

  // Returns the numbers of the waiting signals in order of arrival, each as often as it arrived.
  std::vector<int> Peek();
  // Removes the records of these signals and leaves all other records.
  void Take(const std::vector<int>& signals);

 private:
  uv_loop_t* loop_ = nullptr;
  int read_fd_ = -1;
  int copy_[2] = {-1, -1};
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SIGNALS_H_
