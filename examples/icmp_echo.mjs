// ICMP over a raw socket, as ping does. Raw sockets need CAP_NET_RAW; without it the program says so and ends.
import * as socket from 'bsd-sockets/socket';

const ECHO_REQUEST = 8;
const ECHO_REPLY = 0;

/**
 * Returns the checksum of RFC 1071: the ones' complement of the sum of all 16-bit words.
 *
 * @param {Buffer} bytes
 */
function checksum(bytes) {
  let sum = 0;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/**
 * Returns an echo request: type, code, checksum, identifier, sequence number, and 32 bytes of payload.
 *
 * @param {number} id
 * @param {number} seq
 */
function echo_request(id, seq) {
  const packet = Buffer.alloc(8 + 32);
  packet.writeUInt8(ECHO_REQUEST, 0);
  packet.writeUInt16BE(id, 4);
  packet.writeUInt16BE(seq, 6);
  packet.writeUInt16BE(checksum(packet), 2);
  return packet;
}

/** @param {string} host */
function ping(host) {
  const sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP);
  sock.settimeout(5);
  const id = process.pid & 0xffff;
  const start = performance.now();
  sock.sendto(echo_request(id, 1), [host, 0]);
  for (;;) {
    // A raw socket receives every ICMP packet of the machine with its IPv4 header: on the loopback its own request, too.
    const [packet, [from]] = sock.recvfrom(1024);
    const ms = performance.now() - start;
    const icmp = packet.subarray((packet.readUInt8(0) & 0x0f) * 4);
    if (icmp.readUInt8(0) !== ECHO_REPLY || icmp.readUInt16BE(4) !== id) continue;
    console.log(`ICMP        ${from} answered an echo request in ${ms.toFixed(3)} ms`);
    return sock.close();
  }
}

try {
  ping(process.argv[2] ?? '127.0.0.1');
} catch (error) {
  if (!(error instanceof socket.PermissionError)) throw error;
  console.log(`ICMP        left out: ${error.message}`);
}
