// Numbers of the protocols near the link, and of the captures of devices. Wi-Fi's are in wireless.ts.
import { can } from '../layers/devices/can.js';
import { chap, pap } from '../layers/ppp/authentication.js';
import { lcp } from '../layers/ppp/control.js';
import { pppoed } from '../layers/ppp/pppoe.js';
import { ethertype } from './internet.js';
import { bits, constants_of, type Meaning, type Meanings, one_of } from './meaning.js';

/** Access points of LLC. The lowest bit says a group, or a response. */
const ACCESS_POINTS = one_of({
  0: 'null',
  6: 'IP',
  66: 'STP',
  170: 'SNAP',
  224: 'IPX',
  240: 'NetBIOS',
  254: 'OSI',
  255: 'global',
});
const access_point: Meaning = (value, fields) =>
  ACCESS_POINTS(value, fields) ?? ACCESS_POINTS(value & 0xfe, fields);
const UNNUMBERED: Readonly<Record<number, string>> = {
  3: 'UI',
  15: 'DM',
  67: 'DISC',
  99: 'UA',
  111: 'SABME',
  135: 'FRMR',
  175: 'XID',
  227: 'TEST',
};
/** The low byte of the control field says the kind of the frame; its bit 0x10 is poll or final. */
const control: Meaning = (value) => {
  if ((value & 1) === 0) return 'I';
  if ((value & 3) === 3) return UNNUMBERED[value & 0xef];
  return ['RR', 'RNR', 'REJ'][(value >>> 2) & 3];
};
/** Flags of a bridge, with the role of the port in two of them. */
const bridge_flags: Meaning = (value, fields) => {
  const role = ['', 'alternate or backup port', 'root port', 'designated port'][(value >>> 2) & 3] ?? '';
  const set = bits({
    'topology change': 0x01,
    proposal: 0x02,
    learning: 0x10,
    forwarding: 0x20,
    agreement: 0x40,
    'topology change acknowledgement': 0x80,
  })(value, fields);
  return [set ?? '', role].filter((word) => word !== '').join(', ') || undefined;
};
const DEVICES = bits({
  other: 0x01,
  repeater: 0x02,
  bridge: 0x04,
  'access point': 0x08,
  router: 0x10,
  telephone: 0x20,
  'cable modem': 0x40,
  station: 0x80,
  'customer VLAN': 0x100,
  'service VLAN': 0x200,
  'two-port relay': 0x400,
});
const PPP_PROTOCOLS = one_of({
  33: 'IPv4',
  43: 'IPX',
  61: 'multilink',
  87: 'IPv6',
  253: 'compressed',
  641: 'MPLS',
  32801: 'IPCP',
  32855: 'IPV6CP',
  33021: 'CCP',
  33409: 'MPLSCP',
  49185: 'LCP',
  49187: 'PAP',
  49189: 'link quality report',
  49699: 'CHAP',
  49703: 'EAP',
});
const CODES = constants_of(lcp);
/** Kinds of interfaces of Linux. */
const INTERFACES = one_of({
  1: 'Ethernet',
  24: 'IEEE 1394',
  32: 'InfiniBand',
  280: 'CAN',
  512: 'PPP',
  768: 'IP in IP',
  769: 'IPv6 in IPv6',
  772: 'loopback',
  776: 'IPv6 in IPv4',
  778: 'GRE',
  801: '802.11',
  802: '802.11 with Prism',
  803: '802.11 with radiotap',
  823: 'GRE over IPv6',
  824: 'netlink',
  65534: 'none',
});
const DIRECTIONS = one_of({
  0: 'to this host',
  1: 'broadcast',
  2: 'multicast',
  3: 'to another host',
  4: 'sent by this host',
  5: 'looped back',
  6: 'to user space',
  7: 'to the kernel',
});
/** Families of addresses by Linux's numbers. */
const FAMILIES = { 2: 'IPv4', 3: 'ARP', 7: 'bridge', 10: 'IPv6' };
/** LINUX_SLL has small numbers for frames without an ethertype. */
const cooked: Meaning = (value, fields) =>
  ethertype(value, fields) ?? { 1: '802.3 without LLC', 4: 'LLC', 12: 'CAN', 13: 'CAN FD' }[value];

const ROUTE_OBJECTS: readonly (readonly [first: number, name: string])[] = [
  [16, 'LINK'],
  [20, 'ADDR'],
  [24, 'ROUTE'],
  [28, 'NEIGH'],
  [32, 'RULE'],
  [36, 'QDISC'],
  [40, 'TCLASS'],
  [44, 'TFILTER'],
  [48, 'ACTION'],
  [64, 'NEIGHTBL'],
  [80, 'NETCONF'],
  [84, 'MDB'],
  [88, 'NSID'],
  [104, 'NEXTHOP'],
];
const CONTROL = one_of({ 1: 'NOOP', 2: 'ERROR', 3: 'DONE', 4: 'OVERRUN' });
const ACTIONS = ['NEW', 'DEL', 'GET', 'SET'];

/** Types of messages below 16 are those of all families; 'of_route' are those of NETLINK_ROUTE. */
const route_message: Meaning = (value, fields) => {
  const [first, name] = ROUTE_OBJECTS.find(([number]) => number === (value & ~3)) ?? [];
  return first === undefined ? CONTROL(value, fields) : `RTM_${ACTIONS[value - first]}${name}`;
};
/** Flags of a request to get; others have other names for the bits from 0x100 on. */
const message_flags: Meaning = (value, fields) => {
  const type = 'type' in fields && typeof fields.type === 'number' ? fields.type : 0;
  const of_all = { REQUEST: 1, MULTI: 2, ACK: 4, ECHO: 8, DUMP_INTR: 0x10 };
  const of_get = { ROOT: 0x100, MATCH: 0x200, ATOMIC: 0x400 };
  const of_new = { REPLACE: 0x100, EXCL: 0x200, CREATE: 0x400, APPEND: 0x800 };
  const of_kind = type < 16 ? {} : [of_new, {}, of_get, {}][type & 3];
  return bits({ ...of_all, ...of_kind })(value, fields);
};

export const LINK: Meanings = {
  'ethernet.ethertype': ethertype,
  'vlan.ethertype': ethertype,
  'llc.dsap': access_point,
  'llc.ssap': access_point,
  'llc.control': control,
  'snap.oui': one_of({ 0: 'ethertype', 12: 'Cisco', 248: 'Cisco bridged', 32962: '802.1' }),
  'snap.protocol': ethertype,
  'stp.type': one_of({ 0: 'configuration', 2: 'rapid or multiple', 128: 'topology change' }),
  'stp.version': one_of({ 0: 'STP', 2: 'RSTP', 3: 'MSTP', 4: 'SPB' }),
  'stp.flags': bridge_flags,
  'stp.mst.flags': bridge_flags,
  'stp.instances.flags': bridge_flags,
  'lldp.chassis_id.subtype': one_of({
    1: 'chassis component',
    2: 'interface alias',
    3: 'port component',
    4: 'MAC address',
    5: 'network address',
    6: 'interface name',
    7: 'locally assigned',
  }),
  'lldp.port_id.subtype': one_of({
    1: 'interface alias',
    2: 'port component',
    3: 'MAC address',
    4: 'network address',
    5: 'interface name',
    6: 'agent circuit id',
    7: 'locally assigned',
  }),
  'lldp.capabilities.capabilities': DEVICES,
  'lldp.capabilities.enabled': DEVICES,
  'lldp.management_address.interface_subtype': one_of({ 1: 'unknown', 2: 'ifIndex', 3: 'system port' }),
  'cdp.capabilities.capabilities': bits({
    router: 0x01,
    'transparent bridge': 0x02,
    'source route bridge': 0x04,
    switch: 0x08,
    host: 0x10,
    IGMP: 0x20,
    repeater: 0x40,
    telephone: 0x80,
    'remotely managed': 0x100,
  }),
  'cdp.duplex.full': one_of({ 0: 'half', 1: 'full' }),
  'pppoed.code': constants_of(pppoed),
  'ppp.protocol': PPP_PROTOCOLS,
  'lcp.code': CODES,
  'ipcp.code': CODES,
  'ipv6cp.code': CODES,
  'lcp.authentication_protocol.protocol': PPP_PROTOCOLS,
  'lcp.quality_protocol.protocol': PPP_PROTOCOLS,
  'pap.code': constants_of(pap),
  'chap.code': constants_of(chap),
  'linux_sll.packet_type': DIRECTIONS,
  'linux_sll.arphrd_type': INTERFACES,
  'linux_sll.protocol': cooked,
  'linux_sll2.packet_type': DIRECTIONS,
  'linux_sll2.arphrd_type': INTERFACES,
  'linux_sll2.protocol': cooked,
  'loopback.family': one_of({ ...FAMILIES, 24: 'IPv6', 28: 'IPv6', 30: 'IPv6' }),
  'nflog.family': one_of(FAMILIES),
  'nflog.packet_header.hardware_protocol': ethertype,
  'nflog.packet_header.hook': one_of({
    0: 'prerouting',
    1: 'input',
    2: 'forward',
    3: 'output',
    4: 'postrouting',
  }),
  'nflog.hardware_type.type_of_hardware': INTERFACES,
  'netlink.packet_type': DIRECTIONS,
  'netlink.arphrd_type': INTERFACES,
  'netlink.family': one_of({
    0: 'ROUTE',
    2: 'USERSOCK',
    4: 'SOCK_DIAG',
    5: 'NFLOG',
    6: 'XFRM',
    7: 'SELINUX',
    9: 'AUDIT',
    10: 'FIB_LOOKUP',
    11: 'CONNECTOR',
    12: 'NETFILTER',
    15: 'KOBJECT_UEVENT',
    16: 'GENERIC',
    20: 'RDMA',
    21: 'CRYPTO',
  }),
  'netlink.messages.type': CONTROL,
  'netlink.messages.flags': message_flags,
  'netlink.messages of ROUTE.type': route_message,
  'netlink.messages of ROUTE.flags': message_flags,
  'can.flags': bits({ EXTENDED: can.EXTENDED, REMOTE: can.REMOTE, ERROR: can.ERROR }),
  'can.fd_flags': bits({ BIT_RATE_SWITCH: can.BIT_RATE_SWITCH, ERROR_STATE: can.ERROR_STATE, FD: can.FD }),
};
