// The options of DHCP: RFC 2132, and later ones of the IANA registry "BOOTP Vendor Extensions and DHCP Options". An option with more
// data than its length can say stands in several parts, RFC 3396.
import { array, integer } from '../../../util/validate.js';
import { read_ipv4, write_ipv4 } from '../../bytes/address.js';
import { field_names, known } from '../../bytes/fields.js';
import {
  bytes_of,
  type Codec,
  type Field,
  ipv4_address,
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
  OptionList,
  type OptionsOf,
  type OptionTable,
  options_in,
} from '../../options/options.js';
import { read_name, wire_name } from '../dns/names.js';

interface Domains {
  domains: readonly string[];
}

/** Domain names, RFC 3397: names may point to earlier ones. */
const domain_search: Codec<Domains> = {
  names: field_names('domains'),
  read(data) {
    const domains: string[] = [];
    for (let at = 0; at < data.length; ) {
      const { text: name, end, failure } = read_name(data, 0, at, data.length);
      if (failure !== undefined) return undefined;
      domains.push(name);
      at = end;
    }
    return { domains };
  },
  write({ domains }, field, given) {
    const names = array(domains ?? [], `${field}.domains`);
    const wires = names.map((name, i) => `${wire_name(name, `${field}.domains[${i}]`)}\0`);
    // Names that were compressed stay so if they are the same.
    const before = given === undefined ? undefined : domain_search.read(Buffer.from(given), NO_VIEW, 0);
    const same = before?.domains.map((name) => `${wire_name(name, field)}\0`).join() === wires.join();
    return given !== undefined && same ? given : Buffer.from(wires.join(''), 'latin1');
  },
};
const NO_VIEW = new DataView(new ArrayBuffer(0));

interface Route {
  destination: string;
  /** in bits */
  prefix_length: number;
  router: string;
}
const ROUTE = field_names('destination prefix_length router');

/** Routes, RFC 3442: of each destination, the bytes that its prefix needs. */
const routes: Field<readonly Route[]> = {
  read(view, start, size) {
    const found: Route[] = [];
    for (let at = start; at < start + size; ) {
      const prefix_length = view.getUint8(at);
      const bytes = Math.ceil(prefix_length / 8);
      if (prefix_length > 32 || at + 5 + bytes > start + size) return undefined;
      const destination = bytes_of(4, (to) => {
        for (let i = 0; i < bytes; i++) to.setUint8(i, view.getUint8(at + 1 + i));
      });
      found.push({
        destination: read_ipv4(new DataView(destination.buffer), 0),
        prefix_length,
        router: read_ipv4(view, at + 1 + bytes),
      });
      at += 5 + bytes;
    }
    return found;
  },
  write: (value, name) =>
    Buffer.concat(
      array(value ?? [], name).flatMap((one, i) => {
        const field = `${name}[${i}]`;
        const { destination, prefix_length, router } = known<Partial<Route>>(one as Route, field, ROUTE);
        const prefix = integer(prefix_length ?? 32, `${field}.prefix_length`, 0, 32);
        const address = bytes_of(4, (view) => write_ipv4(view, 0, destination, `${field}.destination`));
        const gateway = bytes_of(4, (view) => write_ipv4(view, 0, router, `${field}.router`));
        return [Uint8Array.of(prefix), address.subarray(0, Math.ceil(prefix / 8)), gateway];
      }),
    ),
};

const int32: Field<number> = {
  size: 4,
  read: (view, at) => view.getInt32(at),
  write: (value, name) => bytes_of(4, (view) => view.setInt32(0, integer(value, name))),
};

const address = layout({ address: ipv4_address });
const addresses = layout({ addresses: list_of(ipv4_address) });
const words = layout({ text });
const seconds = layout({ seconds: u32() });
const byte = layout({ value: u8() });
const number = layout({ value: u16() });
const classless_routes = layout({ routes });

/** Sub-options of a relay agent, RFC 3046: a type, a length, data. */
const agent_options = new OptionList(
  { layer: 'dhcp', alone: [], unit: 1, counted: 0 },
  {
    circuit_id: [1],
    remote_id: [2],
    link_selection: [5, address],
    subscriber_id: [6],
    server_override: [11, address],
  },
);
/** What a relay agent says in its option, RFC 3046. */
export type DhcpAgentOption = OptionsOf<typeof agent_options>;
interface AgentInformation {
  options: readonly DhcpAgentOption[];
}
const agent_information: Codec<AgentInformation> = {
  names: field_names('options'),
  read: (data) => {
    const options = options_in(data, agent_options);
    return options === undefined ? undefined : { options };
  },
  write: ({ options }, field) => agent_options.bytes(options ?? [], `${field}.options`),
};

const PAD = 0;
const END = 255;
/** The most data of one part of an option. */
const PART = 255;

class DhcpOptionList<const Table extends OptionTable> extends OptionList<Table> {
  /** Splits an option that has more data than one part can hold. */
  protected override long(type: number, data: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < data.length; at += PART) {
      const part = data.subarray(at, at + PART);
      parts.push(Uint8Array.of(type, part.length), part);
    }
    return parts;
  }

  /** Puts the parts of options together, in the order of the lists: the first part gets the data of all, if it stands in the first list or theirs. */
  join(lists: readonly Option<number, string>[][]): void {
    const first = new Map<number, { option: Option<number, string>; place: number }>();
    const parts = new Map<Option<number, string>, Buffer[]>();
    const later = new Set<Option<number, string>>();
    for (const [place, list] of lists.entries())
      for (const option of list) {
        const { type, name, data } = option;
        if (type === PAD || type === END || name === 'malformed') continue;
        const before = first.get(type);
        if (before === undefined) first.set(type, { option, place });
        else if (before.place === 0 || before.place === place) {
          parts.set(before.option, [...(parts.get(before.option) ?? [before.option.data]), data]);
          later.add(option);
        }
      }
    if (later.size === 0) return;
    for (const list of lists) {
      const whole = list.filter((option) => !later.has(option)).map((option) => this.#whole(option, parts));
      list.splice(0, list.length, ...whole);
    }
  }

  #whole(option: Option<number, string>, parts: ReadonlyMap<Option<number, string>, Buffer[]>) {
    const all = parts.get(option);
    if (all === undefined) return option;
    const data = Buffer.concat(all);
    return this.decode(option.type, data, new DataView(data.buffer, data.byteOffset, data.length), 0);
  }
}

export const dhcp_options = new DhcpOptionList(
  { layer: 'dhcp', alone: [PAD, END], end: END, unit: 1, counted: 0 },
  {
    pad: [PAD],
    subnet_mask: [1, address],
    /** in seconds */
    time_offset: [2, layout({ value: int32 })],
    router: [3, addresses],
    time_server: [4, addresses],
    name_server: [5, addresses],
    domain_name_server: [6, addresses],
    log_server: [7, addresses],
    lpr_server: [9, addresses],
    host_name: [12, words],
    boot_file_size: [13, number],
    domain_name: [15, words],
    root_path: [17, words],
    ip_forwarding: [19, byte],
    default_ttl: [23, byte],
    interface_mtu: [26, number],
    broadcast_address: [28, address],
    router_discovery: [31, byte],
    static_route: [33, addresses],
    nis_domain: [40, words],
    nis_servers: [41, addresses],
    ntp_servers: [42, addresses],
    vendor_specific: [43],
    netbios_name_server: [44, addresses],
    netbios_node_type: [46, byte],
    netbios_scope: [47, words],
    requested_address: [50, address],
    lease_time: [51, seconds],
    overload: [52, byte],
    /** dhcp.DISCOVER and so on */
    message_type: [53, byte],
    server_identifier: [54, address],
    parameter_request_list: [55, layout({ types: list_of(u8()) })],
    message: [56, words],
    max_message_size: [57, number],
    renewal_time: [58, seconds],
    rebinding_time: [59, seconds],
    vendor_class: [60, words],
    client_identifier: [61],
    tftp_server_name: [66, words],
    bootfile_name: [67, words],
    user_class: [77],
    client_fqdn: [81, layout({ flags: u8(), rcode1: u8(0), rcode2: u8(0), domain: raw_bytes })],
    relay_agent_information: [82, agent_information],
    client_architecture: [93, layout({ types: list_of(u16()) })],
    client_interface: [94],
    client_machine: [97],
    ipv6_only_preferred: [108, seconds],
    captive_portal: [114, words],
    auto_configure: [116, byte],
    subnet_selection: [118, address],
    domain_search: [119, domain_search],
    classless_static_route: [121, classless_routes],
    vendor_identifying: [125],
    tftp_servers: [150, addresses],
    microsoft_static_route: [249, classless_routes],
    proxy_autodiscovery: [252, words],
    end: [END],
  },
);
/** An option of DHCP, RFC 2132. */
export type DhcpOption = OptionsOf<typeof dhcp_options>;
/** An option of DHCP, RFC 2132, to build. */
export type DhcpOptionFields = OptionFields<DhcpOption>;
