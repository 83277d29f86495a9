// What a number in a field means: one name of a list, or a name for each bit that is set. The other files of this folder have the tables;
// show writes the names behind the numbers.

/**
 * Returns the words for a number; undefined if it has none.
 *
 * @param fields those of the layer or the item that has the number
 */
export type Meaning = (value: number, fields: object) => string | undefined;

/** The meanings of fields: `layer.field`, `layer.message.field`, or of an item in a list `layer.item.field`. */
export type Meanings = Readonly<Record<string, Meaning>>;

/** One name for each number. */
export const one_of =
  (names: Readonly<Record<number, string>>): Meaning =>
  (value) =>
    names[value];

/** The names of the bits that are set, from the list of bits by their names. */
export const bits =
  (names: object): Meaning =>
  (value) => {
    const set = Object.entries(names).filter(([, bit]) => typeof bit === 'number' && (value & bit) !== 0);
    return set.length === 0 ? undefined : set.map(([name]) => name).join(', ');
  };

/** The names of numbers that a maker has as constants, `dhcp.OFFER`, in its spelling. */
export const constants_of = (maker: object, ...names: readonly string[]): Meaning => {
  const numbers = Object.entries(maker).filter(
    ([name, number]) => typeof number === 'number' && (names.length === 0 || names.includes(name)),
  );
  return one_of(Object.fromEntries(numbers.map(([name, number]) => [number, name])));
};

/** The names of the types of a list of options. */
export const types_of = (table: Readonly<Record<string, readonly [type: number, ...unknown[]]>>): Meaning => {
  // The first of several rows of one type names it.
  const rows = Object.entries(table).reverse();
  return one_of(Object.fromEntries(rows.map(([name, [type]]) => [type, name])));
};
