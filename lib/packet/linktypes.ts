// The link types that are parsed, with the numbers that capture files use: https://www.tcpdump.org/linktypes.html.

/** BSD loopback: an address family in the byte order of the machine. */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
/** PPP, RFC 1661, with or without the bytes that HDLC puts before it. */
export const LINKTYPE_PPP = 9;
/** PPP in HDLC-like framing, RFC 1662, or Cisco's HDLC. */
export const LINKTYPE_PPP_HDLC = 50;
/** PPPoE without the Ethernet header before it. */
export const LINKTYPE_PPP_ETHER = 51;
/** IPv4 or IPv6 without a header before it. */
export const LINKTYPE_RAW = 101;
/** OpenBSD loopback: an address family in network byte order. */
export const LINKTYPE_LOOP = 108;
/** Wi-Fi, IEEE 802.11. */
export const LINKTYPE_IEEE802_11 = 105;
/** Linux "cooked" captures, the older form: tcpdump -i any. */
export const LINKTYPE_LINUX_SLL = 113;
/** Wi-Fi with what the radio measured before it. */
export const LINKTYPE_IEEE802_11_RADIOTAP = 127;
/** CAN and CAN FD, as Linux has them. */
export const LINKTYPE_CAN_SOCKETCAN = 227;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
/** What the firewall of Linux logs: tcpdump -i nflog. */
export const LINKTYPE_NFLOG = 239;
/** Linux netlink: tcpdump -i nlmon0. */
export const LINKTYPE_NETLINK = 253;
/** Linux "cooked" captures: tcpdump -i any. */
export const LINKTYPE_LINUX_SLL2 = 276;
