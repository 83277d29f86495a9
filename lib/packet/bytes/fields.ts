// The fields of layers to build: their types, the lists of their names, and the check that refuses any other name.
//
// Each list of names is tied to the type with these fields: a list with a missing or an extra name does not compile.
import { shown } from '../../util/validate.js';

type Given<Parsed, Names extends keyof Parsed, Other> = {
  [Name in Names]?: (Name extends keyof Other ? Other[Name] : Parsed[Name]) | undefined;
};
/** The fields of T, each of which may be left out or undefined. */
export type Optional<T> = { [Name in keyof T]?: T[Name] | undefined };
/** The mark of a header to build that breaks off: see Cut in layer_types.ts. Every layer accepts it. */
export interface CutFields {
  /** the bytes behind the last field that is given; the rest of the header is not written */
  readonly cut?: Uint8Array | undefined;
}
/** The fields that a maker takes: those of the parsed layer, some in another form. checksum_ok is accepted and ignored. */
export type Fields<Parsed, Other = unknown> = Given<Parsed, Exclude<keyof Parsed, 'layer'>, Other> &
  CutFields;

declare const names_of: unique symbol;

/** The names of all fields of some type. Only `field_names` and `joined` make such a list. */
export interface Names extends ReadonlyArray<string> {
  /** Exists for the compiler only. */
  readonly [names_of]: unknown;
}

/** A list of `Name`, all of them and no others, in the order of messages. The fields of `F` are `FieldNames<keyof F>`; `cut` is none of them. */
export type FieldNames<Name> = List<Exclude<Name, keyof CutFields>>;

interface List<Name> extends Names {
  /** A function type makes lists of different names incompatible in both directions. */
  readonly [names_of]: (name: Name) => Name;
}

type Words<Text> = Text extends `${infer First} ${infer Rest}` ? First | Words<Rest> : Text;

/** The fields of a header in their order, with the offset behind them. Fields that share bytes share a row. */
export type Ends = readonly (readonly [end: number, ...fields: string[]])[];

/** Returns a list of the names in texts, which have a space between two names. */
export function field_names<const Text extends string>(...texts: Text[]): FieldNames<Words<Text>> {
  return texts.flatMap((text) => text.split(' ')) as readonly string[] as FieldNames<Words<Text>>;
}

/** Returns the names of two lists, the first list's names first. */
export function joined<A, B>(first: List<A>, second: List<B>): List<A | B>;
export function joined(first: Names, second: Names): Names;
export function joined(first: Names, second: Names) {
  return [...first, ...second] as readonly string[] as Names;
}

/**
 * Returns `fields` if each of its names is in the list.
 *
 * @param tags names that are allowed as well and are no fields: layer, name
 * @throws TypeError naming the layer and the field that the layer does not have
 */
export function known<F extends object>(
  fields: F,
  layer: string,
  names: Names,
  tags: readonly string[] = [],
): F {
  if (typeof fields !== 'object' || fields === null || Array.isArray(fields) || ArrayBuffer.isView(fields)) {
    throw new TypeError(`${layer}: fields must be an object, not ${shown(fields)}`);
  }
  for (const name in fields) {
    if (!names.includes(name) && !tags.includes(name))
      throw new TypeError(`${layer} has no field ${name}; it has ${names.join(', ')}`);
  }
  return fields;
}

/** What makers accept beside the fields. */
export const CUT = ['cut'];

/** A layer to build, of the fields that were given. */
type Drafted<Layer extends string, F extends object> = { readonly layer: Layer } & F;

/** Returns a maker whose result has the type of the fields that it is given. TypeScript does not refuse a wrong name in such fields. */
function exact_maker<Layer extends string, F extends object>(layer: Layer, names: Names) {
  return <G extends F = F>(fields: G = {} as G): Drafted<Layer, G> => ({
    layer,
    ...known(fields, layer, names, CUT),
  });
}

/** Returns the maker of a layer. It throws a TypeError for a field that the layer does not have. */
export function maker<Layer extends string, F extends object>(
  layer: Layer,
  names: Names,
): (fields?: F) => Drafted<Layer, F> {
  return exact_maker<Layer, F>(layer, names);
}

/** The maker of an IP header: a destination that is given is a string in the type of the layer, so also where send_receive gives it back. */
export interface IpMaker<Layer extends string, F extends object> {
  (fields: F & { dst: string }): { readonly layer: Layer } & F & { dst: string };
  (fields?: F): { readonly layer: Layer } & F;
}

/** Returns the maker of an IP header, as maker does. */
export function ip_maker<Layer extends string, F extends object>(
  layer: Layer,
  names: Names,
): IpMaker<Layer, F> {
  return exact_maker<Layer, F>(layer, names);
}

/** Returns the title of a message: `icmp.echo`; `icmp` for one without a name. */
export function message_title(layer: string, name: string): string {
  return name === 'unknown' ? layer : `${layer}.${name}`;
}
