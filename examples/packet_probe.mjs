// Packets by hand: sends an echo request, and a SYN to each port, and shows the answers. Sending them needs CAP_NET_RAW; without it
// the program says so and ends.
// packet_probe.mjs [ADDRESS [PORT…]]
import { icmp, icmpv6, ipv4, ipv6, send_receive, show, tcp } from 'bsd-sockets/packet';
import * as socket from 'bsd-sockets/socket';

const [host = '127.0.0.1', ...ports] = process.argv.slice(2);
const dst = socket.getaddrinfo(host, null)[0]?.[4][0] ?? host;
const is_ipv6 = dst.includes(':');
const ip = is_ipv6 ? ipv6({ dst }) : ipv4({ dst });
const id = process.pid & 0xffff;

const greeting = [ip, (is_ipv6 ? icmpv6 : icmp).echo({ id, seq: 1 })];
const knocks = (ports.length > 0 ? ports : [9]).map((port) => [
  ip,
  tcp({
    src_port: 49_152 + (id & 0x3fff),
    dst_port: Number(port),
    flags: tcp.SYN,
    options: [{ name: 'mss', mss: 1460 }],
  }),
]);

/**
 * Returns the meaning of an answer: the state of the port, or the name of the ICMP message.
 *
 * @param {import('bsd-sockets/packet').Packet} received
 */
function meaning(received) {
  const segment = received.get('tcp');
  if (segment) return segment.flags & tcp.RST ? 'closed' : 'open';
  const error = received.get('icmp') ?? received.get('icmpv6');
  return error?.name.replaceAll('_', ' ');
}

try {
  const { answered, unanswered } = await send_receive([greeting, ...knocks], { timeout: 1, retries: 1 });
  for (const [sent, received, seconds] of answered) {
    const [, probe] = sent;
    const what = probe?.layer === 'tcp' ? `port ${probe.dst_port}` : 'echo';
    console.log(`packets     ${dst} ${what}: ${meaning(received)}, after ${(seconds * 1000).toFixed(3)} ms`);
  }
  for (const sent of unanswered) console.log(`packets     no answer to\n${show(sent)}`);
} catch (error) {
  if (!(error instanceof socket.PermissionError)) throw error;
  console.log(`packets     left out: ${error.message}`);
}
