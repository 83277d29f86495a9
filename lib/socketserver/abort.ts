// A wait for a promise that an AbortSignal ends.

/** Waits until the promise settles or the signal aborts. @throws (rejects) the promise's reason */
export async function unless_aborted(promise: Promise<void>, stop: AbortSignal): Promise<void> {
  if (stop.aborted) return;
  let abort = () => {};
  const aborted = new Promise<void>((resolve) => {
    abort = resolve;
  });
  stop.addEventListener('abort', abort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    stop.removeEventListener('abort', abort);
  }
}
