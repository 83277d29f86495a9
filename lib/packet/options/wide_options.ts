// Options whose type and length have 16 bits each: those of EDNS, DHCPv6 and SVCB. All else is as in options.ts.
import type { Input } from '../bytes/input.js';
import type { LayerName } from '../layer_types.js';
import { type Option, OptionList, type OptionsOf, type OptionTable } from './options.js';

const HEADER = 4;

/** Options with a type and a length of 16 bits; the length counts the data only. */
export class WideOptionList<const Table extends OptionTable> extends OptionList<Table> {
  protected override readonly largest_type = 0xffff;
  protected override readonly largest_length = 0xffff;
  readonly #layer: LayerName;

  constructor(layer: LayerName, table: Table) {
    super({ layer, alone: [], unit: 1, counted: 0 }, table);
    this.#layer = layer;
  }

  override read(input: Input, start: number, end: number): OptionsOf<this>[] {
    const options: Option<number, string>[] = [];
    const { view } = input;
    const last = Math.min(end, input.end);
    for (let at = start; at < last; ) {
      const type = at + 2 <= last ? view.getUint16(at) : 0;
      const from = at + HEADER;
      const to = from <= last ? from + view.getUint16(at + 2) : from;
      if (to > last) {
        if (last === end && !input.partial)
          input.problem(this.#layer, at, `option ${type} needs ${to - at} bytes, ${last - at} are there`);
        options.push({ type, name: 'malformed', data: input.slice(at, last) });
        break;
      }
      options.push(this.decode(type, input.slice(from, to), view, from));
      at = to;
    }
    // The types follow from the table that made the options.
    return options as OptionsOf<this>[];
  }

  protected override header(type: number, length: number): Uint8Array {
    return Uint8Array.of(type >>> 8, type & 0xff, length >>> 8, length & 0xff);
  }
}
