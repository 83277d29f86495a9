// The options of EDNS (RFC 6891) by the IANA registry, and the parameters of SVCB and HTTPS records (RFC 9460).
import { integer, shown } from '../../../util/validate.js';
import { read_ipv4, read_ipv6, write_ipv4, write_ipv6 } from '../../bytes/address.js';
import { field_names } from '../../bytes/fields.js';
import {
  bytes_of,
  type Codec,
  type Field,
  ipv4_address,
  ipv6_address,
  layout,
  list_of,
  raw_bytes,
  text,
  u16,
} from '../../options/option_values.js';
import type { OptionFields, OptionsOf } from '../../options/options.js';
import { WideOptionList } from '../../options/wide_options.js';

interface ClientSubnet {
  /** bits of the address that count */
  source_prefix_length: number;
  /** bits that the answer covers; 0 in queries */
  scope_prefix_length: number;
  address: string;
}
const FAMILIES = { 1: [4, read_ipv4], 2: [16, read_ipv6] } as const;

/** RFC 7871: the address has as many bytes as its prefix needs. */
const client_subnet: Codec<ClientSubnet> = {
  names: field_names('source_prefix_length scope_prefix_length address'),
  read(data, view, at) {
    const family = data.length < 4 ? 0 : view.getUint16(at);
    if (family !== 1 && family !== 2) return undefined;
    const [size, read] = FAMILIES[family];
    const source_prefix_length = view.getUint8(at + 2);
    if (data.length - 4 !== Math.ceil(source_prefix_length / 8) || data.length - 4 > size) return undefined;
    const address = bytes_of(size, (bytes) => Buffer.from(bytes.buffer).set(data.subarray(4)));
    return {
      source_prefix_length,
      scope_prefix_length: view.getUint8(at + 3),
      address: read(new DataView(address.buffer), 0),
    };
  },
  write({ source_prefix_length, scope_prefix_length = 0, address }, field) {
    const is_ipv6 = typeof address === 'string' && address.includes(':');
    const size = is_ipv6 ? 16 : 4;
    const prefix = integer(source_prefix_length ?? size * 8, `${field}.source_prefix_length`, 0, size * 8);
    const all = bytes_of(4 + size, (view) => {
      view.setUint16(0, is_ipv6 ? 2 : 1);
      view.setUint8(2, prefix);
      view.setUint8(3, integer(scope_prefix_length, `${field}.scope_prefix_length`, 0, 0xff));
      (is_ipv6 ? write_ipv6 : write_ipv4)(view, 4, address, `${field}.address`);
    });
    return all.subarray(0, 4 + Math.ceil(prefix / 8));
  },
};

interface Cookie {
  client: Buffer;
  /** empty in the first query */
  server: Buffer;
}
/** RFC 7873: 8 bytes of the client, then up to 32 of the server. */
const cookie: Codec<Cookie> = {
  names: field_names('client server'),
  read: (data) => (data.length < 8 ? undefined : { client: data.subarray(0, 8), server: data.subarray(8) }),
  write({ client, server }, field) {
    const first = raw_bytes.write(client, `${field}.client`);
    if (first.length !== 8) throw new RangeError(`${field}.client must have 8 bytes, not ${first.length}`);
    return Buffer.concat([first, raw_bytes.write(server ?? Buffer.alloc(0), `${field}.server`)]);
  },
};

export const edns_options = new WideOptionList('dns', {
  llq: [1],
  nsid: [3],
  dau: [5],
  dhu: [6],
  n3u: [7],
  client_subnet: [8, client_subnet],
  expire: [9],
  cookie: [10, cookie],
  tcp_keepalive: [11],
  padding: [12],
  chain: [13],
  key_tag: [14],
  extended_error: [15, layout({ info_code: u16(), extra_text: text })],
});
/** An option of EDNS, in the data of an OPT record. */
export type EdnsOption = OptionsOf<typeof edns_options>;
/** An option of EDNS, in the data of an OPT record, to build. */
export type EdnsOptionFields = OptionFields<EdnsOption>;

/** Texts, each behind its length of 8 bits. */
const protocols: Field<readonly string[]> = {
  read(view, start, size) {
    const found: string[] = [];
    for (let at = start; at < start + size; ) {
      const end = at + 1 + view.getUint8(at);
      const one = end > start + size ? undefined : text.read(view, at + 1, end - at - 1);
      if (one === undefined) return undefined;
      found.push(one);
      at = end;
    }
    return found;
  },
  write(value, name) {
    if (!Array.isArray(value)) throw new TypeError(`${name} must be an array, not ${shown(value)}`);
    return Buffer.concat(
      value.flatMap((one, i) => {
        const bytes = text.write(one, `${name}[${i}]`);
        return [Uint8Array.of(integer(bytes.length, `length of ${name}[${i}]`, 0, 255)), bytes];
      }),
    );
  },
};

export const service_parameters = new WideOptionList('dns', {
  /** the types of the parameters that a client must know */
  mandatory: [0, layout({ types: list_of(u16()) })],
  alpn: [1, layout({ protocols })],
  no_default_alpn: [2],
  port: [3, layout({ port: u16() })],
  ipv4hint: [4, layout({ addresses: list_of(ipv4_address) })],
  ech: [5],
  ipv6hint: [6, layout({ addresses: list_of(ipv6_address) })],
  dohpath: [7, layout({ path: text })],
});
/** A parameter of a SVCB or HTTPS record, RFC 9460. */
export type ServiceParameter = OptionsOf<typeof service_parameters>;
/** A parameter of a SVCB or HTTPS record, RFC 9460, to build. */
export type ServiceParameterFields = OptionFields<ServiceParameter>;
