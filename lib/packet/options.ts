// Options, as IPv4, IPv6, TCP and neighbour discovery have them: a type, a length, data. One reader and one writer; what the
// types mean stands with their protocol, as a `decode` and an `encode`.
//
// An option always has `type` and `data`; one whose meaning is known has a `name` and values beside them. One that is not known is
// 'unknown', and what breaks off or has an impossible length is 'malformed': its data is all that is left, its type and length included.
import { type BytesLike, bytes, integer, shown } from '../internal/validate.js';
import type { Input } from './input.js';
import type { LayerName } from './layers.js';

/** An option with its values. */
export type Option<Type extends number, Name extends string, Values = unknown> = {
  readonly type: Type;
  readonly name: Name;
  readonly data: Buffer;
} & Readonly<Values>;

/** An option that is carried along as it is. */
export type OtherOption = Option<number, 'unknown' | 'malformed'>;

/** How an option is given: by its name and values, or by its type and data. */
export type OptionFields<O> = O extends OtherOption
  ? { readonly type: number; readonly name?: 'unknown' | 'malformed'; readonly data?: BytesLike }
  : O extends Option<number, string>
    ? { readonly name: O['name']; readonly type?: number; readonly data?: BytesLike } & Partial<
        Omit<O, 'type' | 'name' | 'data'>
      >
    : never;

/** How the options of one protocol stand in its header. */
export interface OptionFormat {
  readonly layer: LayerName;
  /** the types that consist of the type alone */
  readonly alone: readonly number[];
  /** the one of these that ends the options: its data is what stands behind it */
  readonly end?: number;
  /** how many bytes the length counts by */
  readonly unit: number;
  /** how many bytes the length counts beside the data */
  readonly counted: 0 | 2;
  /** the type of each name */
  readonly types: Readonly<Record<string, number>>;
}

/** The values of one option: given its type, its data, and where these stand. Undefined: not known, or not of its form. */
export type Decode<O> = (type: number, data: Buffer, view: DataView, at: number) => O | undefined;

/**
 * The options between two offsets.
 *
 * @param end where the header says that they end; they are read as far as the bytes are there
 */
export function read_options<O>(
  input: Input,
  start: number,
  end: number,
  format: OptionFormat,
  decode: Decode<O>,
): (O | OtherOption)[] {
  const options: (O | OtherOption)[] = [];
  const { view } = input;
  const last = Math.min(end, input.end);
  for (let at = start; at < last; ) {
    const type = view.getUint8(at);
    const is_end = type === format.end;
    let from = at + 1;
    let to = is_end ? last : from;
    if (!is_end && !format.alone.includes(type)) {
      from = at + 2;
      const length = from <= last ? view.getUint8(at + 1) * format.unit : 0;
      to = from + length - format.counted;
      if (from > last || to < from || to > last) {
        const cut = last < end || input.partial;
        if (!cut)
          input.problem(format.layer, at, `option ${type} does not fit: ${lengths(from, last, length)}`);
        options.push({ type, name: 'malformed', data: input.slice(at, last) });
        break;
      }
    }
    const data = input.slice(from, to);
    options.push(decode(type, data, view, from) ?? { type, name: 'unknown', data });
    at = to;
  }
  return options;
}

function lengths(from: number, last: number, length: number): string {
  return from > last ? 'it has no length' : `its length is ${length}, ${last - from + 2} bytes are there`;
}

const NONE = Buffer.alloc(0);

/** An option as it is given, before anything about it is known. */
interface Given {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly data?: unknown;
}

/** The data that the values of an option make; undefined for one that has none. */
export type Encode<F> = (option: F, name: string) => Uint8Array | undefined;

/**
 * The bytes of options, without padding behind them.
 *
 * @param field what they are called in messages: `tcp.options`
 * @throws TypeError, RangeError naming the option and its value; values and data that disagree are a RangeError
 */
export function option_bytes<F extends Given>(
  options: unknown,
  field: string,
  format: OptionFormat,
  encode: Encode<F>,
): Buffer {
  if (!is_list<F>(options)) throw new TypeError(`${field} must be an array, not ${shown(options)}`);
  if (options.length === 0) return NONE;
  return Buffer.concat(
    options.flatMap((option, index) => one_option(option, `${field}[${index}]`, format, encode)),
  );
}

function is_list<F>(value: unknown): value is readonly F[] {
  return Array.isArray(value);
}

function one_option<F extends Given>(
  option: F,
  field: string,
  format: OptionFormat,
  encode: Encode<F>,
): Uint8Array[] {
  if (typeof option !== 'object' || option === null) {
    throw new TypeError(
      `${field} must be an object such as { name, … } or { type, data }, not ${shown(option)}`,
    );
  }
  const type = option_type(option, field, format);
  const data = given_data(option, field, encode);
  if (option.name === 'malformed') return [data];
  if (type === format.end || format.alone.includes(type)) return [Uint8Array.of(type), data];
  const size = data.length + format.counted;
  const counts = Math.ceil(size / format.unit);
  if (counts > 255)
    throw new RangeError(`${field}: data is longer than an option can be, ${data.length} bytes`);
  return [Uint8Array.of(type, counts), data, new Uint8Array(counts * format.unit - size)];
}

function option_type(option: Given, field: string, format: OptionFormat): number {
  const { name } = option;
  const by_name =
    typeof name === 'string' && Object.hasOwn(format.types, name) ? format.types[name] : undefined;
  if (name !== undefined && name !== 'unknown' && name !== 'malformed' && by_name === undefined) {
    const names = Object.keys(format.types).join(', ');
    throw new RangeError(
      `${field}.name must be one of ${names}, or left out with a type, not ${shown(name)}`,
    );
  }
  return integer(option.type ?? by_name, `${field}.type`, 0, 255);
}

function given_data<F extends Given>(option: F, field: string, encode: Encode<F>): Uint8Array {
  const { type: _type, name: _name, data, ...values } = option;
  const given = data === undefined || data === null ? undefined : bytes(data, `${field}.data`);
  const has_values = Object.values(values).some((value) => value !== undefined);
  if (given !== undefined && !has_values) return given;
  const made = encode(option, field);
  if (made === undefined && has_values)
    throw new TypeError(`${field} has values, and needs a name that says what they are`);
  if (made !== undefined && given !== undefined && Buffer.compare(made, given) !== 0) {
    throw new RangeError(`${field}: data and the values disagree; leave one of them out`);
  }
  return given ?? made ?? new Uint8Array(0);
}

/** Writes the data of an option: a view of that many bytes is given to `write`. */
export function made(size: number, write: (view: DataView) => void): Uint8Array {
  const data = new Uint8Array(size);
  write(new DataView(data.buffer));
  return data;
}
