/**
 * Python's modules `selectors` and `select`: waits for many sockets at once. See the [guide](../../docs/selectors.md).
 *
 * @module bsd-sockets/selectors
 */

export {
  EPOLL_CLOEXEC,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLIN,
  EPOLLMSG,
  EPOLLONESHOT,
  EPOLLOUT,
  EPOLLPRI,
  EPOLLRDBAND,
  EPOLLRDHUP,
  EPOLLRDNORM,
  EPOLLWAKEUP,
  EPOLLWRBAND,
  EPOLLWRNORM,
  PIPE_BUF,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLMSG,
  POLLNVAL,
  POLLOUT,
  POLLPRI,
  POLLRDBAND,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
} from '../constants.js';
export { KeyError, RuntimeError } from '../errors/builtins.js';
export * from '../errors/index.js';
export type { FileObject } from './arguments.js';
export { BaseSelector, EVENT_READ, EVENT_WRITE, type Ready, type SelectOptions } from './base.js';
export { epoll } from './epoll.js';
export { SelectorKey } from './key.js';
export type { SelectorMap } from './map.js';
export { poll } from './poll.js';
export { select } from './select.js';
export { EpollSelector, EpollSelector as DefaultSelector, PollSelector, SelectSelector } from './selector.js';
