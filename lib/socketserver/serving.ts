// The record of one call of serve_forever().

/** One call of serve_forever(). */
export interface Serving {
  readonly stop: AbortController;
  readonly done: Promise<void>;
  /** Seconds that requests may take after serving was stopped. */
  drain: number | undefined;
  /** True once it was told that descriptors or memory are missing. */
  is_scarce: boolean;
}

/** Returns a promise, and the function that fulfils it. */
export function resolvable(): [promise: Promise<void>, resolve: () => void] {
  let resolve = () => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return [promise, resolve];
}
