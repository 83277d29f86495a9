// Descriptors that a native call has just made, on their way into the object that closes them.
import { addon, cells, GENERATION } from '../native/addon.js';

/** A descriptor that this environment owns, and its generation: see native/descriptor.h. */
export class OwnedDescriptor {
  /** @param generation by default that of the descriptor which the last native call made */
  constructor(
    readonly fd: number,
    readonly generation = cells[GENERATION] as number,
  ) {}
}

/** Returns what `make` makes of the descriptor, which is closed if that fails. */
export function with_descriptor<T>(descriptor: OwnedDescriptor, make: (descriptor: OwnedDescriptor) => T): T {
  try {
    return make(descriptor);
  } catch (error) {
    addon.close(descriptor.fd, descriptor.generation);
    throw error;
  }
}
