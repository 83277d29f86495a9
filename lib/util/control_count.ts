// The limit of control messages in one call.

// Far more than the kernel takes in one message (net.core.optmem_max).
export const CONTROL_MAX = 2 ** 16;

/** @throws RangeError for more than CONTROL_MAX messages */
export function check_count(items: readonly unknown[], name: string): void {
  if (items.length > CONTROL_MAX)
    throw new RangeError(`${name} must have at most ${CONTROL_MAX} control messages`);
}
