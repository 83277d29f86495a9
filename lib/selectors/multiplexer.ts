// Multiplexer, the interface below the selectors: it watches descriptors, by number, and waits until one is ready. Epoll and
// Interests implement it.

/** Is called for each ready descriptor. */
export type OnReady = (fd: number, events: number) => void;

export interface Multiplexer {
  /** Begins to watch a descriptor that is not watched. @throws OSError */
  register(fd: number, events: number): void;
  /** Changes the events that a descriptor is watched for. @throws OSError */
  modify(fd: number, events: number): void;
  /** Ends watching a descriptor. @throws OSError */
  unregister(fd: number): void;

  /**
   * Blocks until a descriptor is ready or the time has passed.
   *
   * @param timeout_ms -1 for no limit
   * @param most the maximum number of descriptors to report, if the system call has such a limit
   * @throws OSError
   */
  _wait(timeout_ms: number, most: number, on_ready: OnReady): void;

  /** Calls `notify` once, from the event loop, as soon as _wait() may find a ready descriptor. @throws OSError */
  _watch(notify: () => void): void;
  /** Cancels _watch(). */
  _unwatch(): void;

  close(): void;
}
