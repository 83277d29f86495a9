// The names of the error classes, which messages and stacks begin with.

/** Sets `name` on the prototypes, so that the stack begins with it: after structuredClone only the stack shows the class. */
export function name_classes(classes: Record<string, { prototype: Error }>): void {
  for (const [name, { prototype }] of Object.entries(classes)) {
    Object.defineProperty(prototype, 'name', { value: name, configurable: true, writable: true });
  }
}
