// The makers and types that ICMP and ICMPv6 share: protocols whose messages have names, each name with fields of its own.
import {
  type FieldNames,
  field_names,
  joined,
  known,
  message_title,
  type Names,
} from '../../bytes/fields.js';
import type { MessageFields } from '../../registry.js';

/** The header fields that any message to build may have. */
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
/** A named message to build. */
export type Draft<Layer, Messages, Name extends keyof Messages> = {
  readonly layer: Layer;
  readonly name: Name;
} & HeaderFields &
  Messages[Name];
/** A message to build whose type has no name. */
export type Other<Layer> = { readonly layer: Layer; readonly name?: 'unknown' } & OtherFields;

/** A maker of any message by its type; its properties are the makers of named messages. */
export type Makers<Layer, Messages> = ((fields?: OtherFields) => Other<Layer>) & {
  readonly [Name in keyof Messages]: (fields?: HeaderFields & Messages[Name]) => Draft<Layer, Messages, Name>;
};

interface Parsed {
  readonly type: number;
  readonly name: string;
}
/** The names of messages, without 'unknown'. */
export type Known<M extends Parsed> = Exclude<M['name'], 'unknown'>;
type Named<M extends Parsed, Name> = Extract<M, { readonly name: Name }>;
/** The type number of each message by its name. */
export type Types<M extends Parsed> = { readonly [Name in Known<M>]: Named<M, Name>['type'] };
/** The names of the messages with a field. */
export type With<M extends Parsed, Field extends string> = Known<
  Extract<M, Readonly<Record<Field, unknown>>>
>;

const HEAD: FieldNames<keyof HeaderFields> = field_names('type code checksum checksum_ok');
const REST: FieldNames<Exclude<keyof OtherFields, keyof HeaderFields>> = field_names('rest');

/**
 * Returns all fields of each message: those of the header, and its own.
 *
 * @typeParam M the parsed messages
 * @typeParam Messages the fields of each message to build: the same names
 */
export function message_fields<M extends Parsed, Messages extends Record<Known<M>, object>>(
  own: {
    readonly [Name in Known<M>]: FieldNames<keyof Messages[Name]> &
      FieldNames<Exclude<keyof Named<M, Name>, 'layer' | 'name' | keyof HeaderFields>>;
  },
): MessageFields {
  const all = Object.entries<Names>({ ...own, unknown: REST });
  return Object.fromEntries(all.map(([name, names]) => [name, joined(HEAD, names)]));
}

/**
 * Returns the makers of a protocol's messages. Each throws a TypeError for a field that the message does not have.
 *
 * @typeParam Messages the fields of each message to build, by its name
 * @param fields_of the result of `message_fields`
 */
export function makers<Layer extends string, Messages extends object>(
  layer: Layer,
  fields_of: MessageFields,
): Makers<Layer, Messages> {
  const all = Object.entries(fields_of).map(([name, names]) => [
    name,
    (fields: object = {}) => ({ layer, name, ...known(fields, message_title(layer, name), names) }),
  ]);
  const { unknown, ...named } = Object.fromEntries(all);
  // The types follow from Messages, which entries do not keep.
  return Object.assign(unknown, named) as never;
}
