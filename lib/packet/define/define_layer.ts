// define_layer: a protocol of one's own, from the list of its fields. It is parsed, built and shown as the others are.
import { shown } from '../../util/validate.js';
import { CUT, type CutFields, type Ends, field_names, known, type Optional } from '../bytes/fields.js';
import type { Input, Parser } from '../bytes/input.js';
import type { Output } from '../bytes/output.js';
import type { Cut, Layer, LayerName, OwnDraft } from '../layer_types.js';
import type { Packet } from '../parse.js';
import { type Binding, bind, type Protocol, protocol_of_name, register } from '../registry.js';
import type { OwnField } from './own_fields.js';
import { ends_of, fixed_bits, type Row, read_rows, write_rows } from './rows.js';

type OwnFields = Readonly<Record<string, OwnField<unknown>>>;
type ValuesOf<F extends OwnFields> = {
  [Name in keyof F]: F[Name] extends OwnField<infer Value> ? Value : never;
};
/** The layer as parsed. */
export type OwnLayer<Name extends string, F extends OwnFields> = { readonly layer: Name } & ValuesOf<F> & Cut;

/** The argument of define_layer. */
export interface LayerDefinition<Name extends string, F extends OwnFields> {
  /** Such as 'vxlan'. */
  readonly name: Name;
  /** The fields in their order: `{ vni: field.uint(24), … }`. */
  readonly fields: F;
  /** Where it stands: `udp.port(4789)`, `tcp.port(7)`, `ethernet.type(0x88b5)`, `ipv4.protocol(253)`, or several; nowhere if left out. */
  readonly bound_to?: Binding | readonly Binding[] | undefined;
  /** The name of the layer that it carries, 'ethernet' for example, or a function of its fields that returns the name; payload if left out. */
  readonly carries?: string | ((layer: ValuesOf<F>) => string | undefined) | undefined;
}

/** The maker of a layer of one's own. */
export interface OwnMaker<Name extends string, F extends OwnFields> {
  /** Makes a layer to build. @throws TypeError for a field that the layer does not have */
  (fields?: Optional<ValuesOf<F>> & CutFields): OwnDraft & { readonly layer: Name };
  /**
   * get(packet) -> the first layer of this kind in a packet. As a packet's getlayer() in scapy.
   *
   * @param packet a result of `parse`
   * @returns the layer, undefined if there is none
   * @example
   * const note = define_layer({ name: 'note_1', fields: { id: field.uint(16) }, bound_to: udp.port(40001) });
   * const bytes = build(ipv4({ dst: '192.0.2.1' }), udp(), note({ id: 7 }));
   * console.log(note.get(parse(bytes, { linktype: LINKTYPE_RAW }))?.id); // 7
   */
  get(packet: Packet): OwnLayer<Name, F> | undefined;
}

const NAME = /^[a-z][a-z0-9_]*$/;
const TAKEN = ['layer', 'name', 'cut'];
const DEFINITION = ['name', 'fields', 'bound_to', 'carries'];

/**
 * define_layer({ name, fields, bound_to, carries }) -> the maker of a layer of one's own. As a class with fields_desc in scapy. See
 * docs/packet.md.
 *
 * From then on, `parse` finds the layer where it is bound, `build` takes it, works out fields with a default that are left out, and sets
 * the number or port in front of it; `show` shows it. The definition holds for this process (worker), as long as it lives.
 *
 * @param definition the name, the fields in their order, the places at which it stands, and what it carries
 * @returns the maker, as `udp` is one
 * @throws TypeError, RangeError naming the part that is wrong: a name or a place that is taken, fields that are no whole bytes
 * @example
 * const note = define_layer({ name: 'note', fields: { id: field.uint(16), ttl: field.uint(8, 64) }, bound_to: udp.port(40000) });
 * console.log(build(note({ id: 7 }))); // <Buffer 00 07 40>
 */
export function define_layer<const Name extends string, F extends OwnFields>(
  definition: LayerDefinition<Name, F>,
): OwnMaker<Name, F> {
  if (typeof definition !== 'object' || definition === null)
    throw new TypeError(`definition must be an object with name and fields, not ${shown(definition)}`);
  for (const key in definition)
    if (!DEFINITION.includes(key))
      throw new TypeError(`definition has no field ${key}; it has ${DEFINITION.join(', ')}`);
  const { name, fields, bound_to = [], carries } = definition;
  if (typeof name !== 'string' || !NAME.test(name))
    throw new RangeError(`name must be small letters, digits and _, such as vxlan, not ${shown(name)}`);
  if (protocol_of_name(name) !== undefined) throw new RangeError(`name: there is a layer ${name} already`);
  if (carries !== undefined && typeof carries !== 'function' && typeof carries !== 'string')
    throw new TypeError(`carries must be the name of a layer or a function, not ${shown(carries)}`);
  const rows = rows_of(fields);
  const names = field_names(...rows.map((row) => row.name));
  const bindings: readonly unknown[] = Array.isArray(bound_to) ? bound_to : [bound_to];
  for (const binding of bindings) if (!is_binding(binding)) throw no_binding(binding);

  const protocol: Protocol = {
    // The name is not among those of the library.
    name: name as LayerName,
    fields: names,
    ends: (layer: object): Ends => ends_of(rows, layer),
    parse(input: Input): Parser | undefined {
      const values = read_rows(rows, input, protocol);
      if (values === undefined) return undefined;
      // The type of the layer is not among those of the library.
      input.layers.push({ layer: name, ...values } as unknown as Layer);
      const next = typeof carries === 'function' ? carries(values as ValuesOf<F>) : carries;
      return next === undefined || input.at === input.end ? undefined : protocol_of_name(next);
    },
    build: (layer: object, output: Output) => void write_rows(rows, layer, output, name),
  };
  bind(protocol, bindings.filter(is_binding));
  register(protocol);
  const make = (given: object = {}) => ({ layer: name, ...known(given, name, names, CUT) });
  const get = ({ layers }: Packet) => layers.find((layer) => String(layer.layer) === name);
  // The types follow from the fields, which rows do not keep.
  return Object.assign(make, { get }) as never;
}

function rows_of(fields: unknown): Row[] {
  if (typeof fields !== 'object' || fields === null)
    throw new TypeError(`fields must be an object of fields, not ${shown(fields)}`);
  const rows = Object.entries(fields).map(([name, field]): Row => {
    if (!NAME.test(name) || TAKEN.includes(name))
      throw new RangeError(
        `fields.${name}: the name must be small letters, digits and _, and none of ${TAKEN.join(', ')}`,
      );
    if (typeof field !== 'object' || field === null || typeof field.read !== 'function')
      throw new TypeError(`fields.${name} must be a field such as field.uint(8), not ${shown(field)}`);
    return { name, field };
  });
  let bits = 0;
  for (const { name, field } of rows) {
    if (bits % 8 !== 0 && field.is_whole)
      throw new RangeError(`fields.${name} does not begin at a whole byte`);
    bits += fixed_bits(field);
  }
  if (bits % 8 !== 0) throw new RangeError(`fields have ${bits} bits, which are no whole bytes`);
  if (rows.length === 0) throw new RangeError('fields must have at least one field');
  return rows;
}

function is_binding(value: unknown): value is Binding {
  return typeof value === 'object' && value !== null && 'kind' in value && 'number' in value;
}

function no_binding(value: unknown): TypeError {
  return new TypeError(
    `bound_to must be a place such as udp.port(4789), ethernet.type(0x88b5) or ipv4.protocol(253), not ${shown(value)}`,
  );
}
