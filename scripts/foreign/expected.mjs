// @ts-check
// The tests that fail on other processors through no fault of the library, as data: why, and which. All of them pass in the same
// namespaces without an emulator.

/**
 * @typedef {object} Expectation
 * @property {string} reason
 * @property {string[]} [on] the processors; all of them if it is not there
 * @property {string[]} tests their names: FILE > SUITE > NAME
 */

const KERNEL = 'test/unit/structs/kernel.test.ts';
const SOCKET = 'test/unit/socket/socket.test.ts';
const MESSAGE = 'test/unit/calls/message.test.ts';
const CAPTURES = 'test/unit/packet/captures.test.ts';

/** @type {Expectation[]} */
export const expectations = [
  {
    reason: 'qemu-user 7.2 knows neither preadv2 nor pwritev2: ENOSYS',
    tests: [
      `${SOCKET} > sendfile > a file that sendfile(2) does not take is read and sent`,
      `${SOCKET} > sendfile > a FIFO is waited for as long as the time-out allows`,
      `${SOCKET} > sendfile > misuse: a directory, a file that is not open for reading, a closed one are told as such`,
      `${SOCKET} > sendfile > a file that is read and sent: bytes_sent counts all, and the position is where sending ended`,
      `${CAPTURES} > sources > a path, more than once, also as a URL`,
      `${CAPTURES} > sources > a descriptor, which stays open`,
      `${CAPTURES} > sources > a pipe that does not block`,
      `${CAPTURES} > write_capture > a path: pcap, or pcapng by its name`,
      `${CAPTURES} > write_capture > a packet that a file says to be shorter than what it has of it is as long as that, and can be written`,
      `${CAPTURES} > write_capture > interfaces, comments, packets without a time`,
      `${CAPTURES} > write_capture > keeps no more than the limit of a packet, and its length`,
      `${CAPTURES} > write_capture > bytes alone were captured now`,
      `${CAPTURES} > write_capture > a descriptor stays open; flush writes what is there; more than memory holds is written`,
      `${CAPTURES} > write_capture > \`using\` closes`,
      `${CAPTURES} > write_capture > errors of the file system`,
      `${CAPTURES} > write_capture > a stream: waits until it drains`,
      `${CAPTURES} > write_capture > a pipe that does not block`,
      `${CAPTURES} > write_capture > misuse`,
      `${CAPTURES} > write_capture > what was written is read back`,
    ],
  },
  {
    reason:
      'qemu-user 7.2 takes other options than the kernel: an int for each, and not those that it does not know',
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
    ],
  },
  {
    reason: 'qemu-user 7.2 translates few kinds of control messages, and the error queue needs them',
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
    tests: [
      `${MESSAGE} > a pair of streams > has the kernel close what there is no room for`,
      `${MESSAGE} > a pair of streams > gives the last control message as far as it fits`,
      `${MESSAGE} > a pair of streams > gives two control messages, the second cut`,
      `${MESSAGE} > a pair of streams > carries any number of descriptors and any data`,
    ],
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
];
