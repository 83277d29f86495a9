// Hosts that do not exist, 10.77.2.100 and on: a packet socket in the namespace `far` answers echo requests to them in odd ways.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Topology } from './topology.js';

const FIRST = 100;
const LAST = 107;

// By the last number of the address. `error` quotes the request; its four bytes are the second word of the ICMP header.
const PROGRAM = `import * as s from 'bsd-sockets/socket';
  import { build, checksum, ethernet, icmp, ipv4, parse, payload } from 'bsd-sockets/packet';
  const sock = s.socket(s.AF_PACKET, s.SOCK_RAW, 0);
  sock.bind(['far0', s.ETH_P_IP]);
  console.error('ready');
  for (;;) {
    const frame = sock.recv(2000);
    const packet = parse(frame);
    const [link, ip, request] = ['ethernet', 'ipv4', 'icmp'].map((name) => packet.get(name));
    const host = ip?.dst.split('.')[3];
    if (request?.name !== 'echo' && host !== '107') continue;
    const send = (src, message) => {
      message.writeUInt16BE(0, 2);
      message.writeUInt16BE(checksum(message), 2);
      const layers = [ethernet({ src: link.dst, dst: link.src }), ipv4({ src, dst: ip.src, protocol: 1 }), payload(message)];
      sock.send(build(...layers));
    };
    const quoted = frame.subarray(14, 14 + 28);
    const error = (type, code, ...word) => send('10.77.2.2', Buffer.concat([Buffer.from([type, code, 0, 0, ...word]), quoted]));
    const message = Buffer.from(frame.subarray(34, 14 + ip.total_length));
    message[0] = 0;
    const reply = () => send(ip.dst, message);
    const ways = {
      100() { message[8 + 20] ^= 0xff; reply(); },
      101() { send(ip.dst, message.subarray(0, 8 + 28)); },
      102() { send('10.77.2.2', message); },
      103() { error(5, 1, 10, 77, 2, 77); reply(); },
      104() { error(4, 0, 0, 0, 0, 0); reply(); },
      105() { error(12, 0, 20, 0, 0, 0); },
      106() { reply(); reply(); },
      // A router that adds two MPLS labels and an unknown object.
      107() {
        const extensions = [
          { name: 'mpls', labels: [{ label: 24, ttl: 1 }, { label: 31, traffic_class: 2, bottom: true, ttl: 7 }] },
          { class: 9, type: 3, data: Buffer.from('0011223344556677', 'hex') },
        ];
        const message = icmp.time_exceeded({ quoted: frame.subarray(14, 14 + ip.total_length), extensions });
        sock.send(build(ethernet({ src: link.dst, dst: link.src }), ipv4({ src: '10.77.2.2', dst: ip.src }), message));
      },
    };
    ways[host]?.();
  }`;

/** Runs a function while the hosts answer. @returns its result */
export async function with_responder<R>(net: Topology, run: () => R | Promise<R>): Promise<R> {
  const mac = net.in(net.far, 'cat', '/sys/class/net/far0/address').trim();
  for (let host = FIRST; host <= LAST; host++) {
    net.in(net.router, 'ip', 'neigh', 'replace', `10.77.2.${host}`, 'lladdr', mac, 'dev', 'right0');
  }
  const node = [process.execPath, '--input-type=module', '-e', PROGRAM];
  const [file = '', ...args] = [...net.behind(net.far), ...node];
  const child = spawn(file, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    await once(child.stderr, 'data');
    return await run();
  } finally {
    child.kill();
  }
}
