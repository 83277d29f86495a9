// Numbers of the protocols of ports: DNS, DHCP, NTP, VXLAN, Geneve.
import { dhcp } from '../layers/dhcp/dhcp.js';
import { dhcp_options } from '../layers/dhcp/dhcp_options.js';
import { dhcpv6 } from '../layers/dhcp/dhcpv6.js';
import { dhcpv6_options } from '../layers/dhcp/dhcpv6_options.js';
import { dns } from '../layers/dns/dns.js';
import { geneve } from '../layers/tunnel/geneve.js';
import { vxlan } from '../layers/tunnel/vxlan.js';
import { ethertype, HARDWARE } from './internet.js';
import { bits, constants_of, type Meanings, one_of, types_of } from './meaning.js';

const { QR, AA, TC, RD, RA, Z, AD, CD } = dns;
const ALGORITHMS = one_of({
  1: 'RSAMD5',
  3: 'DSA',
  5: 'RSASHA1',
  6: 'DSA-NSEC3-SHA1',
  7: 'RSASHA1-NSEC3-SHA1',
  8: 'RSASHA256',
  10: 'RSASHA512',
  13: 'ECDSAP256SHA256',
  14: 'ECDSAP384SHA384',
  15: 'ED25519',
  16: 'ED448',
});
const DIGESTS = one_of({ 1: 'SHA-1', 2: 'SHA-256', 4: 'SHA-384' });
const KEY = bits({ zone: 0x100, revoked: 0x80, 'secure entry point': 1 });
const LEAP = one_of({
  1: 'last minute has 61 seconds',
  2: 'last minute has 59 seconds',
  3: 'not synchronized',
});
const ARCHITECTURES = one_of({
  0: 'x86 BIOS',
  6: 'x86 UEFI',
  7: 'x64 UEFI',
  9: 'EBC',
  10: 'Arm 32-bit UEFI',
  11: 'Arm 64-bit UEFI',
  16: 'x64 UEFI by HTTP',
  19: 'Arm 64-bit UEFI by HTTP',
});
const DHCP_TYPES = types_of(dhcp_options.table);
const DHCPV6_TYPES = types_of(dhcpv6_options.table);
const DHCPV6_MESSAGES = constants_of(dhcpv6);

export const SERVICE: Meanings = {
  'dns.flags': bits({ QR, AA, TC, RD, RA, Z, AD, CD }),
  'dns.opcode': one_of({ 0: 'QUERY', 1: 'IQUERY', 2: 'STATUS', 4: 'NOTIFY', 5: 'UPDATE', 6: 'DSO' }),
  'dns.rcode': one_of({
    0: 'NOERROR',
    1: 'FORMERR',
    2: 'SERVFAIL',
    3: 'NXDOMAIN',
    4: 'NOTIMP',
    5: 'REFUSED',
    6: 'YXDOMAIN',
    7: 'YXRRSET',
    8: 'NXRRSET',
    9: 'NOTAUTH',
    10: 'NOTZONE',
    11: 'DSOTYPENI',
  }),
  'dns.OPT.flags': bits({ DO: 0x8000 }),
  'dns.DNSKEY.flags': KEY,
  'dns.CDNSKEY.flags': KEY,
  'dns.DNSKEY.algorithm': ALGORITHMS,
  'dns.CDNSKEY.algorithm': ALGORITHMS,
  'dns.DS.algorithm': ALGORITHMS,
  'dns.CDS.algorithm': ALGORITHMS,
  'dns.RRSIG.algorithm': ALGORITHMS,
  'dns.DS.digest_type': DIGESTS,
  'dns.CDS.digest_type': DIGESTS,
  'dns.SSHFP.algorithm': one_of({ 1: 'RSA', 2: 'DSA', 3: 'ECDSA', 4: 'Ed25519', 6: 'Ed448' }),
  'dhcp.op': constants_of(dhcp, 'BOOTREQUEST', 'BOOTREPLY'),
  'dhcp.htype': HARDWARE,
  'dhcp.flags': bits({ BROADCAST: dhcp.BROADCAST }),
  'dhcp.message_type.value': constants_of(
    dhcp,
    ...['DISCOVER', 'OFFER', 'REQUEST', 'DECLINE', 'ACK', 'NAK', 'RELEASE', 'INFORM'],
  ),
  'dhcp.overload.value': one_of({ 1: 'file', 2: 'sname', 3: 'file and sname' }),
  'dhcp.netbios_node_type.value': one_of({ 1: 'B-node', 2: 'P-node', 4: 'M-node', 8: 'H-node' }),
  'dhcp.parameter_request_list.types': DHCP_TYPES,
  'dhcp.client_architecture.types': ARCHITECTURES,
  'dhcpv6.type': DHCPV6_MESSAGES,
  'dhcpv6.message.type': DHCPV6_MESSAGES,
  'dhcpv6.option_request.types': DHCPV6_TYPES,
  'dhcpv6.client_architecture.types': ARCHITECTURES,
  'dhcpv6.status_code.code': one_of({
    0: 'Success',
    1: 'UnspecFail',
    2: 'NoAddrsAvail',
    3: 'NoBinding',
    4: 'NotOnLink',
    5: 'UseMulticast',
    6: 'NoPrefixAvail',
  }),
  'ntp.leap': LEAP,
  'ntp.mode': one_of({
    1: 'symmetric active',
    2: 'symmetric passive',
    3: 'client',
    4: 'server',
    5: 'broadcast',
    7: 'private',
  }),
  'ntp.stratum': one_of({ 0: 'unspecified', 1: 'primary', 16: 'not synchronized' }),
  'ntp_control.leap': LEAP,
  'ntp_control.flags': bits({ RESPONSE: 0x80, ERROR: 0x40, MORE: 0x20 }),
  'ntp_control.opcode': one_of({
    1: 'read status',
    2: 'read variables',
    3: 'write variables',
    4: 'read clock variables',
    5: 'write clock variables',
    6: 'set trap',
    7: 'trap',
    8: 'configure',
    9: 'export configuration',
    10: 'read most recently used',
    11: 'read ordered list',
    12: 'request nonce',
    31: 'unset trap',
  }),
  'vxlan.flags': bits({ VNI: vxlan.VNI, GROUP: vxlan.GROUP }),
  'geneve.flags': bits({ CONTROL: geneve.CONTROL, CRITICAL: geneve.CRITICAL }),
  'geneve.protocol': ethertype,
};
