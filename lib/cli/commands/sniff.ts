// bsd-sockets sniff: the packets of an interface, as a line each or as a capture file. The packet socket is in
// network/packet_socket.ts, the line in terminal/summary.ts.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { hexdump, parse, show, write_capture } from '../../packet/index.js';
import { type Captured, filter_linktype, PacketSocket } from '../network/packet_socket.js';
import { check_file, check_interface, command, until_interrupted } from '../terminal/command.js';
import { DONE, Failure, UNUSABLE, UsageError } from '../terminal/errors.js';
import { flag, integer, text, type Values } from '../terminal/options.js';
import { coloured, drained, print, print_json, print_stderr, printable } from '../terminal/output.js';
import { summarize } from '../terminal/summary.js';

const options = {
  interface: text('i', 'NAME', 'the interface', 'any'),
  count: integer('c', 'N', [1, 2 ** 31], 'end after so many packets'),
  filter: text('f', 'EXPRESSION', 'only these packets, as tcpdump says it (needs tcpdump)'),
  filter_file: text('F', 'FILE', 'the same, from what `tcpdump -ddd` printed'),
  write: text('w', 'FILE', 'write a capture file: pcap, or pcapng by its name; - is\nstandard output'),
  snaplen: integer('s', 'BYTES', [64, 262_144], 'of a packet', 65_535),
  buffer: integer('B', 'KIB', [4, 2 ** 20], 'that may wait in the kernel', 4096),
  no_promiscuous: flag('p', 'only what concerns this machine'),
  verbose: flag('v', 'all fields of all layers'),
  hex: flag('x', 'the bytes'),
  json: flag('', 'one JSON object a packet'),
};

type Options = Values<typeof options>;

/** Returns the filter program, from a file or compiled by tcpdump; undefined without a filter. */
function filter_of({ filter, filter_file }: Options, device: string | undefined): string | undefined {
  if (filter !== undefined && filter_file !== undefined) throw new UsageError('-f and -F exclude each other');
  if (filter_file !== undefined) {
    check_file(filter_file);
    return readFileSync(filter_file, 'utf8');
  }
  if (filter === undefined) return undefined;
  const linktype = filter_linktype(device);
  try {
    const args = ['-y', linktype, '-ddd', filter];
    return execFileSync('tcpdump', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    const { code, stderr } = error as { code?: string; stderr?: string };
    if (code === 'ENOENT') {
      const remedy = 'install it, or give -F the output of `tcpdump -ddd` of another machine';
      throw new Failure(`-f needs tcpdump, which is not here: ${remedy}`, UNUSABLE);
    }
    throw new UsageError(`the filter is wrong: ${stderr?.trim().split('\n').at(-1) ?? error}`);
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
  usage: ['[options]'],
  operands: [0, 0],
  options,
  notes: `Needs CAP_NET_RAW. Ctrl-C ends it and tells how many packets the kernel had no room for (-B). The VLAN tag that
the kernel takes off is put back.`,
  async run(values) {
    const device = values.interface === 'any' ? undefined : values.interface;
    if (device !== undefined) check_interface(device);
    const packets = await PacketSocket.open({
      interface: device,
      snaplen: values.snaplen,
      filter: filter_of(values, device),
      promiscuous: !values.no_promiscuous,
      buffer_size: values.buffer * 1024,
    });
    const interrupted = until_interrupted();
    const printer = new Printer(values, packets.linktype);
    const target = values.write === '-' ? 1 : values.write;
    const file =
      target === undefined
        ? undefined
        : write_capture(target, { linktype: packets.linktype, snaplen: values.snaplen });
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
      file?.close();
    }
    const statistics = packets.statistics();
    packets.close();
    print_stderr(`${count} packets captured`);
    print_stderr(`${statistics.packets} packets received by filter`);
    print_stderr(`${statistics.drops} packets dropped by kernel`);
    return DONE;
  },
});
