// npm run bench:packet: builds, parses and filters packets with bsd-sockets/packet and with a DataView by hand, and sums bytes. Prints what one
// takes, and the speed of the library as a share of the loop's: all work that users see is done by both (checksums, addresses as text).
// `--quick` takes a second. On a machine that is busy otherwise: `chrt -r 20 taskset -c 1 node bench/packet.mjs` as root.
import {
  build,
  checksum,
  compile_filter,
  ethernet,
  ipv4,
  matches,
  parse,
  payload,
  tcp,
  udp,
} from 'bsd-sockets/packet';

const quick = process.argv.includes('--quick');
const SECONDS = quick ? 0.02 : 0.1;
const ROUNDS = quick ? 3 : 15;
const DATA = Buffer.alloc(64, 'x');
const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' };
const HOSTS = { src: '192.0.2.1', dst: '198.51.100.2' };

/** Words of 16 bits, one after the other. */
function plain_sum(view, start, end, sum) {
  let at = start;
  for (; at + 1 < end; at += 2) sum += view.getUint16(at);
  if (at < end) sum += view.getUint8(at) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

function set_mac(view, at, text) {
  for (const [i, part] of text.split(':').entries()) view.setUint8(at + i, Number.parseInt(part, 16));
}

function set_ip(view, at, text) {
  for (const [i, part] of text.split('.').entries()) view.setUint8(at + i, Number(part));
}

function get_mac(view, at) {
  return Array.from({ length: 6 }, (_, i) =>
    view
      .getUint8(at + i)
      .toString(16)
      .padStart(2, '0'),
  ).join(':');
}

function get_ip(view, at) {
  return `${view.getUint8(at)}.${view.getUint8(at + 1)}.${view.getUint8(at + 2)}.${view.getUint8(at + 3)}`;
}

function plain_build() {
  const bytes = Buffer.alloc(14 + 20 + 8 + DATA.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  set_mac(view, 0, MACS.dst);
  set_mac(view, 6, MACS.src);
  view.setUint16(12, 0x0800);
  view.setUint8(14, 0x45);
  view.setUint16(16, bytes.length - 14);
  view.setUint8(22, 64);
  view.setUint8(23, 17);
  set_ip(view, 26, HOSTS.src);
  set_ip(view, 30, HOSTS.dst);
  view.setUint16(24, ~plain_sum(view, 14, 34, 0) & 0xffff);
  view.setUint16(34, 1024);
  view.setUint16(36, 9);
  view.setUint16(38, 8 + DATA.length);
  bytes.set(DATA, 42);
  const pseudo = plain_sum(view, 26, 34, 17 + 8 + DATA.length);
  view.setUint16(40, ~plain_sum(view, 34, bytes.length, pseudo) & 0xffff || 0xffff);
  return bytes;
}

function plain_parse(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = (view.getUint8(14) & 15) * 4;
  const at = 14 + header;
  const length = view.getUint16(at + 4);
  const link = {
    layer: 'ethernet',
    dst: get_mac(view, 0),
    src: get_mac(view, 6),
    ethertype: view.getUint16(12),
  };
  const ip = {
    layer: 'ipv4',
    header_length: header,
    tos: view.getUint8(15),
    total_length: view.getUint16(16),
    id: view.getUint16(18),
    flags: view.getUint16(20) >>> 13,
    fragment_offset: (view.getUint16(20) & 0x1fff) * 8,
    ttl: view.getUint8(22),
    protocol: view.getUint8(23),
    checksum: view.getUint16(24),
    src: get_ip(view, 26),
    dst: get_ip(view, 30),
    checksum_ok: plain_sum(view, 14, at, 0) === 0xffff,
  };
  const datagram = {
    layer: 'udp',
    src_port: view.getUint16(at),
    dst_port: view.getUint16(at + 2),
    length,
    checksum: view.getUint16(at + 6),
    checksum_ok: plain_sum(view, at, at + length, plain_sum(view, 26, 34, 17 + length)) === 0xffff,
  };
  return [link, ip, datagram, { layer: 'payload', data: bytes.subarray(at + 8, at + length) }];
}

function plain_filter(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const type = view.getUint16(12);
  if (type === 0x86dd) return view.getUint8(20) === 17 && view.getUint16(56) === 9;
  if (type !== 0x0800 || view.getUint8(23) !== 17 || (view.getUint16(20) & 0x1fff) !== 0) return false;
  return view.getUint16(14 + (view.getUint8(14) & 15) * 4 + 2) === 9;
}

const packet_build = () =>
  build(ethernet(MACS), ipv4(HOSTS), udp({ src_port: 1024, dst_port: 9 }), payload(DATA));
const segment = build(
  ethernet(MACS),
  ipv4(HOSTS),
  tcp({ options: [{ name: 'nop' }, { name: 'nop' }, { name: 'timestamps', value: 1, echo: 2 }] }),
  payload(Buffer.alloc(1400)),
);

/** Calls a second. */
function rate(work) {
  let count = 0;
  const start = performance.now();
  const end = start + SECONDS * 1e3;
  while (performance.now() < end) for (let i = 0; i < 50; i++, count++) work();
  return count / ((performance.now() - start) / 1e3);
}

/** The best of several rounds for each, in turn. */
function compare(title, ours, theirs) {
  const best = [0, 0];
  for (let round = 0; round < ROUNDS; round++) {
    best[0] = Math.max(best[0], rate(ours));
    best[1] = Math.max(best[1], theirs ? rate(theirs) : 0);
  }
  const share = theirs ? `${(best[0] / best[1]).toFixed(2)} of a DataView by hand` : '';
  console.log(
    `${title.padEnd(44)} ${Math.round(1e9 / best[0])
      .toString()
      .padStart(8)} ns  ${share}`,
  );
}

const built = packet_build();
if (!built.equals(plain_build())) throw new Error('the loop builds something else');
compare('build Ethernet, IPv4, UDP, 64 B', packet_build, plain_build);
compare(
  'parse Ethernet, IPv4, UDP, 64 B',
  () => parse(built),
  () => plain_parse(built),
);
compare('parse Ethernet, IPv4, TCP with options, 1400 B', () => parse(segment));
const filter = compile_filter('udp dst port 9');
compare(
  'filter `udp dst port 9`',
  () => matches(filter, built),
  () => plain_filter(built),
);
const long_filter = compile_filter(
  'tcp port 80 and host 192.0.2.1 and tcp[tcpflags] & tcp-syn != 0 or udp port 53',
);
compare('filter by addresses, ports and flags', () => matches(long_filter, built));
compare('compile `tcp port 80 and not host 192.0.2.1`', () =>
  compile_filter('tcp port 80 and not host 192.0.2.1'),
);
for (const size of [64, 1500, 65_535]) {
  const bytes = Buffer.alloc(size, 7);
  const view = new DataView(bytes.buffer, bytes.byteOffset, size);
  compare(
    `checksum of ${size} B`,
    () => checksum(bytes),
    () => ~plain_sum(view, 0, size, 0) & 0xffff,
  );
}
