// The protocols that configure PPP: LCP (RFC 1661), IPCP (RFC 1332, 1877), IPV6CP (RFC 5072). A code, a number, a length; then options, the
// magic number of LCP's echoes, or data.

import { bytes, integer } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import { header } from '../../define/header.js';
import { field, type Sizes } from '../../define/own_fields.js';
import {
  bytes_of,
  exact_hardware,
  ipv4_address,
  layout,
  some_bytes,
  u8,
  u16,
  u32,
} from '../../options/option_values.js';
import { type OptionFields, OptionList, type OptionsOf } from '../../options/options.js';
import type { Protocol } from '../../registry.js';

type Name = 'lcp' | 'ipcp' | 'ipv6cp';
const format = <Layer extends Name>(layer: Layer) => ({ layer, alone: [], unit: 1, counted: 2 }) as const;

const lcp_options = new OptionList(format('lcp'), {
  mru: [1, layout({ mru: u16(1500) })],
  async_map: [2, layout({ map: u32(0) })],
  authentication_protocol: [3, layout({ protocol: u16(), parameters: some_bytes })],
  quality_protocol: [4, layout({ protocol: u16(), parameters: some_bytes })],
  magic_number: [5, layout({ magic_number: u32() })],
  protocol_field_compression: [7, layout({})],
  address_control_field_compression: [8, layout({})],
  callback: [13, layout({ operation: u8(), message: some_bytes })],
  multilink_mrru: [17, layout({ mrru: u16() })],
  multilink_short_sequence: [18, layout({})],
  endpoint_discriminator: [19, layout({ class: u8(), address: some_bytes })],
});
const ipcp_options = new OptionList(format('ipcp'), {
  addresses: [1, layout({ source: ipv4_address, destination: ipv4_address })],
  compression_protocol: [2, layout({ protocol: u16(), parameters: some_bytes })],
  address: [3, layout({ address: ipv4_address })],
  mobile_address: [4, layout({ address: ipv4_address })],
  primary_dns: [129, layout({ address: ipv4_address })],
  primary_nbns: [130, layout({ address: ipv4_address })],
  secondary_dns: [131, layout({ address: ipv4_address })],
  secondary_nbns: [132, layout({ address: ipv4_address })],
});
const ipv6cp_options = new OptionList(format('ipv6cp'), {
  interface_id: [1, layout({ interface_id: exact_hardware(8) })],
  compression_protocol: [2, layout({ protocol: u16(), parameters: some_bytes })],
});
/** An option of LCP. */
export type LcpOption = OptionsOf<typeof lcp_options>;
/** An option of LCP, to build. */
export type LcpOptionFields = OptionFields<LcpOption>;
/** An option of IPCP. */
export type IpcpOption = OptionsOf<typeof ipcp_options>;
/** An option of IPCP, to build. */
export type IpcpOptionFields = OptionFields<IpcpOption>;
/** An option of IPV6CP. */
export type Ipv6cpOption = OptionsOf<typeof ipv6cp_options>;
/** An option of IPV6CP, to build. */
export type Ipv6cpOptionFields = OptionFields<Ipv6cpOption>;

interface Control<Option> {
  /** lcp.CONFIGURE_REQUEST and so on */
  code: number;
  /** tells the request that a message answers */
  id: number;
  /** of the whole message, in bytes */
  length: number;
  /** of messages that configure */
  options: readonly Option[] | undefined;
  /** of other messages: what they hold */
  data: Buffer | undefined;
}
/** A message of LCP, RFC 1661: PPP agrees on the options of its link. */
export interface Lcp extends Control<LcpOption> {
  /** The name of the layer. */
  readonly layer: 'lcp';
  /** of LCP's echoes and of discard requests */
  magic_number: number | undefined;
}
/** A message of IPCP, RFC 1332: PPP agrees on IPv4 addresses. */
export interface Ipcp extends Control<IpcpOption> {
  /** The name of the layer. */
  readonly layer: 'ipcp';
}
/** A message of IPV6CP, RFC 5072: PPP agrees on IPv6 interface identifiers. */
export interface Ipv6cp extends Control<Ipv6cpOption> {
  /** The name of the layer. */
  readonly layer: 'ipv6cp';
}
/** The fields of an LCP message to build: what is left out is worked out, or has a default. */
export interface LcpFields extends Fields<Lcp, { options: readonly LcpOptionFields[]; data: Uint8Array }> {}
/** An LCP message to build. */
export type LcpDraft = { readonly layer: 'lcp' } & LcpFields;
/** The fields of an IPCP message to build: what is left out is worked out, or has a default. */
export interface IpcpFields
  extends Fields<Ipcp, { options: readonly IpcpOptionFields[]; data: Uint8Array }> {}
/** An IPCP message to build. */
export type IpcpDraft = { readonly layer: 'ipcp' } & IpcpFields;
/** The fields of an IPV6CP message to build: what is left out is worked out, or has a default. */
export interface Ipv6cpFields
  extends Fields<Ipv6cp, { options: readonly Ipv6cpOptionFields[]; data: Uint8Array }> {}
/** An IPV6CP message to build. */
export type Ipv6cpDraft = { readonly layer: 'ipv6cp' } & Ipv6cpFields;

const FIELDS: FieldNames<keyof IpcpFields> = field_names('code id length options data');
const LCP_FIELDS: FieldNames<keyof LcpFields> = field_names('code id length options magic_number data');
const CODES = {
  CONFIGURE_REQUEST: 1,
  CONFIGURE_ACK: 2,
  CONFIGURE_NAK: 3,
  CONFIGURE_REJECT: 4,
  TERMINATE_REQUEST: 5,
  TERMINATE_ACK: 6,
  CODE_REJECT: 7,
} as const;
/** The largest code of messages that configure. */
const LAST_CONFIGURE = CODES.CONFIGURE_REJECT;
/** LCP's echo request, echo reply and discard request. */
const HAS_MAGIC = [9, 10, 11];

/**
 * Makes a message that configures the link; it stands behind `ppp`.
 *
 * @param fields code is lcp.CONFIGURE_REQUEST unless given, numbers are 0; length is worked out. options go with the codes up to 4,
 *   magic_number with 9 to 11, data with all others and behind magic_number
 * @throws TypeError for a field that LCP does not have
 */
export const lcp = Object.assign(maker<'lcp', LcpFields>('lcp', LCP_FIELDS), {
  ...CODES,
  PROTOCOL_REJECT: 8,
  ECHO_REQUEST: 9,
  ECHO_REPLY: 10,
  DISCARD_REQUEST: 11,
} as const);

/** Makes a message that configures IPv4: as `lcp`. @throws TypeError for a field that IPCP does not have */
export const ipcp = Object.assign(maker<'ipcp', IpcpFields>('ipcp', FIELDS), CODES);

/** Makes a message that configures IPv6: as `lcp`. @throws TypeError for a field that IPV6CP does not have */
export const ipv6cp = Object.assign(maker<'ipv6cp', Ipv6cpFields>('ipv6cp', FIELDS), CODES);

type Parsed = Lcp | Ipcp | Ipv6cp;
type Draft = {
  readonly code?: number | undefined;
  readonly options?: unknown | undefined;
  readonly magic_number?: unknown | undefined;
  readonly data?: unknown | undefined;
};

function protocol<P extends Parsed>(
  layer: Name,
  names: FieldNames<Exclude<keyof P, 'layer'>>,
  options: {
    read: (typeof lcp_options)['read'] | (typeof ipcp_options)['read'] | (typeof ipv6cp_options)['read'];
    bytes(options: unknown, field: string): Buffer;
  },
): Protocol {
  const has_magic = (code: number) => layer === 'lcp' && HAS_MAGIC.includes(code);
  const configures = (code: number) => code >= 1 && code <= LAST_CONFIGURE;
  return header<Parsed, never>(
    layer,
    names as never,
    {
      code: field.uint(8, CODES.CONFIGURE_REQUEST),
      id: field.uint(8),
      length: field.uint(16, ({ header: own, data }: Sizes) => own + data),
    },
    {
      read({ code, length }, input, start) {
        if (length >= 4) input.limit(layer, start + 2, 'length', start + length);
        else if (!input.partial) input.problem(layer, start + 2, `length is ${length}, less than the header`);
        if (configures(code)) {
          const found = options.read(input, input.at, input.wire_end);
          input.at = input.end;
          return { options: found as never };
        }
        const is_magic = has_magic(code) && input.end - input.at >= 4;
        const magic_number = is_magic ? input.view.getUint32(input.at) : undefined;
        if (is_magic) input.at += 4;
        const data = input.take(input.end - input.at);
        return layer === 'lcp' ? { magic_number, data } : { data };
      },
      write(draft: Draft, output) {
        const { code = CODES.CONFIGURE_REQUEST, options: list, magic_number, data } = draft;
        if (configures(code) && (list !== undefined || data === undefined)) {
          if (data !== undefined || magic_number !== undefined)
            throw new RangeError(`${layer}: a message of code ${code} has options, no other data`);
          output.prepend_bytes(options.bytes(list ?? [], `${layer}.options`));
          return undefined;
        }
        if (list !== undefined) throw new RangeError(`${layer}.options: a message of code ${code} has none`);
        output.prepend_bytes(bytes(data ?? new Uint8Array(0), `${layer}.data`));
        const is_magic = magic_number !== undefined || (has_magic(code) && data === undefined);
        const magic = integer(magic_number ?? 0, `${layer}.magic_number`, 0, 0xffffffff);
        if (is_magic) output.prepend_bytes(bytes_of(4, (view) => view.setUint32(0, magic)));
        return undefined;
      },
    },
  );
}

export const lcp_protocol = protocol<Lcp>('lcp', LCP_FIELDS, lcp_options);
export const ipcp_protocol = protocol<Ipcp>('ipcp', FIELDS, ipcp_options);
export const ipv6cp_protocol = protocol<Ipv6cp>('ipv6cp', FIELDS, ipv6cp_options);
