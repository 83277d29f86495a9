// The link types that are parsed, with the numbers that capture files use: https://www.tcpdump.org/linktypes.html.

/** BSD loopback: an address family in the byte order of the machine. */
export const LINKTYPE_NULL = 0;
export const LINKTYPE_ETHERNET = 1;
/** IPv4 or IPv6 without a header before it. */
export const LINKTYPE_RAW = 101;
/** OpenBSD loopback: an address family in network byte order. */
export const LINKTYPE_LOOP = 108;
/** Linux "cooked" captures, the older form: tcpdump -i any. */
export const LINKTYPE_LINUX_SLL = 113;
export const LINKTYPE_IPV4 = 228;
export const LINKTYPE_IPV6 = 229;
/** Linux "cooked" captures: tcpdump -i any. */
export const LINKTYPE_LINUX_SLL2 = 276;
