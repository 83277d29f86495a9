// Options of IPv4, IPv6, TCP and neighbour discovery: a type, a length, data. The file of each protocol lists its options in an
// OptionList: for each a name, a type, and a codec of the values (option_values.ts) if these are known.
//
// An option always has `type` and `data`; one of a known type has a `name` and values as well. One of another type is 'unknown'. One that
// breaks off or has an impossible length is 'malformed': its data are all bytes that are left, its type and length included.
import { type BytesLike, bytes, integer, shown } from '../../util/validate.js';
import { type FieldNames, field_names, joined, known, type Names, type Optional } from '../bytes/fields.js';
import { Input, type Problem } from '../bytes/input.js';
import type { LayerName } from '../layer_types.js';
import type { AnyCodec, Codec } from './option_values.js';

/** An option with its values. */
export type Option<Type extends number, Name extends string, Values = unknown> = {
  readonly type: Type;
  readonly name: Name;
  readonly data: Buffer;
} & Readonly<Values>;

/** An option of another type, or a malformed one: kept as it is. */
export type OtherOption = Option<number, 'unknown' | 'malformed'>;

/** An option to build: its name and values, or its type and data. */
export type OptionFields<O> = O extends OtherOption
  ? {
      readonly type: number;
      readonly name?: 'unknown' | 'malformed' | undefined;
      readonly data?: BytesLike | undefined;
    }
  : O extends Option<number, string>
    ? {
        readonly name: O['name'];
        readonly type?: number | undefined;
        readonly data?: BytesLike | undefined;
      } & Optional<Omit<O, 'type' | 'name' | 'data'>>
    : never;

/** The format of the options in a protocol's header. */
export interface OptionFormat {
  /** The name of the layer. */
  readonly layer: LayerName;
  /** the types that have neither length nor data */
  readonly alone: readonly number[];
  /** the one of these that ends the options: its data are the bytes behind it */
  readonly end?: number | undefined;
  /** the unit of the length, in bytes */
  readonly unit: number;
  /** the number of bytes that the length counts beside the data */
  readonly counted: 0 | 2;
}

/** The type of each option by its name, and the codec of its values; an option without a codec accepts any data. */
export type OptionTable = Readonly<Record<string, readonly [type: number, codec?: AnyCodec]>>;
type OptionOf<Name, Row> = Row extends readonly [infer Type extends number, Codec<infer Values>]
  ? Option<Type, Name & string, Values>
  : Row extends readonly [infer Type extends number]
    ? Option<Type, Name & string>
    : never;
declare const table_of: unique symbol;
/** The options of a list, as parsed. */
export type OptionsOf<List> =
  | (List extends { readonly [table_of]: infer Table }
      ? { [Name in keyof Table]: OptionOf<Name, Table[Name]> }[keyof Table]
      : never)
  | OtherOption;

/** An option's row of the table. */
interface Kind {
  readonly type: number;
  readonly name: string;
  readonly codec: AnyCodec | undefined;
  /** names of all fields that the option accepts */
  readonly names: Names;
  /** the next row of the same type */
  readonly next: Kind | undefined;
}

/** An option to build, before it is checked. */
interface Given {
  readonly type?: unknown | undefined;
  readonly name?: unknown | undefined;
  readonly data?: unknown | undefined;
}

/** The options of a protocol: reads and writes them. */
export class OptionList<const Table extends OptionTable> {
  /** Exists for the compiler only: by it, the types of options follow from a list. */
  declare readonly [table_of]: Table;
  readonly #format: OptionFormat;
  readonly #by_name: ReadonlyMap<unknown, Kind>;
  readonly #by_type: ReadonlyMap<number, Kind>;

  /** @param table the options; `OptionsOf` takes their types from it */
  constructor(
    format: OptionFormat,
    readonly table: Table,
  ) {
    const by_name = new Map<unknown, Kind>();
    const by_type = new Map<number, Kind>();
    // From the last row on, so that each finds the next one of its type.
    for (const [name, [type, codec]] of Object.entries<OptionTable[string]>(table).reverse()) {
      const names = codec === undefined ? COMMON : joined(COMMON, codec.names);
      const kind: Kind = { type, name, codec, names, next: by_type.get(type) };
      by_name.set(name, kind);
      by_type.set(type, kind);
    }
    this.#format = format;
    this.#by_name = new Map([...by_name].reverse());
    this.#by_type = by_type;
  }

  /**
   * Returns the options between two offsets.
   *
   * @param end the end of the options by the header; they are read up to the end of the captured bytes
   */
  read(input: Input, start: number, end: number): OptionsOf<this>[] {
    const { layer, alone, end: type_of_end, unit, counted } = this.#format;
    const options: Option<number, string>[] = [];
    const { view } = input;
    const last = Math.min(end, input.end);
    for (let at = start; at < last; ) {
      const type = view.getUint8(at);
      const is_end = type === type_of_end;
      let from = at + 1;
      let to = is_end ? last : from;
      if (!is_end && !alone.includes(type)) {
        from = at + 2;
        const length = from <= last ? view.getUint8(at + 1) * unit : 0;
        to = from + length - counted;
        if (from > last || to < from || to > last) {
          const cut = last < end || input.partial;
          if (!cut) input.problem(layer, at, `option ${type} does not fit: ${lengths(from, last, length)}`);
          options.push({ type, name: 'malformed', data: input.slice(at, last) });
          break;
        }
      }
      options.push(this.decode(type, input.slice(from, to), view, from));
      at = to;
    }
    // The types follow from the table that made the options.
    return options as OptionsOf<this>[];
  }

  /** Returns an option by the first row of its type whose codec reads the data. */
  protected decode(type: number, data: Buffer, view: DataView, at: number): Option<number, string> {
    for (let kind = this.#by_type.get(type); kind !== undefined; kind = kind.next) {
      const { name, codec } = kind;
      const values = codec?.read(data, view, at);
      if (codec === undefined || values !== undefined) return { type, name, data, ...values };
    }
    return { type, name: 'unknown', data };
  }

  /**
   * Returns the first result of `wanted` that is not undefined, for the options between two offsets. It stops at a malformed option.
   *
   * @param wanted called with the type, offset and size of each option
   */
  find<T>(
    view: DataView,
    start: number,
    end: number,
    wanted: (type: number, at: number, size: number) => T | undefined,
  ): T | undefined {
    const { alone, end: type_of_end, unit, counted } = this.#format;
    for (let at = start; at + 2 <= end; ) {
      const type = view.getUint8(at);
      if (type === type_of_end) return undefined;
      const size = alone.includes(type) ? 1 : 2 - counted + view.getUint8(at + 1) * unit;
      if (size === 0 || at + size > end) return undefined;
      const found = wanted(type, at, size);
      if (found !== undefined) return found;
      at += size;
    }
    return undefined;
  }

  /**
   * Returns the bytes of options, without padding behind them.
   *
   * @param field the name of the options in messages: `tcp.options`
   * @throws TypeError, RangeError naming the option and its value; values and data that disagree are a RangeError
   */
  bytes(options: unknown, field: string): Buffer {
    if (!is_list(options)) throw new TypeError(`${field} must be an array, not ${shown(options)}`);
    if (options.length === 0) return NONE;
    return Buffer.concat(options.flatMap((option, index) => this.#one(option, `${field}[${index}]`)));
  }

  #one(option: Given, field: string): Uint8Array[] {
    if (typeof option !== 'object' || option === null) {
      throw new TypeError(
        `${field} must be an object such as { name, … } or { type, data }, not ${shown(option)}`,
      );
    }
    const kind = this.#kind(option.name, field);
    const type = integer(option.type ?? kind?.type, `${field}.type`, 0, this.largest_type);
    const data = given_data(option, field, kind, this.extra);
    if (option.name === 'malformed') return [data];
    return this.pack(type, data, option, field);
  }

  /** The largest type and length, and the names of what an option has beside type, name, data and values. */
  protected readonly largest_type: number = 0xff;
  protected readonly largest_length: number = 0xff;
  protected readonly extra: readonly string[] = [];

  /** Returns the bytes of an option. @throws RangeError if the data are too long */
  protected pack(type: number, data: Uint8Array, _option: object, field: string): Uint8Array[] {
    const { alone, unit, counted } = this.#format;
    if (alone.includes(type)) return [Uint8Array.of(type), data];
    const size = data.length + counted;
    const counts = Math.ceil(size / unit);
    if (counts > this.largest_length) return this.long(type, data, field);
    return [this.header(type, counts), data, new Uint8Array(counts * unit - size)];
  }

  /** Returns the type and the length of an option. */
  protected header(type: number, length: number): Uint8Array {
    return Uint8Array.of(type, length);
  }

  /** Returns the bytes of an option that has more data than its length can say. @throws RangeError if there is no form for it */
  protected long(_type: number, data: Uint8Array, field: string): Uint8Array[] {
    throw new RangeError(`${field}: data is longer than an option can be, ${data.length} bytes`);
  }

  #kind(name: unknown, field: string): Kind | undefined {
    const kind = this.#by_name.get(name);
    if (kind !== undefined || name === undefined || name === 'unknown' || name === 'malformed') return kind;
    const names = [...this.#by_name.keys()].join(', ');
    throw new RangeError(
      `${field}.name must be one of ${names}, or left out with a type, not ${shown(name)}`,
    );
  }
}

/** Returns the options that fill the data of another option; undefined if they do not fit. */
export function options_in<O>(
  data: Buffer,
  list: { read(input: Input, start: number, end: number): O[] },
): O[] | undefined {
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const problems: Problem[] = [];
  const options = list.read(new Input(data, view, 0, data.length, data.length, problems, 0), 0, data.length);
  return problems.length === 0 ? options : undefined;
}

const NONE = Buffer.alloc(0);
const COMMON: FieldNames<keyof Given> = field_names('type name data');

function is_list(value: unknown): value is readonly Given[] {
  return Array.isArray(value);
}

function lengths(from: number, last: number, length: number): string {
  return from > last ? 'it has no length' : `its length is ${length}, ${last - from + 2} bytes are there`;
}

function without(fields: object, names: readonly string[]): object {
  return Object.fromEntries(Object.entries(fields).filter(([key]) => !names.includes(key)));
}

/** Returns the data that are given, or encodes the values. */
function given_data(
  option: Given,
  field: string,
  kind: Kind | undefined,
  extra: readonly string[],
): Uint8Array {
  const { type: _type, name: _name, data, ...others } = option;
  const values = extra.length === 0 ? others : without(others, extra);
  const given = data === undefined || data === null ? undefined : bytes(data, `${field}.data`);
  const has_values = Object.values(values).some((value) => value !== undefined);
  if (kind !== undefined) known(option, field, kind.names, extra);
  else if (has_values) throw new TypeError(`${field} has values, and needs a name that says what they are`);
  if (kind?.codec === undefined || (given !== undefined && !has_values)) return given ?? NONE;
  const encoded = kind.codec.write(values, field, given);
  if (given !== undefined && Buffer.compare(encoded, given) !== 0) {
    throw new RangeError(`${field}: data and the values disagree; leave one of them out`);
  }
  return encoded;
}
