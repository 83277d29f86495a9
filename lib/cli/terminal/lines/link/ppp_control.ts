// The messages that configure PPP (LCP, IPCP and others), and the header of MLPPP, as tcpdump tells them; the options are in
// ppp_options.ts.
import { hexadecimal } from '../dump.js';
import { flag_names, hex, ORGANIZATIONS } from '../names.js';
import type { Place } from '../place.js';
import { INVALID, type Walk, walked } from '../walk.js';
import { CONTROL_OPTIONS } from './ppp_options.js';
import { PPP_PROTOCOLS } from './ppp_protocols.js';

/** The protocols whose messages have this form: LCP, IPCP, OSICP, MPLSCP, IP6CP, CCP, BACP. */
export const CONTROLS: readonly number[] = [0xc021, 0x8021, 0x8023, 0x8281, 0x8057, 0x80fd, 0xc02b];
const CODES: readonly string[] = [
  ...['Vendor-Extension', 'Conf-Request', 'Conf-Ack', 'Conf-Nack', 'Conf-Reject', 'Term-Request', 'Term-Ack'],
  ...['Code-Reject', 'Prot-Reject', 'Echo-Request', 'Echo-Reply', 'Disc-Req', 'Ident', 'Time-Rem'],
  ...['Reset-Req', 'Reset-Ack'],
];
const [VENDOR, PROTOCOL_REJECT, ECHO, ECHO_REPLY, DISCARD, IDENTIFICATION, TIME] = [0, 8, 9, 10, 11, 12, 13];
/** Codes with options behind them: those of configuration; and without anything that is told. */
const CONFIGURING: readonly number[] = [1, 2, 3, 4];
const SILENT: readonly number[] = [5, 6, 7];
const HEADER = 4;
/** Bytes of the number of the protocol, which stands in front of the message. */
const NUMBER = 2;

/** Tells options up to the one that does not fit. */
function say_options(walk: Walk, protocol: number, length: number): void {
  const tell = CONTROL_OPTIONS[protocol];
  if (tell === undefined) return;
  let left = length - HEADER;
  for (let at = HEADER; left > 0; ) {
    const size = tell(walk, at, length);
    if (size === 0) return;
    if (left < size) {
      walk.say(` [remaining options length ${left} < ${size}]${INVALID}`);
      return;
    }
    left -= size;
    at += size;
  }
}

/** Tells what is behind the header. @param place the place of the message */
function say_data(walk: Walk, code: number, length: number, cut: string): void {
  const magic = () => walk.say(`\n\t  Magic-Num 0x${walk.hex(HEADER, 4)}`);
  switch (code) {
    case VENDOR: {
      if (length < 11) return;
      magic();
      const oui = walk.u24(8);
      walk.say(` Vendor: ${ORGANIZATIONS[oui] ?? 'Unknown'} (${oui})`);
      return;
    }
    case PROTOCOL_REJECT: {
      if (length < 6) return;
      const protocol = walk.u16(HEADER);
      walk.say(`\n\t  Rejected ${PPP_PROTOCOLS[protocol] ?? 'unknown'} Protocol (${hex(protocol, 4)})`);
      if (length === 6) return;
      walk.say('\n\t  Rejected Packet');
      walk.say_unknown(6, length - 2, '\n\t    ');
      return;
    }
    case ECHO:
    case ECHO_REPLY:
    case DISCARD:
      if (length < 8) return;
      magic();
      if (length === 8) return;
      walk.say('\n\t  -----trailing data-----');
      if (!walk.has(8, length - 8)) walk.stop(cut);
      walk.say_unknown(8, length - 8, '\n\t  ');
      return;
    case IDENTIFICATION:
      if (length < 8) return;
      magic();
      if (length === 8) return;
      walk.say('\n\t  Message\n\t    ');
      // tcpdump 4.99 takes four bytes too many for the message.
      if (!walk.say_some(8, length - 4)) walk.stop(cut);
      return;
    case TIME:
      if (length < 12) return;
      magic();
      walk.say(`, Seconds-Remaining ${walk.u32(8)}s`);
      return;
  }
  if (SILENT.includes(code) || walk.verbose > 1) return;
  walk.say(hexadecimal(with_number(walk.place).subarray(0, length + NUMBER), '\n\t  '));
}

/** Returns the bytes with the number of the protocol in front. */
function with_number(place: Place): Buffer {
  return place.before(Math.min(NUMBER, place.bytes.byteOffset)).bytes;
}

/** Returns the text of a message that configures PPP. */
export function control_text(protocol: number, place: Place): string {
  const { length } = place;
  const name = PPP_PROTOCOLS[protocol] ?? '';
  const cut = `[|${name}]`;
  return walked(place, 'ppp', (walk) => {
    walk.say(`${name}, `);
    if (length < HEADER || !walk.has(0, 2)) walk.stop(cut);
    const code = walk.u8(0);
    walk.say(
      `${CODES[code] ?? 'Unknown Opcode'} (${hex(code, 2)}), id ${walk.u8(1)}, length ${length + NUMBER}`,
    );
    if (walk.verbose === 0) return;
    const size = walk.u16(2);
    if (size < HEADER) walk.stop(`\n\tencoded length ${size} (< 4))`);
    if (size > length) walk.stop(`\n\tencoded length ${size} (> packet length ${length}))`);
    walk.say(`\n\tencoded length ${size} (=Option(s) length ${size - HEADER})`);
    if (size === HEADER) return;
    if (walk.verbose > 1) walk.say(hexadecimal(with_number(place).subarray(0, 6), '\n\t'));
    if (CONFIGURING.includes(code)) say_options(walk, protocol, size);
    else say_data(walk, code, size, cut);
  });
}

export const MULTILINK = 0x003d;
const FRAGMENT_FLAGS = [
  [0x80, 'begin'],
  [0x40, 'end'],
] as const;

/** Returns the text of a fragment of MLPPP. */
export function multilink_text(place: Place): string {
  const { length, bytes } = place;
  const name = place.style.link ? '' : 'MLPPP, ';
  if (length < 2 || bytes.length < 2) return `${name}[|mlppp]`;
  const head = bytes.readUInt16BE();
  const flags = flag_names(FRAGMENT_FLAGS, head >>> 8);
  return `${name}seq ${hex(head & 0xfff, 3)}, Flags [${flags}], length ${length}`;
}
