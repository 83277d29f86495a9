// @ts-check
// The tests that fail on other processors, or with another C library in another runtime, through no fault of the library, as data: why,
// and which. What is qemu-user's passes on a kernel of the processor, and `npm run test:foreign -- arm64-kernel` says so.
import { boards } from './kernel/machines.mjs';
import { processors } from './targets.mjs';

/**
 * @typedef {object} Expectation
 * @property {string} reason
 * @property {string[]} on the targets
 * @property {string[]} tests their names: FILE > SUITE > NAME
 */

const KERNEL = 'test/unit/structs/kernel.test.ts';
const SOCKET = 'test/unit/socket/socket.test.ts';
const MESSAGE = 'test/unit/calls/message.test.ts';
const FILTERS = 'test/unit/socket/filters.test.ts';
const SEND_RECEIVE = 'test/unit/packet/send_receive.test.ts';
const ERRORS = 'test/unit/errors/errors.test.ts';
const NATIVE = 'test/unit/native';
const PROCESSORS = Object.keys(processors);
/** What runs in namespaces of enter.sh. */
const NAMESPACES = [...PROCESSORS, 'musl'];

/** @type {Expectation[]} */
export const expectations = [
  {
    reason:
      'qemu-user 7.2 takes other options than the kernel: an int for each, and not those that it does not know',
    on: PROCESSORS,
    tests: [
      `${SOCKET} > options: read, set to another value, read again > bytes, text, booleans and 8 bytes`,
      `${SOCKET} > options: read, set to another value, read again > a filter, as rows and as the text of tcpdump -ddd`,
      `${KERNEL} > options > groups of IPv4: joined once, left once`,
      `${KERNEL} > options > groups of IPv6`,
      `${KERNEL} > options > a datagram to a group arrives`,
      `${KERNEL} > options > tcp_info: as many fields as the kernel gives`,
      `${KERNEL} > options > packet sockets: statistics, membership`,
      `${KERNEL} > tcp_md5sig > both ends sign, and a wrong key or none is not answered`,
      `${KERNEL} > tcp_md5sig > a key for a whole network, and a key that is removed`,
      'test/unit/socket/borrow.test.ts > ioctl and filters',
      `${FILTERS} > SO_ATTACH_REUSEPORT_CBPF > the program picks the UDP socket by the payload`,
      `${FILTERS} > SO_ATTACH_REUSEPORT_CBPF > the program picks the TCP listener by the port of the client`,
      `${FILTERS} > SO_ATTACH_REUSEPORT_CBPF > detach_filter ends it, and is ENOENT without a program`,
      `${FILTERS} > PACKET_FANOUT_DATA > the program picks the packet socket`,
      `${FILTERS} > misuse > no group`,
      `${FILTERS} > misuse > null for option is the default`,
      // These set PACKET_IGNORE_OUTGOING.
      `${SEND_RECEIVE} > bytes and parsed packets are sent as they are`,
      `${SEND_RECEIVE} > on loopback: both versions, errors, an answer from the same port`,
      `${SEND_RECEIVE} > a redirect or a source quench is no answer: the reply that comes later is`,
    ],
  },
  {
    reason:
      'qemu-user 7.2 turns the bytes of an option around that is text (TCP_CONGESTION), as if it were an int',
    on: ['s390x'],
    tests: [
      'test/unit/socket/borrow.test.ts > a connection of node:net: options and names, and it goes on as before',
    ],
  },
  {
    reason: 'qemu-user 7.2 does not know the request SIOCOUTQNSD of ioctl',
    on: PROCESSORS,
    tests: ['test/unit/socket/ioctl.test.ts > an int, of null > SIOCOUTQ and SIOCOUTQNSD: bytes to send'],
  },
  {
    reason: 'qemu-user 7.2 names no heap in /proc/self/maps, whose growth these measure',
    on: PROCESSORS,
    tests: [
      'test/unit/socket/large_blocks.test.ts > after large receives malloc keeps what is freed',
      'test/unit/socket/large_blocks.test.ts > but not if the user says how much it keeps',
    ],
  },
  {
    reason: 'qemu-user 7.2 translates few kinds of control messages, and the error queue needs them',
    on: PROCESSORS,
    tests: [
      `${KERNEL} > control messages > of IPv4: where to, TTL, TOS`,
      `${KERNEL} > control messages > times`,
      `${KERNEL} > control messages > the time of transmission comes by the error queue`,
      `${KERNEL} > control messages > how many datagrams were dropped`,
      `${KERNEL} > control messages > of packets: lengths, where headers begin`,
      'test/unit/socket/waiting.test.ts > readiness that a call does not take > an entry in the error queue, and no room: a send waits',
    ],
  },
  {
    reason: 'qemu-user 7.2 does not cut control messages for which there is no room, as the kernel does',
    on: PROCESSORS,
    tests: [
      `${MESSAGE} > a pair of streams > has the kernel close what there is no room for`,
      `${MESSAGE} > a pair of streams > gives the last control message as far as it fits`,
      `${MESSAGE} > a pair of streams > gives two control messages, the second cut`,
      `${MESSAGE} > a pair of streams > carries any number of descriptors and any data`,
    ],
  },
  {
    reason: 'qemu-user 7.2 does not send a message without buffers, and says that it has',
    on: PROCESSORS,
    tests: ['test/unit/calls/batch.test.ts > over AF_UNIX > sends and receives many'],
  },
  {
    reason: 'qemu-user 7.2 leaves the order of bytes as it is in control messages that it does not know',
    on: ['s390x'],
    tests: [
      `${MESSAGE} > datagrams > carry hop limit and destination over IPv6`,
      `${KERNEL} > control messages > of IPv6: where to, hop limit, traffic class`,
      `${KERNEL} > control messages > how much is left to read`,
      `${KERNEL} > control messages > where to, before a redirection, over IPv6`,
      `${KERNEL} > control messages > datagrams that came as one`,
      `${KERNEL} > encode_control gives the ancdata of sendmsg > IPv4: time to live, type of service, source address`,
      `${KERNEL} > encode_control gives the ancdata of sendmsg > IPv6: hop limit, traffic class, interface; also of promises`,
      `${KERNEL} > encode_control gives the ancdata of sendmsg > an unknown message goes as it is, and what the kernel refuses is its error`,
    ],
  },
  {
    reason:
      'qemu-user 7.2 does not translate the error of the error queue for 32 bits; it comes whole from a kernel of the processor',
    on: ['armv7l'],
    tests: [
      `${KERNEL} > control messages > IPv4: the error of a closed port, and who sent it`,
      `${KERNEL} > control messages > IPv6: the error of a closed port, and who sent it`,
    ],
  },
  {
    reason:
      'the length of a queue is set in the first user namespace alone, whatever network namespace the interface is in',
    on: NAMESPACES,
    tests: [
      'test/unit/socket/ioctl.test.ts > sets flags, MTU and address of an interface, in a network namespace of its own',
    ],
  },
  {
    reason: 'there is no route by which a broadcast would go: there is only loopback',
    on: [...NAMESPACES, ...Object.keys(boards)],
    tests: [`${ERRORS} > messages that help > broadcast`],
  },
  {
    reason: 'the texts of errors are those of musl, as they are in its C programs',
    on: ['musl'],
    tests: [
      `${ERRORS} > raised > with the call, its arguments, the address and the text of the system`,
      `${NATIVE}/descriptors.test.ts > a number that is no socket: blocking > is ENOTSOCK, EBADF, or "negative file descriptor"; the number stays its owner's, and none leaks`,
      `${NATIVE}/descriptors.test.ts > a number that is no socket: promises > is ENOTSOCK, EBADF, or "negative file descriptor"; the number stays its owner's, and none leaks`,
    ],
  },
  {
    reason: 'musl answers EAI_NODATA where glibc answers EAI_NONAME or EAI_ADDRFAMILY',
    on: ['musl'],
    tests: ['test/unit/socket/resolver.test.ts > getaddrinfo > an address of another family is a gaierror'],
  },
  {
    reason: 'Bun shows an error, and what is left open at the end of a program, in its own form',
    on: ['musl'],
    tests: [
      'test/unit/promises/promises.test.ts > closing > what is awaited keeps the process alive, an idle socket does not',
      `${NATIVE}/layout.test.ts > a change of the list > is refused: 'an unknown type'`,
      `${NATIVE}/layout.test.ts > a change of the list > is refused: 'a name that stands twice'`,
      `${NATIVE}/layout.test.ts > a change of the list > is refused: 'a constant without a value'`,
      `${NATIVE}/layout.test.ts > a change of the list > is refused: 'an unknown length'`,
    ],
  },
  {
    reason:
      'Bun gives no descriptor of a stream that is no socket, and serves HTTP on no listener that it is given',
    on: ['musl'],
    tests: [
      `${NATIVE}/descriptors.test.ts > a descriptor is closed, if the socket for it cannot be made > from_node of a stream that is no socket`,
      'test/unit/socket/connect.test.ts > to_node and from_node > node:http serves on a listening socket',
    ],
  },
  {
    reason:
      "musl's loader does not look at the processor, and a library for it has no name of glibc's that could be changed",
    on: ['musl'],
    tests: [
      `${NATIVE}/load.test.ts > a binary that is for another processor`,
      `${NATIVE}/load.test.ts > a binary that is for another C library`,
    ],
  },
  {
    reason: 'Bun takes no module as data: from its command line',
    on: ['musl'],
    tests: [`${NATIVE}/load.test.ts > another system: which modules need Linux`],
  },
];
