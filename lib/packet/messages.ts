// Makers for a protocol whose messages have names and fields of their own: ICMP and ICMPv6.
import { known } from './output.js';

/** What any message may be given. */
export interface HeaderFields {
  type?: number;
  code?: number;
  checksum?: number;
  checksum_ok?: boolean | undefined;
}
export interface OtherFields extends HeaderFields {
  /** the four bytes behind the checksum */
  rest?: number;
}
/** A message as its maker gives it. */
export type Draft<Layer, Messages, Name extends keyof Messages> = {
  readonly layer: Layer;
  readonly name: Name;
} & HeaderFields &
  Messages[Name];
/** A message of a type that has no name. */
export type Other<Layer> = { readonly layer: Layer; readonly name?: 'unknown' } & OtherFields;

/** A maker of any message by its type, which has one for each message by its name. */
export type Makers<Layer, Messages> = ((fields?: OtherFields) => Other<Layer>) & {
  readonly [Name in keyof Messages]: (fields?: HeaderFields & Messages[Name]) => Draft<Layer, Messages, Name>;
};

const HEAD = ['type', 'code', 'checksum', 'checksum_ok'];

/**
 * The makers of a protocol's messages. Each throws a TypeError for a field that the message does not have.
 *
 * @typeParam Messages what each message is made of, by its name
 * @param fields_of the names of those fields
 */
export function makers<Layer extends string, Messages extends object>(
  layer: Layer,
  fields_of: Readonly<Record<keyof Messages & string, readonly string[]>>,
): Makers<Layer, Messages> {
  const maker =
    (name: string, of: string, names: readonly string[]) =>
    (fields: object = {}) => ({ layer, name, ...known(fields, of, names) });
  const named = Object.entries<readonly string[]>(fields_of).map(([name, names]) => [
    name,
    maker(name, `${layer}.${name}`, [...HEAD, ...names]),
  ]);
  // The types follow from Messages, which entries do not keep.
  return Object.assign(maker('unknown', layer, [...HEAD, 'rest']), Object.fromEntries(named)) as never;
}
