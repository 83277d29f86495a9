// Threads of this addon. They run no JavaScript, have small stacks and never handle a signal.
#ifndef BSD_SOCKETS_THREAD_H_
#define BSD_SOCKETS_THREAD_H_

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <cstddef>

namespace bsd_sockets {

// Starts a thread that the caller has to join. 0 or an errno.
inline int StartThread(size_t stack_size, void* (*run)(void*), void* argument, pthread_t* thread,
                       int detach_state = PTHREAD_CREATE_JOINABLE) {
  pthread_attr_t attributes;
  int error = pthread_attr_init(&attributes);
  if (error != 0) return error;
  pthread_attr_setdetachstate(&attributes, detach_state);
  pthread_attr_setstacksize(&attributes, stack_size);
  // The thread inherits a full signal mask: no signal of the process is ever handled on it.
  sigset_t all, previous;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &previous);
  error = pthread_create(thread, &attributes, run, argument);
  // EAGAIN would tell callers that their call would block.
  if (error == EAGAIN) error = ENOMEM;
  pthread_sigmask(SIG_SETMASK, &previous, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

// Starts a thread that is not joined. It names itself: for its creator the handle may be stale already.
inline int StartDetachedThread(size_t stack_size, void* (*run)(void*), void* argument) {
  pthread_t thread;
  return StartThread(stack_size, run, argument, &thread, PTHREAD_CREATE_DETACHED);
}

}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_THREAD_H_
