// What the selectors stand on: something that watches descriptors, by number, and waits until one is ready.

/** Told of one descriptor that is ready. */
export type OnReady = (fd: number, events: number) => void;

export interface Multiplexer {
  /** Begins to watch a descriptor that is not watched. @throws OSError */
  register(fd: number, events: number): void;
  /** Changes what one is watched for. @throws OSError */
  modify(fd: number, events: number): void;
  /** Ends watching one. @throws OSError */
  unregister(fd: number): void;

  /**
   * Waits, blocking, until one is ready or the time has passed.
   *
   * @param timeout_ms -1 for no limit
   * @param most at most so many are told, where the system call has a limit
   * @throws OSError
   */
  _wait(timeout_ms: number, most: number, on_ready: OnReady): void;

  /** Has `told` be called from the event loop, once, as soon as _wait() might tell something new. @throws OSError */
  _watch(notify: () => void): void;
  /** Nobody is to be told any more. */
  _unwatch(): void;

  close(): void;
}
