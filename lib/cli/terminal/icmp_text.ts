// Errors of ICMP and ICMPv6 as text: the sentences of iputils' ping, and the letters that traceroute(8) prints behind a time.
// The tables are indexed by the code of the message.
import { AF_INET6 } from '../../socket/index.js';

const sentences = (text: string) => text.trim().split(/,\s+/);
const UNREACHABLE = sentences(`
  Destination Net Unreachable, Destination Host Unreachable, Destination Protocol Unreachable,
  Destination Port Unreachable, Frag needed and DF set, Source Route Failed, Destination Net Unknown,
  Destination Host Unknown, Source Host Isolated, Destination Net Prohibited, Destination Host Prohibited,
  Destination Net Unreachable for Type of Service, Destination Host Unreachable for Type of Service,
  Packet filtered, Precedence Violation, Precedence Cutoff`);
const UNREACHABLE6 = sentences(`
  No route, Administratively prohibited, Beyond scope of source address, Address unreachable,
  Port unreachable, Source address failed ingress/egress policy, Reject route to destination`);
const REDIRECTS = sentences(`
  Redirect Network, Redirect Host, Redirect Type of Service and Network, Redirect Type of Service and Host`);
const PROBLEMS6 = sentences('Wrong header field, Unknown header, Unknown option');
const LETTERS = '!N,!H,!P,,!F,!S,!U,!W,!I,!A,!Z,!Q,!T,!X,!V,!C'.split(',');
const LETTERS6 = ['!N', '!X', '!S', '!H', '', '!A', '!R'];

// Types of errors, of ICMP and of ICMPv6.
const UNREACHABLE_TYPE = 3;
const TIME_EXCEEDED = 11;
const QUENCH = 4;
const REDIRECT = 5;
const UNREACHABLE6_TYPE = 1;
const TIME_EXCEEDED6 = 3;

/** An error message of ICMP or ICMPv6, from a raw socket or from an error queue. */
export interface IcmpError {
  readonly family: number;
  readonly type: number;
  readonly code: number;
  /** The MTU of the next hop, if the packet was too big. */
  readonly mtu?: number;
  /** The new next hop of a redirect; undefined if the kernel does not tell it. */
  readonly gateway?: string;
  /** The place of the wrong byte, of a parameter problem. */
  readonly pointer?: number;
}

/**
 * Returns whether the message is a notice: a source quench or a redirect. The packet that it quotes was forwarded, so its answer
 * may still come (RFC 792).
 */
export function is_notice({ family, type }: IcmpError): boolean {
  return family !== AF_INET6 && (type === QUENCH || type === REDIRECT);
}

/** Returns whether the error reports an expired time to live. */
export function is_time_exceeded({ family, type }: IcmpError): boolean {
  return type === (family === AF_INET6 ? TIME_EXCEEDED6 : TIME_EXCEEDED);
}

/** Returns whether the error reports a closed port. Then the packet reached the destination. */
export function is_port_unreachable({ family, type, code }: IcmpError): boolean {
  if (family === AF_INET6) return type === UNREACHABLE6_TYPE && code === 4;
  return type === UNREACHABLE_TYPE && code === 3;
}

/** Returns the MTU that an error reports, of a packet that was too big; undefined for another error. */
export function mtu_of({ family, type, code, mtu }: IcmpError): number | undefined {
  const is_too_big = family === AF_INET6 ? type === 2 : type === UNREACHABLE_TYPE && code === 4;
  return is_too_big ? mtu : undefined;
}

/** Returns the sentence of ping. */
export function describe_error({ family, type, code, mtu, gateway, pointer }: IcmpError): string {
  if (family === AF_INET6) {
    if (type === UNREACHABLE6_TYPE)
      return `Destination unreachable: ${UNREACHABLE6[code] ?? `Unknown code ${code}`}`;
    if (type === 2) return `Packet too big: mtu=${mtu ?? 0}`;
    if (type === TIME_EXCEEDED6)
      return `Time exceeded: ${code === 0 ? 'Hop limit' : 'Defragmentation failure'}`;
    if (type !== 4) return `Unknown ICMPv6 type ${type}`;
    return `Parameter problem: ${PROBLEMS6[code] ?? `code ${code}`}${pointer === undefined ? '' : ` at ${pointer}`}`;
  }
  if (type === UNREACHABLE_TYPE) {
    const text = UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`;
    return code === 4 ? `${text} (mtu = ${mtu ?? 0})` : text;
  }
  if (type === TIME_EXCEEDED) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
  if (type === QUENCH) return 'Source Quench';
  if (type === REDIRECT) {
    const text = REDIRECTS[code] ?? `Redirect, Bad Code: ${code}`;
    return gateway === undefined ? text : `${text}(New nexthop: ${gateway})`;
  }
  if (type !== 12) return `Bad ICMP type: ${type}`;
  return pointer === undefined ? 'Parameter problem' : `Parameter problem: pointer = ${pointer}`;
}

// The words of fping, by the code.
const FPING_UNREACHABLE = sentences(`
  ICMP Network Unreachable, ICMP Host Unreachable, ICMP Protocol Unreachable, ICMP Port Unreachable,
  ICMP Unreachable (Fragmentation Needed), ICMP Unreachable (Source Route Failed),
  ICMP Unreachable (Destination Network Unknown), ICMP Unreachable (Destination Host Unknown),
  ICMP Unreachable (Source Host Isolated), ICMP Unreachable (Communication with Network Prohibited),
  ICMP Unreachable (Communication with Host Prohibited), ICMP Unreachable (Network Unreachable For Type Of Service),
  ICMP Unreachable (Host Unreachable For Type Of Service), ICMP Unreachable (Communication Administratively Prohibited),
  ICMP Unreachable (Host Precedence Violation), ICMP Unreachable (Precedence cutoff in effect)`);

/** Returns the words of fping. */
export function fping_error(error: IcmpError): string {
  const { family, type, code } = error;
  if (family !== AF_INET6 && type === UNREACHABLE_TYPE)
    return FPING_UNREACHABLE[code] ?? `ICMP Unreachable (code ${code})`;
  if (is_time_exceeded(error)) return 'ICMP Time Exceeded';
  return `ICMP ${describe_error(error)}`;
}

/** Returns the letters of traceroute, such as '!H' or '!X'; '' for an expired time to live. */
export function annotation(error: IcmpError): string {
  const { family, type, code, mtu } = error;
  if (is_time_exceeded(error)) return '';
  if (family === AF_INET6) {
    if (type === 2) return `!F-${mtu ?? 0}`;
    return type === UNREACHABLE6_TYPE ? (LETTERS6[code] ?? `!<${code}>`) : `!<${type}-${code}>`;
  }
  if (type !== UNREACHABLE_TYPE) return `!<${type}-${code}>`;
  return code === 4 ? `!F-${mtu ?? 0}` : (LETTERS[code] ?? `!<${code}>`);
}
