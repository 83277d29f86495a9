// PPP over Ethernet, RFC 2516: the discovery of a session (pppoed), and the session itself (pppoes), which carries PPP.
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input, Parser } from '../../bytes/input.js';
import { header } from '../../define/header.js';
import { field, type Sizes } from '../../define/own_fields.js';
import { layout, text, u16, u32 } from '../../options/option_values.js';
import type { OptionFields, OptionsOf } from '../../options/options.js';
import { TlvList, wide_head } from '../../options/tlv_list.js';
import { type Protocol, protocol_of_name } from '../../registry.js';

const pppoe_tags = new TlvList(
  { ...wide_head('pppoed', 0), end: 0 },
  {
    end_of_list: [0],
    service_name: [0x0101, layout({ text })],
    access_concentrator: [0x0102, layout({ text })],
    host_uniq: [0x0103],
    cookie: [0x0104],
    vendor_specific: [0x0105],
    credits: [0x0106, layout({ forward: u16(0), backward: u16(0) })],
    relay_session_id: [0x0110],
    service_name_error: [0x0201, layout({ text })],
    access_concentrator_error: [0x0202, layout({ text })],
    generic_error: [0x0203, layout({ text })],
    maximum_payload: [0x0120, layout({ size: u16(1500) })],
    hurl: [0x0111, layout({ text })],
    sequence: [0x0108, layout({ number: u32() })],
  },
);
/** A tag of a PPPoE discovery message. */
export type PppoeTag = OptionsOf<typeof pppoe_tags>;
/** A tag of a PPPoE discovery message, to build. */
export type PppoeTagFields = OptionFields<PppoeTag>;

interface Pppoe {
  /** 1 */
  version: number;
  /** 1 */
  type: number;
  /** pppoed.PADI and so on; 0 in a session */
  code: number;
  /** the number of the session, 0 before there is one */
  session_id: number;
  /** of what stands behind the header, in bytes */
  length: number;
}
/** A message of PPPoE that looks for a session, RFC 2516. */
export interface Pppoed extends Pppoe {
  /** The name of the layer. */
  readonly layer: 'pppoed';
  /** the tags of the message */
  tags: readonly PppoeTag[];
}
/** The header of a PPPoE session's data, RFC 2516. */
export interface Pppoes extends Pppoe {
  /** The name of the layer. */
  readonly layer: 'pppoes';
}
/** The fields of a PPPoE discovery message to build: what is left out is worked out, or has a default. */
export type PppoedFields = Fields<Pppoed, { tags: readonly PppoeTagFields[] }>;
/** A PPPoE discovery message to build. */
export type PppoedDraft = { readonly layer: 'pppoed' } & PppoedFields;
/** The fields of a PPPoE session's header to build: what is left out is worked out, or has a default. */
export type PppoesFields = Fields<Pppoes>;
/** A PPPoE session's header to build. */
export type PppoesDraft = { readonly layer: 'pppoes' } & PppoesFields;

const FIELDS: FieldNames<keyof PppoedFields> = field_names('version type code session_id length tags');
const SESSION_FIELDS: FieldNames<keyof PppoesFields> = field_names('version type code session_id length');
const PADI = 0x09;

/**
 * Makes a message that discovers or ends a session.
 *
 * @param fields code is pppoed.PADI, session_id 0 and tags none unless given; length is worked out
 * @throws TypeError for a field that the message does not have
 */
export const pppoed = Object.assign(maker<'pppoed', PppoedFields>('pppoed', FIELDS), {
  PADI,
  PADO: 0x07,
  PADR: 0x19,
  PADS: 0x65,
  PADT: 0xa7,
} as const);

/**
 * Makes the header of a session's packet; `ppp` follows.
 *
 * @param fields session_id is 0 unless given; length is worked out
 * @throws TypeError for a field that the header does not have
 */
export const pppoes: (fields?: PppoesFields) => PppoesDraft = maker('pppoes', SESSION_FIELDS);

const rows = (code: number) => ({
  version: field.uint(4, 1),
  type: field.uint(4, 1),
  code: field.uint(8, code),
  session_id: field.uint(16),
  length: field.uint(16, ({ data }: Sizes) => data),
});

const ends_at = (layer: 'pppoed' | 'pppoes', input: Input, length: number): void =>
  input.limit(layer, input.at - 2, 'length', input.at + length);

export const pppoed_protocol: Protocol = header<Pppoed, PppoedDraft>('pppoed', FIELDS, rows(PADI), {
  read({ length }, input) {
    ends_at('pppoed', input, length);
    return { tags: pppoe_tags.take(input) };
  },
  write({ tags = [] }, output) {
    output.prepend_bytes(pppoe_tags.bytes(tags, 'pppoed.tags'));
    return undefined;
  },
});

export const pppoes_protocol: Protocol = header<Pppoes, PppoesDraft>('pppoes', SESSION_FIELDS, rows(0), {
  read({ length }, input) {
    ends_at('pppoes', input, length);
    return undefined;
  },
  next: () => protocol_of_name('ppp'),
});

/** The parser of LINKTYPE_PPP_ETHER: the code tells sessions apart. */
export const pppoe: Parser = {
  parse: (input) =>
    input.at + 1 < input.end && input.view.getUint8(input.at + 1) !== 0
      ? pppoed_protocol.parse(input)
      : pppoes_protocol.parse(input),
};
