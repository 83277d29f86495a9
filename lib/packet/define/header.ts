// A protocol of the library made of rows (rows.ts), and of parts that have another form: lists, checksums.
import { integer } from '../../util/validate.js';
import type { Ends, FieldNames, Names } from '../bytes/fields.js';
import type { Input, Parser } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import type { AnyDraft, Layer, LayerName } from '../layer_types.js';
import type { Protocol } from '../registry.js';
import type { Before, OwnField } from './own_fields.js';
import { ends_of, read_rows, write_rows } from './rows.js';

/** What a header has besides its rows. */
interface Parts<Parsed, Draft> {
  /**
   * Reads the fields behind the rows, at `input.at`, and moves behind them.
   *
   * @param fields those of the rows
   * @param start the offset of the header
   */
  read?(fields: Parsed, input: Input, start: number): Partial<Parsed> | undefined;
  /** Prepends what stands behind the rows. @returns fields of the rows that follow from it, or from the layer that is carried */
  write?(layer: Draft, output: Output): Partial<Parsed> | undefined;
  /** Writes what depends on the whole header, which begins at `at`. */
  finish?(layer: Draft, output: Output, at: number): void;
  /** Returns the parser of what the layer carries. */
  next?(layer: Parsed, input: Input): Parser | undefined;
}

type Fixed<Parsed> = {
  readonly [Name in Exclude<keyof Parsed, 'layer'>]?: OwnField<NonNullable<Parsed[Name]>>;
};

/**
 * Returns a protocol.
 *
 * @param names all fields, those of the parts included
 * @param fields the fields of the rows, in their order
 */
export function header<Parsed extends Layer, Draft extends AnyDraft>(
  name: LayerName,
  names: FieldNames<Exclude<keyof Parsed, 'layer'>>,
  fields: Fixed<Parsed>,
  parts: Parts<Parsed, Draft> = {},
): Protocol {
  // The types follow from the fields, which entries do not keep.
  const rows = Object.entries(fields).map(([key, field]) => ({
    name: key,
    field: field as OwnField<unknown>,
  }));
  const protocol: Protocol = {
    name,
    fields: names as Names,
    ends: (layer): Ends => ends_of(rows, layer),
    parse(input: Input) {
      const start = input.at;
      const values = read_rows(rows, input, protocol);
      if (values === undefined) return undefined;
      const layer = { layer: name, ...values } as unknown as Parsed;
      Object.assign(layer, parts.read?.(layer, input, start));
      input.layers.push(layer);
      return parts.next?.(layer, input);
    },
    build(draft, output: Output) {
      const layer = draft as Draft;
      const at = write_rows(rows, layer, output, name, parts.write?.(layer, output));
      parts.finish?.(layer, output, at);
    },
  };
  return protocol;
}

/** Returns a field that is there only if the fields in front of it say so. */
export function only<Value>(when: (before: Before) => boolean, field: OwnField<Value>): OwnField<Value> {
  return { ...field, when };
}

/** A number of whole bytes, the least significant byte first. */
export function little(bits: 16 | 32, standard = 0): OwnField<number> {
  const [get, set] = [`getUint${bits}`, `setUint${bits}`] as const;
  return {
    bits,
    is_whole: true,
    standard: () => standard,
    read: (view, bit) => view[get](bit / 8, true),
    write: (view, bit, _, value, name) => view[set](bit / 8, integer(value, name, 0, 2 ** bits - 1), true),
  };
}
