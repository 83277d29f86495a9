// The options of DHCPv6: RFC 8415, and later ones of the IANA registry "Dynamic Host Configuration Protocol for IPv6". Some hold options
// themselves, and a relay's message holds a message.
import { integer, shown } from '../../../util/validate.js';
import { read_domains, write_domains } from '../../bytes/domain_names.js';
import { field_names, known } from '../../bytes/fields.js';
import { Input } from '../../bytes/input.js';
import {
  bytes_of,
  type Codec,
  type Field,
  hardware_address,
  ipv6_address,
  layout,
  list_of,
  raw_bytes,
  text,
  u8,
  u16,
  u32,
} from '../../options/option_values.js';
import {
  type Option,
  type OptionFields,
  type OptionsOf,
  type OptionTable,
  type OtherOption,
  options_in,
} from '../../options/options.js';
import { WideOptionList } from '../../options/wide_options.js';

/** A message within a relay's. */
export interface Dhcpv6Message {
  /** dhcpv6.SOLICIT and so on */
  type: number;
  /** the number of the exchange; undefined in messages of relays, which have the next three fields instead */
  transaction_id: number | undefined;
  /** relays on the way before this one */
  hop_count: number | undefined;
  /** an address of the network that the client is in */
  link_address: string | undefined;
  /** from whom the relay has the message */
  peer_address: string | undefined;
  /** the options of the message */
  options: readonly Dhcpv6Option[];
}
/** A message of DHCPv6, to build. */
export type Dhcpv6MessageFields = Partial<Omit<Dhcpv6Message, 'options'>> & {
  readonly options?: readonly Dhcpv6OptionFields[] | undefined;
};

interface Nested {
  options: readonly Dhcpv6Option[];
}
interface Association extends Nested {
  iaid: number;
  /** when to renew and to rebind, in seconds */
  t1: number;
  t2: number;
}
interface Lifetimes {
  /** in seconds */
  preferred_lifetime: number;
  valid_lifetime: number;
}
/** The values of the options that hold options, which refer to all options. */
interface Holders {
  ia_na: Association;
  ia_ta: Nested & { iaid: number };
  ia_address: Nested & Lifetimes & { address: string };
  relay_message: { message: Dhcpv6Message };
  ia_pd: Association;
  ia_prefix: Nested & Lifetimes & { prefix_length: number; prefix: string };
}
type Holder = { [Name in keyof Holders]: Option<number, Name, Holders[Name]> }[keyof Holders];
type Given = {
  [Name in keyof Holders]: Partial<Omit<Holders[Name], 'options' | 'message'>> & {
    readonly name: Name;
    readonly type?: number | undefined;
    readonly data?: Uint8Array | undefined;
    readonly options?: readonly Dhcpv6OptionFields[] | undefined;
    readonly message?: Dhcpv6MessageFields | undefined;
  };
}[keyof Holders];

/** Messages and options in each other, at most. */
const DEPTH_MAX = 32;
let depth = 0;

/** Calls a function one level deeper; undefined at the deepest level. */
function deeper<T>(call: () => T): T | undefined {
  if (depth >= DEPTH_MAX) return undefined;
  depth++;
  try {
    return call();
  } finally {
    depth--;
  }
}

function written(call: () => Uint8Array, name: string): Uint8Array {
  const bytes = deeper(call);
  if (bytes === undefined) throw new RangeError(`${name}: more than ${DEPTH_MAX} options in each other`);
  return bytes;
}

const options: Field<readonly Dhcpv6Option[]> = {
  read: (view, at, size) =>
    deeper(() => options_in(Buffer.from(view.buffer, view.byteOffset + at, size), dhcpv6_options)),
  write: (value, name) => written(() => dhcpv6_options.bytes(value ?? [], name), name),
};

const RELAY_FORWARD = 12;
const RELAY_REPLY = 13;
const HEADER = 4;
const RELAY_HEADER = 34;
const MESSAGE = field_names('type transaction_id hop_count link_address peer_address options');

/** Returns the size of a message's fields in front of the options. */
export const header_size = (type: number): number =>
  type === RELAY_FORWARD || type === RELAY_REPLY ? RELAY_HEADER : HEADER;

/** Reads a message whose fields in front of the options are there. */
export function read_message(input: Input, end: number): Dhcpv6Message {
  const { view, at } = input;
  const type = view.getUint8(at);
  const size = header_size(type);
  const is_relay = size === RELAY_HEADER;
  return {
    type,
    transaction_id: is_relay ? undefined : view.getUint32(at) & 0xffffff,
    hop_count: is_relay ? view.getUint8(at + 1) : undefined,
    link_address: is_relay ? ipv6_address.read(view, at + 2, 16) : undefined,
    peer_address: is_relay ? ipv6_address.read(view, at + 18, 16) : undefined,
    options: dhcpv6_options.read(input, at + size, end),
  };
}

/** Returns the bytes of a message. @throws TypeError, RangeError naming the field */
export function message_bytes(message: Dhcpv6MessageFields, name: string): Uint8Array {
  const { type, transaction_id, hop_count, link_address, peer_address } = message;
  const number = integer(type ?? 1, `${name}.type`, 0, 0xff);
  const is_relay = header_size(number) === RELAY_HEADER;
  const wrong = is_relay ? { transaction_id } : { hop_count, link_address, peer_address };
  for (const [field, value] of Object.entries(wrong))
    if (value !== undefined && value !== null)
      throw new RangeError(`${name}.${field}: a message of type ${number} has no such field`);
  const header = is_relay
    ? [
        Uint8Array.of(number, integer(hop_count ?? 0, `${name}.hop_count`, 0, 0xff)),
        ipv6_address.write(link_address ?? '::', `${name}.link_address`),
        ipv6_address.write(peer_address ?? '::', `${name}.peer_address`),
      ]
    : [
        bytes_of(4, (view) =>
          view.setUint32(
            0,
            number * 2 ** 24 + integer(transaction_id ?? 0, `${name}.transaction_id`, 0, 0xffffff),
          ),
        ),
      ];
  return Buffer.concat([...header, dhcpv6_options.bytes(message.options ?? [], `${name}.options`)]);
}

const relay_message: Codec<Holders['relay_message']> = {
  names: field_names('message'),
  read(data) {
    if (data.length < HEADER || data.length < header_size(data[0] ?? 0)) return undefined;
    const problems: never[] = [];
    const view = new DataView(data.buffer, data.byteOffset, data.length);
    const input = new Input(data, view, 0, data.length, data.length, problems, 0);
    const message = deeper(() => read_message(input, data.length));
    return message === undefined || problems.length > 0 ? undefined : { message };
  },
  write({ message }, field) {
    const name = `${field}.message`;
    if (typeof message !== 'object' || message === null)
      throw new TypeError(
        `${name} must be an object such as { type, transaction_id, options }, not ${shown(message)}`,
      );
    return written(() => message_bytes(known(message, name, MESSAGE), name), name);
  },
};

/** Domain names, never compressed. */
const domains: Field<readonly string[]> = {
  read(view, at, size) {
    const data = Buffer.from(view.buffer, view.byteOffset + at, size);
    const found = read_domains(data);
    return found !== undefined && Buffer.compare(write_domains(found, ''), data) === 0 ? found : undefined;
  },
  write: write_domains,
};

const ia: Codec<Association> = layout({ iaid: u32(0), t1: u32(0), t2: u32(0), options });
const ia_ta: Codec<Holders['ia_ta']> = layout({ iaid: u32(0), options });
const lifetimes = { preferred_lifetime: u32(0), valid_lifetime: u32(0) };
const ia_address: Codec<Holders['ia_address']> = layout({ address: ipv6_address, ...lifetimes, options });
const ia_prefix: Codec<Holders['ia_prefix']> = layout({
  ...lifetimes,
  prefix_length: u8(),
  prefix: ipv6_address,
  options,
});
const addresses = layout({ addresses: list_of(ipv6_address) });
const names = layout({ domains });
const seconds = layout({ seconds: u32() });

/** The options that hold none. */
const PLAIN = {
  client_id: [1],
  server_id: [2],
  option_request: [6, layout({ types: list_of(u16()) })],
  preference: [7, layout({ value: u8() })],
  /** in hundredths of a second */
  elapsed_time: [8, layout({ value: u16() })],
  authentication: [11],
  server_unicast: [12, layout({ address: ipv6_address })],
  status_code: [13, layout({ code: u16(0), text })],
  rapid_commit: [14],
  user_class: [15],
  vendor_class: [16],
  vendor_options: [17],
  interface_id: [18],
  reconfigure_message: [19, layout({ value: u8() })],
  reconfigure_accept: [20],
  sip_domains: [21, names],
  sip_servers: [22, addresses],
  dns_servers: [23, addresses],
  domain_list: [24, names],
  nis_servers: [27, addresses],
  sntp_servers: [31, addresses],
  information_refresh_time: [32, seconds],
  remote_id: [37],
  subscriber_id: [38],
  client_fqdn: [39, layout({ flags: u8(0), domain: raw_bytes })],
  ntp_server: [56],
  bootfile_url: [59, layout({ text })],
  bootfile_parameters: [60],
  client_architecture: [61, layout({ types: list_of(u16()) })],
  client_link_layer: [79, layout({ hardware_type: u16(1), address: hardware_address })],
  sol_max_rt: [82, seconds],
  inf_max_rt: [83, seconds],
  captive_portal: [103, layout({ text })],
} as const;
const plain_options = new WideOptionList('dhcpv6', PLAIN);

/** An option: of a name, or of another type. */
export type Dhcpv6Option = Exclude<OptionsOf<typeof plain_options>, OtherOption> | Holder | OtherOption;
/** An option of DHCPv6, to build. */
export type Dhcpv6OptionFields = OptionFields<OptionsOf<typeof plain_options>> | Given;

/** All options, as a list whose type does not follow from itself. */
interface List {
  readonly table: OptionTable;
  read(input: Input, start: number, end: number): Dhcpv6Option[];
  bytes(options: unknown, field: string): Buffer;
}
export const dhcpv6_options: List = new WideOptionList('dhcpv6', {
  ...PLAIN,
  ia_na: [3, ia],
  ia_ta: [4, ia_ta],
  ia_address: [5, ia_address],
  relay_message: [9, relay_message],
  ia_pd: [25, ia],
  ia_prefix: [26, ia_prefix],
});
