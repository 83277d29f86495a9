// Whether the addon can be used. Everything of packets but send_receive works without it.
import { is_loaded } from './native.js';

let found: boolean | undefined;

/** Returns whether the addon is there. The first call loads it. */
export function has_native(): boolean {
  if (found === undefined) {
    try {
      found = is_loaded();
    } catch {
      found = false;
    }
  }
  return found;
}
