// Extended echo, RFC 8335: asks a host for the state of one of its interfaces, or of a neighbour's. ICMP and ICMPv6 have the same rows.
import { integer, shown } from '../../../util/validate.js';
import { type FieldNames, field_names, joined } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import type { Output } from '../../bytes/output.js';
import {
  EXTENSIONS_FIELDS,
  type Extensions,
  type ExtensionsFields,
  has_version,
  type IcmpLayer,
  no_extensions,
  read_extensions,
  write_extensions,
} from './extensions.js';
import type { Echo } from './messages.js';

/** The interface is the object in `extensions`; `seq` has 8 bits. */
export interface ExtendedEcho extends Echo, Extensions {
  /** true for an interface of the host itself, false for one of a neighbour */
  local: boolean;
}
/** `code` is 0, or why there is no answer: 1 malformed query, 2 no such interface, 3 no such entry of a table, 4 several interfaces. */
export interface ExtendedEchoReply extends Echo, Extensions {
  /** of a neighbour's address: 0 it is an interface of the host, 1 incomplete, 2 reachable, 3 stale, 4 delay, 5 probe, 6 failed */
  state: number;
  /** whether the interface is up */
  active: boolean;
  /** whether IPv4 runs on it */
  ipv4: boolean;
  /** whether IPv6 runs on it */
  ipv6: boolean;
}

const REQUEST: FieldNames<'id' | 'seq' | 'local' | keyof Extensions> = joined(
  field_names('id seq local'),
  EXTENSIONS_FIELDS,
);
const REPLY: FieldNames<'id' | 'seq' | 'state' | 'active' | 'ipv4' | 'ipv6' | keyof Extensions> = joined(
  field_names('id seq state active ipv4 ipv6'),
  EXTENSIONS_FIELDS,
);

/** Returns the extensions at `input.at`, and moves behind them. Bytes of another form stay, and become a payload. */
function read_interface(input: Input, layer: IcmpLayer): Extensions {
  const { at } = input;
  if (at + 4 > input.end || !has_version(input, at)) return no_extensions();
  input.at = input.end;
  return read_extensions(input, at, layer);
}

/** Prepends the extensions, and returns the bits of what both messages have. */
function write_shared(fields: Partial<Echo> & ExtensionsFields, output: Output, layer: IcmpLayer): number {
  write_extensions(fields, output, layer);
  const id = integer(fields.id ?? 0, `${layer}.id`, 0, 0xffff);
  return id * 0x10000 + integer(fields.seq ?? 0, `${layer}.seq`, 0, 0xff) * 0x100;
}

/** Returns the rows of both messages for the table of messages. */
export function extended_echo_rows(layer: IcmpLayer) {
  const bit = (value: boolean | undefined, name: string, mask: number): number => {
    if (value !== undefined && typeof value !== 'boolean')
      throw new TypeError(`${layer}.${name} must be true or false, not ${shown(value)}`);
    return value === true ? mask : 0;
  };
  return {
    extended_echo: {
      fields: REQUEST,
      reserved: 0xfe,
      read: (input: Input, rest: number): ExtendedEcho => ({
        id: rest >>> 16,
        seq: (rest >>> 8) & 0xff,
        local: (rest & 1) !== 0,
        ...read_interface(input, layer),
      }),
      write: (message: Given<ExtendedEcho>, output: Output): number =>
        write_shared(message, output, layer) + bit(message.local ?? true, 'local', 1),
    },
    extended_echo_reply: {
      fields: REPLY,
      reserved: 0x18,
      read: (input: Input, rest: number): ExtendedEchoReply => ({
        id: rest >>> 16,
        seq: (rest >>> 8) & 0xff,
        state: (rest >>> 5) & 7,
        active: (rest & 4) !== 0,
        ipv4: (rest & 2) !== 0,
        ipv6: (rest & 1) !== 0,
        ...read_interface(input, layer),
      }),
      write: (message: Given<ExtendedEchoReply>, output: Output): number =>
        write_shared(message, output, layer) +
        integer(message.state ?? 0, `${layer}.state`, 0, 7) * 0x20 +
        bit(message.active, 'active', 4) +
        bit(message.ipv4, 'ipv4', 2) +
        bit(message.ipv6, 'ipv6', 1),
    },
  };
}

/** A message to build. */
type Given<Parsed extends Extensions> = {
  [Name in Exclude<keyof Parsed, keyof Extensions>]?: Parsed[Name] | undefined;
} & ExtensionsFields;
