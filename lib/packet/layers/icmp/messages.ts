// The shared half of ICMP and ICMPv6: protocols whose messages have names, each name with fields of its own. Each of the two has a table
// of its messages; the makers, the parser and the builder follow from the table.
//
// Reserved bits of a message are a field as well, so that a parsed message is built as it came.
import { integer } from '../../../util/validate.js';
import { read_cut } from '../../bytes/cut.js';
import {
  CUT,
  type CutFields,
  type Ends,
  type FieldNames,
  type Fields,
  field_names,
  joined,
  known,
  message_title,
  type Names,
} from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import type { Layer as AnyLayer } from '../../layer_types.js';
import type { MessageFields, Protocol } from '../../registry.js';

/** The header fields that any message to build may have. */
export interface HeaderFields extends CutFields {
  type?: number | undefined;
  code?: number | undefined;
  checksum?: number | undefined;
  checksum_ok?: boolean | undefined;
}
export interface OtherFields extends HeaderFields {
  /** the four bytes behind the checksum */
  rest?: number | undefined;
}

/** A parsed message. */
export type Message<Layer, Type extends number, Name extends string, Values> = {
  /** The name of the layer. */
  readonly layer: Layer;
  code: number;
  checksum: number;
  checksum_ok: boolean | undefined;
  type: Type;
  readonly name: Name;
} & Values;
export interface Reserved {
  /** the four bytes behind the checksum as a number, without the bits that have a meaning; senders leave it 0 */
  reserved: number;
}

type AnyMessage = Message<string, number, string, unknown>;
/** The names of messages, without 'unknown'. */
type Known<M extends AnyMessage> = Exclude<M['name'], 'unknown'>;
type Named<M, Name> = Extract<M, { readonly name: Name }>;
/** The names of a message's own fields. */
type Own<One> = Exclude<keyof One, 'layer' | 'name' | keyof HeaderFields>;
type FieldsOf<M, Name, Other> = Fields<Pick<Named<M, Name>, Own<Named<M, Name>>>, Other>;
/** A named message to build. `Other` has the fields that are built from another form than the parsed one. */
type Draft<M extends AnyMessage, Name extends M['name'], Other> = {
  readonly layer: M['layer'];
  readonly name: Name;
} & HeaderFields &
  FieldsOf<M, Name, Other>;
/** A message to build whose type has no name. */
type Unnamed<Layer> = { readonly layer: Layer; readonly name?: 'unknown' | undefined } & OtherFields;
/** A message to build. */
export type Drafts<M extends AnyMessage, Other> =
  | { [Name in Known<M>]: Draft<M, Name, Other> }[Known<M>]
  | Unnamed<M['layer']>;

/** A maker of any message by its type; its properties are the makers of named messages. */
type Makers<M extends AnyMessage, Other> = ((fields?: OtherFields) => Unnamed<M['layer']>) & {
  readonly [Name in Known<M>]: (fields?: HeaderFields & FieldsOf<M, Name, Other>) => Draft<M, Name, Other>;
};

/** A row of the table. */
interface Row {
  readonly type: number;
  /** The message's own fields, without `reserved`. */
  readonly fields: Names;
  /** The mask of the reserved bits in the last four bytes of the header. */
  readonly reserved?: number | undefined;
  /** true for a message whose header ends behind the checksum */
  readonly is_short?: boolean | undefined;
  /** The fields of fixed sizes behind the header, and those behind them: offsets from the end of the header. */
  readonly body?: Ends | undefined;
  /**
   * Reads the fields behind the header, at `input.at`, and moves behind them. Those of `body` are there.
   *
   * @param rest the last four bytes of the header as a number
   * @returns all own fields but `reserved`; undefined if the message has another form
   */
  read(input: Input, rest: number): object | undefined;
  /** Prepends the part of a message behind the header. @returns the last four bytes of the header, without reserved bits */
  write(message: object, output: Output): number;
}
interface RowOf<One, Given extends object> extends Row {
  readonly type: One extends { type: infer Type extends number } ? Type : never;
  readonly fields: FieldNames<Exclude<Own<One>, 'reserved'>>;
  readonly reserved?: ('reserved' extends keyof One ? number : never) | undefined;
  read(input: Input, rest: number): Pick<One, Exclude<Own<One>, 'reserved'>> | undefined;
  write(message: Given, output: Output): number;
}
type Table<M extends AnyMessage, Other> = {
  readonly [Name in Known<M>]: RowOf<Named<M, Name>, FieldsOf<M, Name, Other>> &
    (Named<M, Name> extends Reserved ? { readonly reserved: number } : unknown);
};

type BuildFields = OtherFields &
  Partial<Reserved> & { readonly layer: string; readonly name?: string | undefined };
export interface Echo {
  id: number;
  seq: number;
}
/** Returns what the rows of echo requests and replies share. */
export function echo_row(layer: string) {
  const [id_field, seq_field] = [`${layer}.id`, `${layer}.seq`];
  return {
    fields: field_names('id seq'),
    read: (_input: Input, rest: number): Echo => ({ id: rest >>> 16, seq: rest & 0xffff }),
    write: ({ id, seq }: Partial<Echo>): number =>
      integer(id ?? 0, id_field, 0, 0xffff) * 0x10000 + integer(seq ?? 0, seq_field, 0, 0xffff),
  };
}

/** The four bytes behind the checksum, of a message that is known by name only: what follows is a payload. */
export interface Rest {
  rest: number;
}
/** Returns what the rows of such messages share. */
export function plain_row(layer: string) {
  return {
    fields: field_names('rest'),
    read: (_input: Input, rest: number): Rest => ({ rest }),
    write: ({ rest }: { rest?: number | undefined }): number =>
      integer(rest ?? 0, `${layer}.rest`, 0, 0xffffffff),
  };
}

const HEADER = 8;
const SHORT = 4;
const HEAD: FieldNames<keyof HeaderFields> = field_names('type code checksum checksum_ok');
const UNKNOWN_ENDS: Ends = ends_of(joined(HEAD, field_names('rest')), {});

/**
 * Returns the makers and the protocol of messages. Each maker throws a TypeError for a field that the message does not have.
 *
 * @param number the IP protocol number, if the checksum covers a pseudo-header
 * @typeParam M the parsed messages
 * @typeParam Other the fields that are built from another form than the parsed one
 */
export function messages<M extends AnyMessage & AnyLayer, Other>(
  layer: M['layer'],
  table: Table<M, Other>,
  number?: number,
): { makers: Makers<M, Other>; protocol: Protocol } {
  const all = Object.entries<Row>(table);
  const rows = new Map<unknown, Row>(all);
  const types = new Map(all.map(([name, row]) => [row.type, { name, row }]));
  const fields: MessageFields = Object.fromEntries([
    ...all.map(([name, row]) => {
      const own = row.reserved === undefined ? row.fields : joined(field_names('reserved'), row.fields);
      return [name, joined(HEAD, own)] as const;
    }),
    ['unknown', joined(HEAD, field_names('rest'))] as const,
  ]);
  const { unknown, ...named } = Object.fromEntries(
    Object.entries(fields).map(([name, names]) => [
      name,
      (given: object = {}) => ({ layer, name, ...known(given, message_title(layer, name), names, CUT) }),
    ]),
  );
  const ends = new Map<unknown, Ends>(all.map(([name, row]) => [name, ends_of(fields[name] ?? HEAD, row)]));
  const [type_field, code_field, checksum_field] = [`${layer}.type`, `${layer}.code`, `${layer}.checksum`];

  const protocol: Protocol = {
    name: layer,
    fields,
    ends: (message) => ends.get('name' in message ? message.name : undefined) ?? UNKNOWN_ENDS,

    parse(input: Input) {
      const { view, at } = input;
      const type = at < input.end ? view.getUint8(at) : -1;
      const { name, row } = types.get(type) ?? {};
      const head = row?.is_short ? SHORT : HEADER;
      if (!input.has(layer, head)) return read_cut(input, protocol, head);
      const size = head + (row?.body?.at(-1)?.[0] ?? 0);
      const is_whole = size === head || input.has(layer, size);
      if (!is_whole && input.is_cut(size)) return read_cut(input, protocol, size);
      const rest = head === HEADER ? view.getUint32(at + 4) : 0;
      const header = {
        layer,
        code: view.getUint8(at + 1),
        checksum: view.getUint16(at + 2),
        checksum_ok: number === undefined ? input.verify(at, 0) : input.verify_transport(at, number),
        type,
      };
      input.at += head;
      const own = is_whole ? row?.read(input, rest) : undefined;
      const { reserved } = row ?? {};
      let message: object;
      if (own === undefined) message = { ...header, name: 'unknown', rest };
      else if (reserved === undefined) message = { ...header, name, ...own };
      else message = { ...header, name, reserved: (rest & reserved) >>> 0, ...own };
      // The types follow from the table.
      input.layers.push(message as AnyLayer);
      return undefined;
    },

    build(message: BuildFields, output: Output) {
      const row = rows.get(message.name);
      const rest =
        row === undefined
          ? integer(message.rest ?? 0, `${layer}.rest`, 0, 0xffffffff)
          : row.write(message, output) + reserved_bits(message, row.reserved, layer);
      const at = output.prepend(row?.is_short ? SHORT : HEADER);
      output.u8(at, message.type ?? row?.type ?? 0, type_field);
      output.u8(at + 1, message.code ?? 0, code_field);
      if (!row?.is_short) output.view.setUint32(at + 4, rest);
      if (number === undefined) output.checksum(at + 2, message.checksum, checksum_field, at, output.end);
      else output.transport_checksum(at + 2, message.checksum, checksum_field, number);
    },
  };
  // The types follow from the table, which entries do not keep.
  return { makers: Object.assign(unknown as object, named) as never, protocol };
}

/** Returns where the fields of a message end. Those that are not in its body share the last four bytes of the header. */
function ends_of(names: Names, { body = [], is_short }: Partial<Row>): Ends {
  const others = [...HEAD, ...body.flatMap(([, ...fields]) => fields)];
  const in_header = names.filter((name) => !others.includes(name));
  return [
    [1, 'type'],
    [2, 'code'],
    [4, 'checksum'],
    ...(is_short ? [] : [[HEADER, ...in_header] as const]),
    ...body.map(([end, ...fields]) => [HEADER + end, ...fields] as const),
  ];
}

/** Returns the reserved bits of a message to build. @throws TypeError; RangeError for bits that have a meaning */
function reserved_bits(message: Partial<Reserved>, mask: number | undefined, layer: string): number {
  if (mask === undefined) return 0;
  const reserved = integer(message.reserved ?? 0, `${layer}.reserved`, 0, 0xffffffff);
  if ((reserved & ~mask) !== 0) {
    const hex = [mask, reserved].map((bits) => `0x${bits.toString(16)}`);
    throw new RangeError(`${layer}.reserved must be within ${hex[0]}, not ${hex[1]}`);
  }
  return reserved;
}
