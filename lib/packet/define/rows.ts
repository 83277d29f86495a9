// The fields of a header in their order: reads and writes them. Layers of one's own (define_layer.ts) and many of the library's
// (header.ts) are made of such rows.
import { shown } from '../../util/validate.js';
import { read_cut } from '../bytes/cut.js';
import type { Ends } from '../bytes/fields.js';
import type { Input } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import type { Protocol } from '../registry.js';
import type { Before, OwnField } from './own_fields.js';

export interface Row {
  readonly name: string;
  readonly field: OwnField<unknown>;
}
/** A field with its place in a header. */
interface Place extends Row {
  readonly bit: number;
  readonly bits: number;
}

/** Bits of the largest field. */
const BITS_MAX = 0xffff * 8;

/** Returns the bits of a field of a fixed size that is there, as far as the fields before it say; 0 for another one. */
export function fixed_bits({ bits, when }: OwnField<unknown>, before: Before = {}): number {
  return typeof bits === 'number' && when?.(before) !== false ? bits : 0;
}

/** Returns the size of a field in bits; undefined if the fields in front of it say none that is possible. */
function size_of({ bits }: OwnField<unknown>, before: Before): number | undefined {
  if (typeof bits === 'number') return bits;
  const size = bits(before);
  return Number.isInteger(size) && size >= 0 && size <= BITS_MAX ? size : undefined;
}

/**
 * Reads a header at `input.at` and moves behind it. A header that is not whole is a problem, or its layer is pushed as one that is cut.
 *
 * @returns the values of the fields, undefined for those that are not there; undefined for a header that is not whole
 */
export function read_rows(
  rows: readonly Row[],
  input: Input,
  protocol: Protocol,
): Record<string, unknown> | undefined {
  const { view, at } = input;
  const values: Record<string, unknown> = {};
  let bit = at * 8;
  for (let i = 0; i < rows.length; i++) {
    const { name, field } = rows[i] as Row;
    if (field.when?.(values) === false) {
      values[name] = undefined;
      continue;
    }
    const bits = size_of(field, values);
    if (bits === undefined) {
      input.problem(protocol.name, at, `no size of ${name} follows from the fields in front of it`);
      return undefined;
    }
    if (bit + bits > input.end * 8) {
      const behind = rows.slice(i + 1).reduce((sum, row) => sum + fixed_bits(row.field, values), 0);
      const size = Math.ceil((bit + bits + behind) / 8) - at;
      input.has(protocol.name, size);
      return read_cut(input, protocol, size);
    }
    values[name] = field.read(view, bit, bits);
    bit += bits;
  }
  input.at = bit / 8;
  return values;
}

/** Returns where the fields of a layer end. Fields that share a byte stand in one row. */
export function ends_of(rows: readonly Row[], layer: object): Ends {
  const values = Object.fromEntries(Object.entries(layer));
  const ends: [number, ...string[]][] = [];
  let names: string[] = [];
  let bit = 0;
  for (const { name, field } of rows) {
    if (field.when?.(values) === false) continue;
    const bits = size_of(field, values);
    if (bits === undefined) break;
    bit += bits;
    names.push(name);
    if (bit % 8 !== 0) continue;
    ends.push([bit / 8, ...names]);
    names = [];
  }
  return ends;
}

/**
 * Prepends a header to what it carries.
 *
 * @param worked_out values of fields that are left out, instead of their standard values
 * @returns the offset of the header
 * @throws TypeError, RangeError naming the field; RangeError for one that is given and cannot be there
 */
export function write_rows(
  rows: readonly Row[],
  layer: object,
  output: Output,
  of: string,
  worked_out: object = {},
): number {
  const given = new Map([...entries_of(worked_out), ...entries_of(layer)]);
  const data = output.length;
  const places = places_to_build(rows, given, of, data);
  const last = places.at(-1);
  const header = last === undefined ? 0 : (last.bit + last.bits) / 8;
  const at = output.prepend(header);
  output.bytes.fill(0, at, at + header);
  for (const { name, field, bit, bits } of places) {
    const value = given.get(name) ?? field.standard({ header, data });
    field.write(output.view, at * 8 + bit, bits, value, `${of}.${name}`);
  }
  return at;
}

function entries_of(fields: object): [string, unknown][] {
  return Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
}

/** Returns the places of fields to build: the size of a value that is given counts, not the one that fields in front of it say. */
function places_to_build(
  rows: readonly Row[],
  given: ReadonlyMap<string, unknown>,
  of: string,
  data: number,
): Place[] {
  const before: Record<string, unknown> = {};
  const places: Place[] = [];
  let bit = 0;
  for (const { name, field } of rows) {
    const value = given.get(name);
    if (field.when?.(before) === false) {
      if (value !== undefined)
        throw new RangeError(
          `${of}.${name} is not there by the fields in front of it, leave it out; not ${shown(value)}`,
        );
      continue;
    }
    before[name] = value ?? field.standard({ header: 0, data });
    const fixed = field.bits_of === undefined ? (size_of(field, before) ?? 0) : 0;
    const bits = value === undefined ? fixed : (field.bits_of?.(value, `${of}.${name}`) ?? fixed);
    places.push({ name, field, bit, bits });
    bit += bits;
  }
  return places;
}
