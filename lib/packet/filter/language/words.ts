// The words of the filter language. See pcap-filter(7).

/** Words for the link layer; they mean the same. */
export const LINK_WORDS: readonly string[] = ['ether', 'link', 'ppp', 'slip', 'fddi', 'tr', 'wlan'];

/** Protocols that qualify an address or a port, are a condition, or have bytes to compute with. */
const PROTOCOL_WORDS =
  'ip ip6 arp rarp tcp udp sctp icmp icmp6 igmp igrp pim vrrp carp ah esp atalk aarp decnet lat sca moprc mopdl iso esis isis clnp l1 l2 iih lsp snp csnp psnp stp ipx netbeui radio' as const;
type Words<Text extends string> = Text extends `${infer Word} ${infer Rest}` ? Word | Words<Rest> : Text;
export type Protocol = Words<typeof PROTOCOL_WORDS> | 'ether';

const PROTOCOLS = new Map<string, Protocol>([
  ...PROTOCOL_WORDS.split(' ').map((word): [string, Protocol] => [word, word as Protocol]),
  ...LINK_WORDS.map((word): [string, Protocol] => [word, 'ether']),
  ['es-is', 'esis'],
  ['is-is', 'isis'],
]);

/** Returns the protocol of a word. */
export const protocol_of_word = (word: string): Protocol | undefined => PROTOCOLS.get(word);

const of_pf = 'on ifname rset ruleset rulenum srnr subrulenum reason action';
const of_atm = 'lane metac bcc oam oamf4 oamf4ec oamf4sc sc ilmic vpi vci connectmsg metaconnect';
const of_ss7 = 'fisu lssu lsu msu hfisu hlssu hmsu sio opc dpc sls hsio hopc hdpc hsls';
/** Words of link types that are not compiled for, and what these are. `rnr` is a type of LLC, too. */
export const FOREIGN_WORDS: ReadonlyMap<string, string> = new Map([
  ...`${of_pf} rnr`.split(' ').map((word): [string, string] => [word, 'the log of pf']),
  ...of_atm.split(' ').map((word): [string, string] => [word, 'ATM']),
  ...of_ss7.split(' ').map((word): [string, string] => [word, 'SS7']),
]);

const OTHER_WORDS =
  'src dst host net mask port portrange proto protochain gateway less greater byte broadcast multicast and or not len length inbound outbound ifindex vlan mpls pppoed pppoes geneve llc type subtype direction dir addr1 addr2 addr3 addr4 address1 address2 address3 address4 ra ta';

/** All words that are no names. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...PROTOCOLS.keys(),
  ...FOREIGN_WORDS.keys(),
  ...OTHER_WORDS.split(' '),
]);

/** Names of header fields and of their values. */
export const NAMED_NUMBERS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    icmptype: 0,
    icmpcode: 1,
    'icmp-echoreply': 0,
    'icmp-unreach': 3,
    'icmp-sourcequench': 4,
    'icmp-redirect': 5,
    'icmp-echo': 8,
    'icmp-routeradvert': 9,
    'icmp-routersolicit': 10,
    'icmp-timxceed': 11,
    'icmp-paramprob': 12,
    'icmp-tstamp': 13,
    'icmp-tstampreply': 14,
    'icmp-ireq': 15,
    'icmp-ireqreply': 16,
    'icmp-maskreq': 17,
    'icmp-maskreply': 18,
    icmp6type: 0,
    icmp6code: 1,
    'icmp6-destinationunreach': 1,
    'icmp6-packettoobig': 2,
    'icmp6-timeexceeded': 3,
    'icmp6-parameterproblem': 4,
    'icmp6-echo': 128,
    'icmp6-echoreply': 129,
    'icmp6-multicastlistenerquery': 130,
    'icmp6-multicastlistenerreportv1': 131,
    'icmp6-multicastlistenerdone': 132,
    'icmp6-routersolicit': 133,
    'icmp6-routeradvert': 134,
    'icmp6-neighborsolicit': 135,
    'icmp6-neighboradvert': 136,
    'icmp6-redirect': 137,
    'icmp6-routerrenum': 138,
    'icmp6-nodeinformationquery': 139,
    'icmp6-nodeinformationresponse': 140,
    'icmp6-ineighbordiscoverysolicit': 141,
    'icmp6-ineighbordiscoveryadvert': 142,
    'icmp6-multicastlistenerreportv2': 143,
    'icmp6-homeagentdiscoveryrequest': 144,
    'icmp6-homeagentdiscoveryreply': 145,
    'icmp6-mobileprefixsolicit': 146,
    'icmp6-mobileprefixadvert': 147,
    'icmp6-certpathsolicit': 148,
    'icmp6-certpathadvert': 149,
    'icmp6-multicastrouteradvert': 151,
    'icmp6-multicastroutersolicit': 152,
    'icmp6-multicastrouterterm': 153,
    tcpflags: 13,
    'tcp-fin': 0x01,
    'tcp-syn': 0x02,
    'tcp-rst': 0x04,
    'tcp-push': 0x08,
    'tcp-ack': 0x10,
    'tcp-urg': 0x20,
    'tcp-ece': 0x40,
    'tcp-cwr': 0x80,
  }),
);
