// Signals that arrived while the main thread is blocked in a system call.
//
// The signal handler of libuv only writes a record to a pipe of the main loop, for each handle of the signal.
// The loop reads the pipe at its next turn. A blocked call looks into the pipe without reading it (tee(2)).
// It takes out a record whose listeners it is about to run, so that each signal runs them once. All other
// records stay for the loop: only the first of each handle, once they fill half of the pipe.
#ifndef BSD_SOCKETS_SIGNALS_H_
#define BSD_SOCKETS_SIGNALS_H_

#include <uv.h>

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

  // Returns the numbers of the signals that wait for listeners in JavaScript, in order of arrival, each as
  // often as it arrived.
  std::vector<int> Peek();
  // Removes the first record of the signal that is for such listeners; false: there is none any more.
  bool Take(int signal);

 private:
  struct Record;

  bool IsForListeners(const Record& record);
  void Read(int fd, std::vector<Record>* records) const;
  void PutBack(std::vector<Record> records);

  uv_loop_t* loop_ = nullptr;
  int read_fd_ = -1;
  int copy_[2] = {-1, -1};
  size_t half_ = 0;                      // number of records that fill half of the pipe
  uv_signal_cb listeners_cb_ = nullptr;  // of the handles for listeners in JavaScript; null: none seen yet
};

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_SIGNALS_H_
