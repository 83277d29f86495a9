// Objects that name numbers, both ways, as a TypeScript enum does.

/** The result of `enumeration`: the members, and their names by number. */
export type Enumeration<Members extends Readonly<Record<string, number | undefined>>> = Readonly<Members> & {
  readonly [value: number]: (keyof Members & string) | undefined;
};

/**
 * enumeration(members) -> a frozen object with the members and, by number, their names.
 *
 * @param members names and numbers; the first of several names of one number is the one that the number gives, and
 *   one that this platform lacks (undefined) is left out
 */
export function enumeration<const Members extends Readonly<Record<string, number | undefined>>>(
  members: Members,
): Enumeration<Members> {
  const there = Object.entries(members).filter(([, value]) => value !== undefined);
  const names = there.map(([name, value]) => [value, name]).reverse();
  return Object.freeze(Object.fromEntries([...names, ...there]));
}
