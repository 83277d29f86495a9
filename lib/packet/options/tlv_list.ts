// Lists of a type, a length and a value of any sizes: the TLVs of LLDP, the tags of PPPoE, the chunks and parameters of SCTP. They are
// options with another head (options.ts); here, several may share a type and differ in the first bytes of their data.
import { bytes, integer } from '../../util/validate.js';
import type { Input } from '../bytes/input.js';
import type { LayerName } from '../layer_types.js';
import { bytes_of, type Field } from './option_values.js';
import { type Option, OptionList, type OptionsOf, type OptionTable } from './options.js';

/** How an item begins. */
export interface TlvFormat {
  readonly layer: LayerName;
  /** of the head, in bytes */
  readonly head: number;
  readonly largest_type: number;
  /** of the data, in bytes */
  readonly largest_data: number;
  /** @returns the size of the data; below 0 if the length is less than the head */
  read(
    view: DataView,
    at: number,
  ): { readonly type: number; readonly size: number; readonly flags?: number | undefined };
  write(view: DataView, type: number, size: number, flags: number): void;
  /** items are padded to a multiple of this number of bytes */
  readonly unit?: number | undefined;
  /** false if nothing pads the last item */
  readonly pads_last?: boolean | undefined;
  /** the largest value of the flags in the head, if it has some */
  readonly flags?: number | undefined;
  /** the type that ends the list; what is behind is no item */
  readonly end?: number | undefined;
}

/** What an item has beside its type, its name and its values. */
export interface TlvExtra {
  /** the bytes behind the item, if these are others than the zeros that pad it */
  readonly padding?: Uint8Array | undefined;
}

export class TlvList<const Table extends OptionTable> extends OptionList<Table> {
  readonly #tlv: TlvFormat;
  protected override readonly largest_type: number;
  protected override readonly extra: readonly string[];

  constructor(format: TlvFormat, table: Table) {
    super({ layer: format.layer, alone: [], unit: 1, counted: 0 }, table);
    this.#tlv = format;
    this.largest_type = format.largest_type;
    this.extra = [
      ...(format.flags === undefined ? [] : ['flags']),
      ...(format.unit === undefined ? [] : ['padding']),
    ];
  }

  /** Reads the items from `input.at` to the end of the packet, and moves behind them: the list that a layer ends with. */
  take(input: Input): OptionsOf<this>[] {
    const { items, at } = this.items(input.view, input.at, input.end);
    const last = items.at(-1);
    const is_cut = input.partial || input.end < input.wire_end;
    if (last?.name === 'malformed' && !is_cut)
      input.problem(this.#tlv.layer, at - last.data.length, `item ${last.type} does not fit`);
    for (const item of items)
      for (const value of Object.values(item))
        if (Array.isArray(value) && value.at(-1)?.name === 'malformed')
          input.problem(this.#tlv.layer, input.at, `an item in ${item.name} does not fit`);
    input.at = at;
    // The types follow from the table that made the items.
    return items as OptionsOf<this>[];
  }

  /** Returns the items between two offsets, and the offset behind them. */
  items(view: DataView, start: number, end: number): { items: Option<number, string>[]; at: number } {
    const { head, unit = 1, pads_last = true, end: type_of_end, ...format } = this.#tlv;
    const items: Option<number, string>[] = [];
    const slice = (from: number, to: number) => Buffer.from(view.buffer, view.byteOffset + from, to - from);
    let at = start;
    while (at < end) {
      const { type, size, flags } = at + head <= end ? format.read(view, at) : { type: 0, size: -1 };
      const from = at + head;
      const to = from + size;
      if (size < 0 || to > end) {
        items.push({ type, name: 'malformed', data: slice(at, end) });
        at = end;
        break;
      }
      const item = this.decode(type, slice(from, to), view, from);
      at = to + (-(to - from + head) & (unit - 1));
      const found = slice(to, Math.min(at, end));
      const wanted = at >= end && to === end && !pads_last ? 0 : at - to;
      const is_usual = found.length === wanted && found.every((byte) => byte === 0);
      items.push({
        ...item,
        ...(flags === undefined ? {} : { flags }),
        ...(is_usual ? {} : { padding: found }),
      });
      at = Math.min(at, end);
      if (type === type_of_end) break;
    }
    return { items, at };
  }

  protected override pack(type: number, data: Uint8Array, option: object, field: string): Uint8Array[] {
    const { head, largest_data, unit = 1, flags: largest_flags, write } = this.#tlv;
    if (data.length > largest_data)
      throw new RangeError(`${field}: data is longer than an item can be, ${data.length} bytes`);
    const { flags, padding }: { flags?: unknown; padding?: unknown } = option;
    // Without flags in the head, a field of this name is a value.
    const given = largest_flags === undefined ? 0 : integer(flags ?? 0, `${field}.flags`, 0, largest_flags);
    const first = bytes_of(head, (view) => write(view, type, data.length, given));
    const zeros = new Uint8Array(-(head + data.length) & (unit - 1));
    return [first, data, padding === undefined ? zeros : bytes(padding, `${field}.padding`)];
  }

  override bytes(options: unknown, field: string): Buffer {
    const all = super.bytes(options, field);
    const { unit = 1, pads_last = true } = this.#tlv;
    if (unit === 1 || pads_last || !Array.isArray(options)) return all;
    const last: { data?: unknown; padding?: unknown; name?: unknown } | undefined = options.at(-1);
    if (last === undefined || last.padding !== undefined || last.name === 'malformed') return all;
    return all.subarray(0, all.length - this.#padding_of(last, field, options.length - 1));
  }

  #padding_of(item: object, field: string, index: number): number {
    const one = super.bytes([item], `${field}[${index}]`);
    const { size } = this.#tlv.read(new DataView(one.buffer, one.byteOffset, one.length), 0);
    return one.length - this.#tlv.head - size;
  }
}

/** A list of items that fills the bytes that are left. */
export const items_of = <List extends Pick<TlvList<OptionTable>, 'items' | 'bytes'>>(
  list: List,
): Field<readonly OptionsOf<List>[]> => ({
  // The types follow from the table that made the items.
  read: (view, at, size) => list.items(view, at, at + size).items as never,
  write: (value, name) => list.bytes(value ?? [], name),
});

/** The format of a head of two numbers of 16 bits, the type first. */
export const wide_head = (
  layer: LayerName,
  counted: 0 | 4,
): Pick<TlvFormat, 'layer' | 'head' | 'largest_type' | 'largest_data' | 'read' | 'write'> => ({
  layer,
  head: 4,
  largest_type: 0xffff,
  largest_data: 0xffff - counted,
  read: (view, at) => ({ type: view.getUint16(at), size: view.getUint16(at + 2) - counted }),
  write(view, type, size) {
    view.setUint16(0, type);
    view.setUint16(2, size + counted);
  },
});
