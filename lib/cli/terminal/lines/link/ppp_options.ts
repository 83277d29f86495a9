// The options of the protocols that configure PPP, as tcpdump tells them. A function that tells one returns its size, or 0 if no other
// option is to be told.
import { hex, type Names, ORGANIZATIONS } from '../names.js';
import type { Walk } from '../walk.js';
import { PPP_PROTOCOLS } from './ppp_protocols.js';

type OptionTeller = (walk: Walk, at: number, length: number) => number;
/**
 * Tells the data of an option of the size it has.
 *
 * @returns false if its bytes are not to be shown after it with -vv; 'last' if nothing is to be told behind it
 */
type DataTeller = (walk: Walk, at: number, size: number) => boolean | 'last';

const HEADER = 2;

/** The size of an option is not that of its kind. */
function bogus(walk: Walk, least: string, then: false | 'last'): false | 'last' {
  walk.say(` (length bogus, should be ${least})`);
  return then;
}

/** Returns the teller of an option of one size. */
const exactly =
  (bytes: number, then: false | 'last', text: (walk: Walk, at: number) => string): DataTeller =>
  (walk, at, size) => {
    if (size !== bytes) return bogus(walk, `= ${bytes}`, then);
    walk.say(`: ${text(walk, at)}`);
    return true;
  };
const at_least =
  (bytes: number, then: false | 'last', tell: DataTeller): DataTeller =>
  (walk, at, size) =>
    size < bytes ? bogus(walk, `>= ${bytes}`, then) : tell(walk, at, size);

const CHAP = 0xc223;
/** Protocols that log in and have no algorithm: PAP, EAP, SPAP and its predecessor. */
const LOGINS: readonly number[] = [0xc023, 0xc227, 0xc027, 0xc123];
const ALGORITHMS: Names = { 5: 'MD5', 128: 'MS-CHAPv1', 129: 'MS-CHAPv2' };
const LINK_QUALITY = 0xc025;
const CALLBACKS: Names = {
  0: 'UserAuth',
  1: 'DialString',
  2: 'LocalID',
  3: 'E.164',
  4: 'X.500',
  6: 'CBCP',
};
const ENDPOINTS: Names = { 0: 'Null', 1: 'Local', 4: 'Magic-Num-Block', 5: 'PSNDN' };

const login: DataTeller = (walk, at, size) => {
  const protocol = walk.u16(at + 2);
  // The number is missing in tcpdump's words.
  walk.say(`: ${PPP_PROTOCOLS[protocol] ?? 'Unknown Auth Proto (0x04x)'}`);
  if (protocol === CHAP) {
    const algorithm = walk.u8(at + 4);
    walk.say(`, ${ALGORITHMS[algorithm] ?? `Unknown Auth Alg ${algorithm}`}`);
  } else if (!LOGINS.includes(protocol)) walk.say_unknown(at, size, '\n\t');
  return true;
};

const endpoint: DataTeller = (walk, at, size) => {
  const kind = walk.u8(at + 2);
  if (kind === 2) {
    if (size !== 7) return bogus(walk, '= 7', 'last');
    walk.say(`: IPv4 ${walk.ipv4(at + 3)}`);
  } else if (kind === 3) {
    if (size !== 9) return bogus(walk, '= 9', 'last');
    walk.say(`: MAC ${walk.mac(at + 3)}`);
  } else walk.say(`: ${ENDPOINTS[kind] ?? `Unknown class ${kind}`}`);
  return true;
};

const LINK_NAMES: readonly string[] = [
  ...['Vend-Ext', 'MRU', 'ACCM', 'Auth-Prot', 'Qual-Prot', 'Magic-Num', 'deprecated(6)', 'PFC', 'ACFC'],
  ...['FCS-Alt', 'SDP', 'Num-Mode', 'deprecated(12)', 'Call-Back', 'deprecated(14)', 'deprecated(15)'],
  ...['deprecated(16)', 'MRRU', '12-Bit seq #', 'End-Disc', 'Proprietary', 'DCE-Id', 'MP+', 'Link-Disc'],
  ...['LCP-Auth-Opt', 'COBS', 'Prefix-elision', 'Multilink-header-Form', 'I18N', 'SDL-over-SONET/SDH'],
  'PPP-Muxing',
];
const LINK_OPTIONS: Readonly<Record<number, DataTeller>> = {
  0: at_least(6, false, (walk, at) => {
    const oui = walk.u24(at + 2);
    walk.say(`: Vendor: ${ORGANIZATIONS[oui] ?? 'Unknown'} (${oui})`);
    return true;
  }),
  1: exactly(4, false, (walk, at) => `${walk.u16(at + 2)}`),
  2: exactly(6, false, (walk, at) => `0x${walk.hex(at + 2, 4)}`),
  3: at_least(4, false, login),
  4: at_least(4, 'last', (walk, at) => {
    walk.say(walk.u16(at + 2) === LINK_QUALITY ? ': LQR' : ': unknown');
    return true;
  }),
  5: exactly(6, 'last', (walk, at) => `0x${walk.hex(at + 2, 4)}`),
  7: () => true,
  8: () => true,
  13: at_least(3, 'last', (walk, at) => {
    const kind = walk.u8(at + 2);
    walk.say(`: : Callback Operation ${CALLBACKS[kind] ?? 'Unknown'} (${kind})`);
    return true;
  }),
  17: exactly(4, 'last', (walk, at) => `${walk.u16(at + 2)}`),
  19: at_least(3, 'last', endpoint),
  23: exactly(4, 'last', (walk, at) => `0x${walk.hex(at + 2, 2)}`),
};

const COMPRESSIONS: Names = { 45: 'VJ-Comp', 97: 'IP Header Compression' };
const HEADER_COMPRESSION = 97;
const COMPRESSION_SIZE = 14;
const COMPRESSION_PARTS: Names = { 1: 'RTP-Compression', 2: 'Enhanced RTP-Compression' };

const compression: DataTeller = (walk, at, size) => {
  const protocol = walk.u16(at + 2);
  walk.say(`: ${COMPRESSIONS[protocol] ?? 'Unknown'} (${hex(protocol, 2)}):`);
  if (protocol !== HEADER_COMPRESSION) return true;
  if (size < COMPRESSION_SIZE) return bogus(walk, `>= ${COMPRESSION_SIZE}`, 'last');
  if (!walk.has(at + 2, COMPRESSION_SIZE)) {
    walk.say('[|ipcp]');
    return 'last';
  }
  const [tcp, other, period, time, header] = [4, 6, 8, 10, 12].map((offset) => walk.u16(at + offset));
  walk.say(`\n\t    TCP Space ${tcp}, non-TCP Space ${other}`);
  walk.say(`, maxPeriod ${period}, maxTime ${time}, maxHdr ${header}`);
  let left = size - COMPRESSION_SIZE;
  if (left === 0) return true;
  walk.say(`\n\t      Suboptions, length ${left}`);
  for (let part = at + COMPRESSION_SIZE; left >= 2; ) {
    const [kind, part_size] = [walk.u8(part), walk.u8(part + 1)];
    if (kind === 0 || part_size === 0) break;
    walk.say(`\n\t\t${COMPRESSION_PARTS[kind] ?? 'Unknown'} Suboption #${kind}, length ${part_size}`);
    if (left < part_size) {
      walk.say(` [remaining suboptions length ${left} < ${part_size}] (invalid)`);
      break;
    }
    left -= part_size;
    part += part_size;
  }
  return true;
};

const address = exactly(6, 'last', (walk, at) => walk.ipv4(at + 2));
const INTERNET_NAMES: Names = {
  1: 'IP-Addrs',
  2: 'IP-Comp',
  3: 'IP-Addr',
  4: 'Home-Addr',
  129: 'Pri-DNS',
  130: 'Pri-NBNS',
  131: 'Sec-DNS',
  132: 'Sec-NBNS',
};
const INTERNET_OPTIONS: Readonly<Record<number, DataTeller>> = {
  1: exactly(10, false, (walk, at) => `src ${walk.ipv4(at + 2)}, dst ${walk.ipv4(at + 6)}`),
  2: at_least(4, 'last', compression),
  3: address,
  4: address,
  129: address,
  130: address,
  131: address,
  132: address,
};

const IPV6_OPTIONS: Readonly<Record<number, DataTeller>> = {
  1(walk, at, size) {
    if (size !== 10) return bogus(walk, '= 10', false);
    const is_whole = walk.has(at + 2, 8);
    walk.say(is_whole ? `: ${walk.hex(at + 2, 8).replace(/.{4}\B/g, '$&:')}` : '[|ip6cp]');
    return is_whole || 'last';
  },
};

const COMPRESSION_NAMES: Names = {
  0: 'OUI',
  1: 'Pred-1',
  2: 'Pred-2',
  3: 'Puddle',
  16: 'HP-PPC',
  17: 'Stac-LZS',
  18: 'MPPC',
  19: 'Gand-FZA',
  20: 'V.42bis',
  21: 'BSD-Comp',
  23: 'LZS-DCP',
  24: 'MVRCA',
  25: 'DEC',
  26: 'Deflate',
  255: 'Reserved',
};
const COMPRESSION_OPTIONS: Readonly<Record<number, DataTeller>> = {
  21: at_least(3, false, (walk, at) => {
    const bits = walk.u8(at + 2);
    walk.say(`: Version: ${bits >>> 5}, Dictionary Bits: ${bits & 0x1f}`);
    return true;
  }),
  24: at_least(4, false, (walk, at) => {
    const bits = walk.u8(at + 2);
    const prefix = bits & 0x20 ? 'Enabled' : 'Disabled';
    walk.say(
      `: Features: ${bits >>> 6}, PxP: ${prefix}, History: ${bits & 0x1f}, #CTX-ID: ${walk.u8(at + 3)}`,
    );
    return true;
  }),
  26: at_least(4, false, (walk, at) => {
    const [window, check] = [walk.u8(at + 2), walk.u8(at + 3)];
    const method = window & 0xf;
    const name = `${method === 8 ? 'zlib' : 'unknown'} (${hex(method)})`;
    walk.say(`: Window: ${window >>> 4}K, Method: ${name}, MBZ: ${check >>> 2}, CHK: ${check & 3}`);
    return true;
  }),
};

const BANDWIDTH_OPTIONS: Readonly<Record<number, DataTeller>> = {
  1: exactly(6, false, (walk, at) => `Magic-Num 0x${walk.hex(at + 2, 4)}`),
};

/**
 * Returns what tells an option of a protocol.
 *
 * @param mark of an option that breaks off
 * @param title the words for an option by its number; undefined: it is told by its number only, and without data
 */
function options_of(
  mark: string,
  title: (option: number) => string | undefined,
  tellers: Readonly<Record<number, DataTeller>>,
): OptionTeller {
  return (walk, at, length) => {
    if (length < HEADER) return 0;
    if (!walk.has(at, HEADER)) {
      walk.say(`[|${mark}]`);
      return 0;
    }
    const [option, size] = [walk.u8(at), walk.u8(at + 1)];
    if (length < size) return 0;
    const name = title(option);
    if (name === undefined) {
      walk.say(`\n\tunknown LCP option ${hex(option, 2)}`);
      return size < HEADER ? 0 : size;
    }
    walk.say(`\n\t  ${name} Option (${hex(option, 2)}), length ${size}`);
    if (size < HEADER) {
      walk.say(' (length bogus, should be >= 2)');
      return 0;
    }
    const tell = tellers[option];
    const told = tell?.(walk, at, size);
    if (told === 'last') return 0;
    if (told === false) return size;
    if (tell === undefined || walk.verbose > 1) walk.say_unknown(at + HEADER, size - HEADER, '\n\t    ');
    return size;
  };
}

/** What tells an option, by the protocol: of those that are not here, no option is told. */
export const CONTROL_OPTIONS: Readonly<Record<number, OptionTeller>> = {
  49185: options_of('lcp', (option) => LINK_NAMES[option], LINK_OPTIONS),
  32801: options_of('ipcp', (option) => INTERNET_NAMES[option] ?? 'unknown', INTERNET_OPTIONS),
  32855: options_of('ip6cp', (option) => (option === 1 ? 'Interface-ID' : 'unknown'), IPV6_OPTIONS),
  33021: options_of('ccp', (option) => COMPRESSION_NAMES[option] ?? 'Unknown', COMPRESSION_OPTIONS),
  49195: options_of('bacp', (option) => (option === 1 ? 'Favored-Peer' : 'Unknown'), BANDWIDTH_OPTIONS),
};
