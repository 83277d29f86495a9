// The options of TCP: RFC 9293, 7323 (window scale, timestamps), 2018 (SACK), 2385 (MD5), 5482, 5925 (AO), 7413, 8684.
import { array, integer } from '../internal/validate.js';
import {
  type Decode,
  type Encode,
  made,
  type Option,
  type OptionFields,
  type OptionFormat,
  type OtherOption,
} from './options.js';

export type TcpOption =
  | Option<0, 'eol'>
  | Option<1, 'nop'>
  | Option<2, 'mss', { mss: number }>
  | Option<3, 'window_scale', { shift: number }>
  | Option<4, 'sack_permitted'>
  | Option<5, 'sack', { blocks: readonly (readonly [left: number, right: number])[] }>
  | Option<8, 'timestamps', { value: number; echo: number }>
  | Option<19, 'md5'>
  | Option<28, 'user_timeout', { timeout: number; minutes: boolean }>
  | Option<29, 'ao'>
  | Option<30, 'mptcp'>
  | Option<34, 'fast_open'>
  | OtherOption;
export type TcpOptionFields = OptionFields<TcpOption>;

export const tcp_options: OptionFormat = {
  layer: 'tcp',
  alone: [0, 1],
  end: 0,
  unit: 1,
  counted: 2,
  types: {
    eol: 0,
    nop: 1,
    mss: 2,
    window_scale: 3,
    sack_permitted: 4,
    sack: 5,
    timestamps: 8,
    md5: 19,
    user_timeout: 28,
    ao: 29,
    mptcp: 30,
    fast_open: 34,
  },
};

export const decode_tcp_option: Decode<TcpOption> = (type, data, view, at) => {
  const size = data.length;
  switch (type) {
    case 0:
      return { type, name: 'eol', data };
    case 1:
      return { type, name: 'nop', data };
    case 2:
      return size === 2 ? { type, name: 'mss', data, mss: view.getUint16(at) } : undefined;
    case 3:
      return size === 1 ? { type, name: 'window_scale', data, shift: view.getUint8(at) } : undefined;
    case 4:
      return size === 0 ? { type, name: 'sack_permitted', data } : undefined;
    case 5: {
      if (size % 8 !== 0) return undefined;
      const blocks: [number, number][] = [];
      for (let block = at; block < at + size; block += 8) {
        blocks.push([view.getUint32(block), view.getUint32(block + 4)]);
      }
      return { type, name: 'sack', data, blocks };
    }
    case 8:
      if (size !== 8) return undefined;
      return { type, name: 'timestamps', data, value: view.getUint32(at), echo: view.getUint32(at + 4) };
    case 19:
      return { type, name: 'md5', data };
    case 28: {
      if (size !== 2) return undefined;
      const bits = view.getUint16(at);
      return { type, name: 'user_timeout', data, timeout: bits & 0x7fff, minutes: bits > 0x7fff };
    }
    case 29:
      return { type, name: 'ao', data };
    case 30:
      return { type, name: 'mptcp', data };
    case 34:
      return { type, name: 'fast_open', data };
    default:
      return undefined;
  }
};

export const encode_tcp_option: Encode<TcpOptionFields> = (option, name) => {
  switch (option.name) {
    case 'mss':
      return made(2, (view) => view.setUint16(0, integer(option.mss, `${name}.mss`, 0, 0xffff)));
    case 'window_scale':
      return made(1, (view) => view.setUint8(0, integer(option.shift, `${name}.shift`, 0, 0xff)));
    case 'sack': {
      const blocks = array(option.blocks, `${name}.blocks`);
      return made(blocks.length * 8, (view) => {
        for (const [i, block] of blocks.entries()) {
          const [left, right] = array(block, `${name}.blocks[${i}]`, 2, 2);
          view.setUint32(i * 8, integer(left, `${name}.blocks[${i}][0]`, 0, 0xffffffff));
          view.setUint32(i * 8 + 4, integer(right, `${name}.blocks[${i}][1]`, 0, 0xffffffff));
        }
      });
    }
    case 'timestamps':
      return made(8, (view) => {
        view.setUint32(0, integer(option.value, `${name}.value`, 0, 0xffffffff));
        view.setUint32(4, integer(option.echo ?? 0, `${name}.echo`, 0, 0xffffffff));
      });
    case 'user_timeout':
      return made(2, (view) => {
        const timeout = integer(option.timeout, `${name}.timeout`, 0, 0x7fff);
        view.setUint16(0, timeout | (option.minutes ? 0x8000 : 0));
      });
    default:
      return undefined;
  }
};
