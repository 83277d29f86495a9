// The options of TCP: RFC 9293, 7323 (window scale, timestamps), 2018 (SACK), 2385 (MD5), 5482, 5925 (AO), 7413, 8684.
import { array, integer } from '../../util/validate.js';
import { field_names } from '../bytes/fields.js';
import { bytes_of, type Codec, type Field, layout, list_of, u8, u16, u32 } from './option_values.js';
import { type OptionFields, OptionList, type OptionsOf } from './options.js';

/** From the first byte to the one behind the last. */
type Block = readonly [left: number, right: number];
interface UserTimeout {
  timeout: number;
  minutes: boolean;
}

const block: Field<Block> = {
  size: 8,
  read: (view, at) => [view.getUint32(at), view.getUint32(at + 4)],
  write(value, name) {
    const [left, right] = array(value, name, 2, 2);
    return bytes_of(8, (view) => {
      view.setUint32(0, integer(left, `${name}[0]`, 0, 0xffffffff));
      view.setUint32(4, integer(right, `${name}[1]`, 0, 0xffffffff));
    });
  },
};

const user_timeout: Codec<UserTimeout> = {
  names: field_names('timeout minutes'),
  read(data, view, at) {
    if (data.length !== 2) return undefined;
    const bits = view.getUint16(at);
    return { timeout: bits & 0x7fff, minutes: bits > 0x7fff };
  },
  write({ timeout, minutes }, field) {
    const bits = integer(timeout, `${field}.timeout`, 0, 0x7fff) | (minutes ? 0x8000 : 0);
    return bytes_of(2, (view) => view.setUint16(0, bits));
  },
};

export const tcp_options = new OptionList(
  { layer: 'tcp', alone: [0, 1], end: 0, unit: 1, counted: 2 },
  {
    eol: [0],
    nop: [1],
    mss: [2, layout({ mss: u16() })],
    window_scale: [3, layout({ shift: u8() })],
    sack_permitted: [4, layout({})],
    sack: [5, layout({ blocks: list_of(block) })],
    timestamps: [8, layout({ value: u32(), echo: u32(0) })],
    md5: [19],
    user_timeout: [28, user_timeout],
    ao: [29],
    mptcp: [30],
    fast_open: [34],
  },
);
/** An option of a TCP header, RFC 9293, as parsed. */
export type TcpOption = OptionsOf<typeof tcp_options>;
/** An option of a TCP header as build takes it. */
export type TcpOptionFields = OptionFields<TcpOption>;
