// The names of numbers that several layers show, in the words of tcpdump: of ethertypes and IP protocols; and of sets of flags.

export type Names = Readonly<Record<number, string>>;
/** Flags with their names, in the order in which they are shown. */
export type Flags = readonly (readonly [bit: number, name: string])[];

export const ETHERTYPES: Names = {
  2048: 'IPv4',
  34887: 'MPLS unicast',
  34888: 'MPLS multicast',
  34525: 'IPv6',
  33024: '802.1Q',
  37120: '802.1Q-9100',
  34984: '802.1Q-QinQ',
  37376: '802.1Q-9200',
  35045: '802.1AE MACsec',
  2054: 'ARP',
  32821: 'Reverse ARP',
  25944: 'TEB',
  32923: 'Appletalk',
  33011: 'Appletalk ARP',
  33079: 'IPX',
  34827: 'PPP',
  34824: 'MPCP',
  34825: 'Slow Protocols',
  34915: 'PPPoE D',
  34916: 'PPPoE S',
  34958: 'EAPOL',
  34969: 'Realtek protocols',
  34927: 'MS NLB heartbeat',
  34928: 'Jumbo',
  35151: 'NSH',
  36864: 'Loopback',
  254: 'OSI',
  35074: 'CFM',
  35130: 'IEEE1905.1',
  35020: 'LLDP',
  35018: 'TIPC',
  34978: 'AoE',
  35063: 'PTP',
};

export const IP_PROTOCOLS: Names = {
  0: 'Options',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  8: 'EGP',
  9: 'IGRP',
  17: 'UDP',
  33: 'DCCP',
  41: 'IPv6',
  43: 'Routing',
  44: 'Fragment',
  46: 'RSVP',
  47: 'GRE',
  50: 'ESP',
  51: 'AH',
  55: 'Mobile IP',
  58: 'ICMPv6',
  62: 'Mobile IP (old)',
  88: 'EIGRP',
  89: 'OSPF',
  103: 'PIM',
  108: 'Compressed IP',
  112: 'VRRP',
  113: 'PGM',
  132: 'SCTP',
  135: 'Mobility',
  143: 'Ethernet',
};

/** Returns a number as "0x0800", with at least so many digits. */
export const hex = (value: number, digits = 0) => `0x${value.toString(16).padStart(digits, '0')}`;

/** Returns the names of the flags that are set, or `none`. */
export function flag_names(flags: Flags, value: number, separator = ', ', none = 'none'): string {
  const names = flags.filter(([bit]) => (value & bit) !== 0).map(([, name]) => name);
  return names.length === 0 ? none : names.join(separator);
}

/** Returns "ethertype IPv4 (0x0800)"; with -q, "IPv4". */
export function ethertype_name(type: number, quiet: number): string {
  const name = ETHERTYPES[type];
  if (quiet > 0) return name ?? `Unknown Ethertype (${hex(type, 4)})`;
  return `ethertype ${name ?? 'Unknown'} (${hex(type, 4)})`;
}

/** Returns bytes as tcpdump prints text: control characters as ^A, those above 127 as M-a. */
export function caret(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => {
    const low = byte & 0x7f;
    const is_printable = low >= 0x20 && low < 0x7f;
    return (
      (byte > 0x7f ? 'M-' : '') +
      (is_printable ? '' : '^') +
      String.fromCharCode(is_printable ? low : low ^ 0x40)
    );
  }).join('');
}

/** Returns a number of seconds as "1h2m3s". */
export function duration(seconds: number): string {
  const units = [
    [31_536_000, 'y'],
    [604_800, 'w'],
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'm'],
    [1, 's'],
  ] as const;
  let left = seconds;
  let text = '';
  for (const [size, name] of units) {
    if (left >= size) text += `${Math.floor(left / size)}${name}`;
    left %= size;
  }
  return text || '0s';
}
