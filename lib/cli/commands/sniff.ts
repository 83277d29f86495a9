// bsd-sockets sniff: the packets of an interface, as a line each or as a capture file. The packet socket is in
// network/packet_socket.ts, the line in terminal/summary.ts.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { compile_filter, FilterError, hexdump, parse, show, write_capture } from '../../packet/index.js';
import { AF_UNSPEC, getaddrinfo, SOCK_STREAM } from '../../socket/index.js';
import { type Captured, type Filter, PacketSocket, socket_linktype } from '../network/packet_socket.js';
import { check_file, check_interface, command, until_interrupted } from '../terminal/command.js';
import { DONE, UsageError } from '../terminal/errors.js';
import { flag, integer, text, type Values } from '../terminal/options.js';
import { coloured, drained, print, print_json, print_stderr, printable } from '../terminal/output.js';
import { summarize } from '../terminal/summary.js';

const SNAPLEN_MAX = 262_144;
const SNAPLEN_MIN = 64;

const options = {
  interface: text('i', 'NAME', 'the interface', 'any'),
  count: integer('c', 'N', [1, 2 ** 31], 'end after so many packets'),
  filter: text('f', 'EXPRESSION', 'the same as an EXPRESSION at the end'),
  filter_file: text('F', 'FILE', 'a filter program, as `tcpdump -ddd` prints it'),
  write: text('w', 'FILE', 'write a capture file: pcap, or pcapng by its name; - is\nstandard output'),
  snaplen: integer('s', 'BYTES', [0, SNAPLEN_MAX], 'of a packet; 0: all of it', 65_535),
  buffer: integer('B', 'KIB', [4, 2 ** 20], 'that may wait in the kernel', 4096),
  no_promiscuous: flag('p', 'only what concerns this machine'),
  verbose: flag('v', 'all fields of all layers'),
  hex: flag('x', 'the bytes'),
  json: flag('', 'one JSON object a packet'),
};

type Options = Values<typeof options>;

/** Returns the addresses of a host. @throws gaierror */
function addresses_of(name: string): string[] {
  const rows = getaddrinfo(name, null, AF_UNSPEC, SOCK_STREAM);
  return rows.map(([, , , , [address]]) => address.replace(/%.*/, ''));
}

/** Returns the netmask of an interface, for `ip broadcast`. */
function netmask_of(device: string): string | undefined {
  return networkInterfaces()[device]?.find(({ family }) => family === 'IPv4')?.netmask;
}

/** Returns the filter program: compiled, or from a file; undefined without a filter. @throws UsageError, gaierror */
function filter_of(
  { filter, filter_file }: Options,
  operands: readonly string[],
  device: string | undefined,
): Filter | undefined {
  if (filter !== undefined && filter_file !== undefined) throw new UsageError('-f and -F exclude each other');
  if (operands.length > 0 && (filter ?? filter_file) !== undefined)
    throw new UsageError(`an expression and ${filter === undefined ? '-F' : '-f'} exclude each other`);
  if (filter_file !== undefined) {
    check_file(filter_file);
    return readFileSync(filter_file, 'utf8');
  }
  const expression = filter ?? operands.join(' ');
  if (expression.trim() === '') return undefined;
  try {
    const program = compile_filter(expression, {
      linktype: socket_linktype(device),
      live: true,
      resolve: addresses_of,
      ...(device !== undefined && { netmask: netmask_of(device) }),
    });
    const [, ...others] = program;
    // The only instruction refuses all packets.
    if (others.length === 0 && program[0]?.[3] === 0)
      throw new UsageError(`the filter is wrong: no packet of ${device ?? 'any interface'} fulfils it`);
    return program;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const [message, ...lines] = error.message.split('\n');
    throw new UsageError(`the filter is wrong: ${message}`, lines);
  }
}

const two_digits = (value: number) => String(value).padStart(2, '0');

/** Returns the local time of day, with microseconds. */
function time_of_day(time_ns: bigint): string {
  const date = new Date(Number(time_ns / 1_000_000n));
  const fraction = String((time_ns / 1000n) % 1_000_000n).padStart(6, '0');
  return `${two_digits(date.getHours())}:${two_digits(date.getMinutes())}:${two_digits(date.getSeconds())}.${fraction}`;
}

/** Returns the interface and the direction: "eth0 Out ". */
function source_text(captured: Captured): string {
  const { interface: device, outgoing } = captured.source();
  return `${printable(device)} ${outgoing ? 'Out ' : 'In  '}`;
}

class Printer {
  constructor(
    readonly options: Options,
    readonly linktype: number,
  ) {}

  print(captured: Captured): void {
    const { data, time_ns, length } = captured;
    const packet = parse(data, { linktype: this.linktype, length });
    const { json, verbose, hex, interface: selected } = this.options;
    const summary = summarize(packet, length);
    if (json) {
      const time = Number(time_ns) / 1e9;
      const { interface: device, outgoing } = captured.source();
      const head = {
        time,
        interface: device,
        direction: outgoing ? 'out' : 'in',
        length,
        captured: data.length,
        summary,
      };
      print_json({ ...head, layers: packet.layers, problems: packet.problems });
      return;
    }
    const where = selected === 'any' ? source_text(captured) : '';
    print(`${coloured('dim', time_of_day(time_ns))} ${where}${summary}`);
    if (verbose) print(`${show(packet).replaceAll(/^/gm, '  ')}\n`);
    if (hex) print(hexdump(data).replaceAll(/^/gm, '  '));
  }
}

export const { help, main } = command({
  detail: 'or of those an EXPRESSION selects as tcpdump does: tcp port 80 and not host 192.0.2.1',
  usage: ['[options] [EXPRESSION]'],
  operands: [0, Number.POSITIVE_INFINITY],
  options,
  notes: `Needs CAP_NET_RAW. Ctrl-C ends it and tells how many packets the kernel had no room for (-B). The VLAN tag that
the kernel takes off is put back.`,
  async run(values, operands) {
    if (values.snaplen > 0 && values.snaplen < SNAPLEN_MIN)
      throw new UsageError(`option -s takes 0, or a number from ${SNAPLEN_MIN} to ${SNAPLEN_MAX}`);
    const snaplen = values.snaplen || SNAPLEN_MAX;
    const device = values.interface === 'any' ? undefined : values.interface;
    if (device !== undefined) check_interface(device);
    const packets = await PacketSocket.open({
      interface: device,
      snaplen,
      filter: filter_of(values, operands, device),
      promiscuous: !values.no_promiscuous,
      buffer_size: values.buffer * 1024,
    });
    const interrupted = until_interrupted();
    const printer = new Printer(values, packets.linktype);
    const target = values.write === '-' ? 1 : values.write;
    const file =
      target === undefined ? undefined : write_capture(target, { linktype: packets.linktype, snaplen });
    print_stderr(`listening on ${values.interface}${values.write ? `, writing to ${values.write}` : ''}`);
    const wanted = values.count ?? Number.POSITIVE_INFINITY;
    let count = 0;
    try {
      while (count < wanted) {
        const batch = (await packets.receive(interrupted)).slice(0, wanted - count);
        count += batch.length;
        for (const each of batch) {
          if (file === undefined) printer.print(each);
          else file.write({ data: each.data, time_ns: each.time_ns, length: each.length });
        }
        await drained();
      }
    } catch (error) {
      if (!interrupted.aborted) throw error;
    } finally {
      try {
        file?.close();
      } finally {
        const statistics = packets.statistics();
        packets.close();
        print_stderr(`${count} packets captured`);
        print_stderr(`${statistics.packets} packets received by filter`);
        print_stderr(`${statistics.drops} packets dropped by kernel`);
      }
    }
    return DONE;
  },
});
