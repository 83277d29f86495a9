// The chunks of SCTP, RFC 9260, with their parameters and causes; also those of RFC 3758, 4895, 5061, 6525 and 8260.
import { array, integer } from '../../../util/validate.js';
import { field_names } from '../../bytes/fields.js';
import {
  bytes_of,
  type Codec,
  type Field,
  ipv4_address,
  ipv6_address,
  layout,
  list_of,
  some_bytes,
  text,
  u8,
  u16,
  u32,
} from '../../options/option_values.js';
import type { OptionFields, OptionsOf } from '../../options/options.js';
import { items_of, type TlvExtra, TlvList, wide_head } from '../../options/tlv_list.js';

/** Parameters and causes: nothing pads the last one within its chunk. */
const nested = { ...wide_head('sctp', 4), unit: 4, pads_last: false } as const;

const sctp_parameters = new TlvList(nested, {
  heartbeat_info: [1, layout({ info: some_bytes })],
  ipv4_address: [5, layout({ address: ipv4_address })],
  ipv6_address: [6, layout({ address: ipv6_address })],
  state_cookie: [7, layout({ cookie: some_bytes })],
  unrecognized_parameter: [8, layout({ parameter: some_bytes })],
  cookie_preservative: [9, layout({ increment: u32() })],
  host_name: [11, layout({ text })],
  supported_address_types: [12, layout({ types: list_of(u16()) })],
  outgoing_reset: [13, layout({ request: u32(), response: u32(), last_tsn: u32(), streams: list_of(u16()) })],
  incoming_reset: [14, layout({ request: u32(), streams: list_of(u16()) })],
  tsn_reset: [15, layout({ request: u32() })],
  reset_response: [16, layout({ response: u32(), result: u32(), rest: some_bytes })],
  ecn: [0x8000, layout({})],
  random: [0x8002],
  chunk_list: [0x8003, layout({ chunks: list_of(u8()) })],
  requested_hmac: [0x8004, layout({ hmacs: list_of(u16()) })],
  padding: [0x8005],
  supported_extensions: [0x8008, layout({ chunks: list_of(u8()) })],
  forward_tsn_supported: [0xc000, layout({})],
  add_address: [0xc001],
  delete_address: [0xc002],
  error_cause: [0xc003],
  set_primary: [0xc004],
  success: [0xc005, layout({ correlation: u32() })],
  adaptation: [0xc006, layout({ indication: u32() })],
});
/** A parameter of an INIT, INIT ACK or HEARTBEAT chunk. */
export type SctpParameter = OptionsOf<typeof sctp_parameters> & TlvExtra;
/** A parameter of an INIT, INIT ACK or HEARTBEAT chunk, to build. */
export type SctpParameterFields = OptionFields<OptionsOf<typeof sctp_parameters>> & TlvExtra;

const sctp_causes = new TlvList(nested, {
  invalid_stream: [1, layout({ stream: u16(), reserved_bits: u16(0) })],
  missing_parameters: [2],
  stale_cookie: [3, layout({ staleness: u32() })],
  out_of_resource: [4],
  unresolvable_address: [5],
  unrecognized_chunk: [6],
  invalid_parameter: [7],
  unrecognized_parameters: [8],
  no_user_data: [9, layout({ tsn: u32() })],
  cookie_while_shutting_down: [10],
  restart_with_new_addresses: [11],
  user_initiated_abort: [12, layout({ text })],
  protocol_violation: [13, layout({ text })],
});
/** A cause of an error, in an ABORT or ERROR chunk. */
export type SctpCause = OptionsOf<typeof sctp_causes> & TlvExtra;
/** A cause of an error, in an ABORT or ERROR chunk, to build. */
export type SctpCauseFields = OptionFields<OptionsOf<typeof sctp_causes>> & TlvExtra;

const parameters = items_of(sctp_parameters) as Field<readonly SctpParameter[]>;
const causes = items_of(sctp_causes) as Field<readonly SctpCause[]>;

interface Sack {
  cumulative_tsn: number;
  window: number;
  /** each `[first, last]`, counted from cumulative_tsn */
  gaps: readonly (readonly [number, number])[];
  duplicates: readonly number[];
}
const sack: Codec<Sack> = {
  names: field_names('cumulative_tsn window gaps duplicates'),
  read(data, view, at) {
    if (data.length < 12) return undefined;
    const [gaps, duplicates] = [view.getUint16(at + 8), view.getUint16(at + 10)];
    if (data.length !== 12 + 4 * (gaps + duplicates)) return undefined;
    const u32_at = (index: number) => view.getUint32(at + 12 + index * 4);
    return {
      cumulative_tsn: view.getUint32(at),
      window: view.getUint32(at + 4),
      gaps: Array.from({ length: gaps }, (_, i) => [u32_at(i) >>> 16, u32_at(i) & 0xffff] as const),
      duplicates: Array.from({ length: duplicates }, (_, i) => u32_at(gaps + i)),
    };
  },
  write({ cumulative_tsn = 0, window = 0, gaps = [], duplicates = [] }, name) {
    const pairs = array(gaps, `${name}.gaps`, 0, 0xffff).map((gap, i) =>
      array(gap, `${name}.gaps[${i}]`, 2, 2),
    );
    const list = array(duplicates, `${name}.duplicates`, 0, 0xffff);
    return bytes_of(12 + 4 * (pairs.length + list.length), (view) => {
      view.setUint32(0, integer(cumulative_tsn, `${name}.cumulative_tsn`, 0, 0xffffffff));
      view.setUint32(4, integer(window, `${name}.window`, 0, 0xffffffff));
      view.setUint16(8, pairs.length);
      view.setUint16(10, list.length);
      for (const [i, pair] of pairs.entries())
        for (const side of [0, 1])
          view.setUint16(
            12 + i * 4 + side * 2,
            integer(pair[side], `${name}.gaps[${i}][${side}]`, 0, 0xffff),
          );
      for (const [i, tsn] of list.entries())
        view.setUint32(12 + (pairs.length + i) * 4, integer(tsn, `${name}.duplicates[${i}]`, 0, 0xffffffff));
    });
  },
};

const init = layout({
  initiate_tag: u32(0),
  window: u32(106_496),
  outbound_streams: u16(10),
  inbound_streams: u16(65_535),
  tsn: u32(0),
  parameters,
});
const tsn = layout({ tsn: u32(0) });

export const sctp_chunks = new TlvList(
  {
    layer: 'sctp',
    head: 4,
    largest_type: 0xff,
    largest_data: 0xffff - 4,
    read: (view, at) => ({
      type: view.getUint8(at),
      size: view.getUint16(at + 2) - 4,
      flags: view.getUint8(at + 1),
    }),
    write(view, type, size, flags) {
      view.setUint8(0, type);
      view.setUint8(1, flags);
      view.setUint16(2, size + 4);
    },
    unit: 4,
    flags: 0xff,
  },
  {
    data: [
      0,
      layout({ tsn: u32(0), stream: u16(0), stream_seq: u16(0), protocol: u32(0), payload: some_bytes }),
    ],
    init: [1, init],
    init_ack: [2, init],
    sack: [3, sack],
    heartbeat: [4, layout({ parameters })],
    heartbeat_ack: [5, layout({ parameters })],
    abort: [6, layout({ causes })],
    shutdown: [7, layout({ cumulative_tsn: u32(0) })],
    shutdown_ack: [8, layout({})],
    error: [9, layout({ causes })],
    cookie_echo: [10, layout({ cookie: some_bytes })],
    cookie_ack: [11, layout({})],
    ecn_echo: [12, tsn],
    cwr: [13, tsn],
    shutdown_complete: [14, layout({})],
    auth: [15, layout({ key_id: u16(0), hmac: u16(1), code: some_bytes })],
    i_data: [
      64,
      layout({
        tsn: u32(0),
        stream: u16(0),
        reserved_bits: u16(0),
        message: u32(0),
        protocol_or_fsn: u32(0),
        payload: some_bytes,
      }),
    ],
    asconf_ack: [0x80, layout({ sequence: u32(0), parameters })],
    re_config: [0x82, layout({ parameters })],
    pad: [0x84],
    forward_tsn: [0xc0, layout({ tsn: u32(0), streams: list_of(u32()) })],
    asconf: [0xc1, layout({ sequence: u32(0), parameters })],
  },
);
interface ChunkExtra extends TlvExtra {
  /** of data: 1 the end, 2 the begin, 4 unordered; of abort and shutdown_complete: 1 the tag is reflected */
  readonly flags?: number | undefined;
}
/** A chunk of an SCTP packet. */
export type SctpChunk = OptionsOf<typeof sctp_chunks> & ChunkExtra;
/** The lists of parameters and causes as they are built. */
type Loose<Chunk> = Chunk extends { readonly parameters?: unknown }
  ? Omit<Chunk, 'parameters'> & { readonly parameters?: readonly SctpParameterFields[] | undefined }
  : Chunk extends { readonly causes?: unknown }
    ? Omit<Chunk, 'causes'> & { readonly causes?: readonly SctpCauseFields[] | undefined }
    : Chunk;
/** A chunk of an SCTP packet, to build. */
export type SctpChunkFields = Loose<OptionFields<OptionsOf<typeof sctp_chunks>>> & ChunkExtra;
