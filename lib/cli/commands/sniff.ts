// bsd-sockets sniff: the packets of an interface or of a capture file, as lines or as capture files, with tcpdump's options. The
// sources are in network/capture/ (packet_socket.ts, packet_file.ts), the files that are written in capture_files.ts there; what is
// printed is in terminal/packet_printer.ts, the text of each layer in terminal/lines/.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { compile_filter, FilterError, type FilterProgram } from '../../packet/index.js';
import { AF_UNSPEC, getaddrinfo, SOCK_STREAM } from '../../socket/index.js';
import { CaptureFiles } from '../network/capture/capture_files.js';
import { device_lines, device_of } from '../network/capture/devices.js';
import { PacketFile } from '../network/capture/packet_file.js';
import { type Direction, PacketSocket, socket_linktype } from '../network/capture/packet_socket.js';
import type { Batch, Captured, PacketSource } from '../network/capture/packet_source.js';
import { RingSource } from '../network/capture/ring_source.js';
import { check_file, check_interface, command, until_interrupted } from '../terminal/command.js';
import { DONE, UsageError } from '../terminal/errors.js';
import { counted, flag, integer, text, type Values } from '../terminal/options.js';
import { drained, flush_output, print, print_stderr } from '../terminal/output.js';
import { PacketPrinter } from '../terminal/packet_printer.js';

const SNAPLEN_MAX = 262_144;
const ANY = 'any';
const MEGABYTE = 1_000_000;
const KIB = 1024;
/** Bytes that wait in the kernel by default if there can be no ring. */
const SOCKET_BUFFER = 4096 * KIB;
const TIME_STYLES = 5;

const options = {
  interface: text('i', 'NAME', 'the interface, or its number in -D (any)'),
  read: text('r', 'FILE', 'read a capture file, pcap or pcapng, instead; - is standard input'),
  list_interfaces: flag('D', 'list the interfaces'),
  packets: integer('c', 'N', [1, 2 ** 31], 'end after so many packets'),
  filter: text('f', 'EXPRESSION', 'the same as an EXPRESSION at the end'),
  filter_file: text('F', 'FILE', 'an expression in a file, or a program as `tcpdump -ddd` prints it'),
  direction: text('Q', 'in|out|inout', 'only packets that come in, or that go out'),
  write: text('w', 'FILE', 'write a capture file: pcap, or pcapng by its name; - is standard output'),
  rotate_seconds: integer(
    'G',
    'SECONDS',
    [1, 2 ** 31],
    'begin another file after so long; %H%M%S and others of strftime in its name are the time',
  ),
  rotate_size: integer(
    'C',
    'MB',
    [1, 2 ** 31],
    'begin another file after so many 1,000,000 bytes; a number follows its name',
  ),
  file_count: integer('W', 'N', [1, 2 ** 31], 'with -C: keep the last N files; with -G: end after N files'),
  packet_buffered: flag('U', 'write each packet to the file at once'),
  print: flag('', 'print the packets, too, with -w'),
  snapshot_length: integer('s', 'BYTES', [0, SNAPLEN_MAX], 'of a packet; 0: all of it', 65_535),
  buffer_size: integer(
    'B',
    'KIB',
    [4, 2 ** 20],
    'that may wait in the kernel (32768; less where the kernel has no room for it)',
  ),
  no_promiscuous_mode: flag('p', 'only what concerns this machine'),
  verbose: counted('v', 'tell more of the headers; -vv and -vvv still more'),
  quiet: counted('q', 'tell less'),
  link_level: flag('e', 'tell the link-layer header'),
  ascii: counted('A', 'the bytes as text; -AA with the link-layer header'),
  hex: counted('x', 'the bytes in hexadecimal; -xx with the link-layer header'),
  hex_ascii: counted('X', 'the bytes in hexadecimal and as text; -XX likewise'),
  times: counted(
    't',
    'no times; -tt since 1970, -ttt since the packet before, -tttt with the date, -ttttt since the first packet',
  ),
  nano: flag('', 'times with nanoseconds'),
  number: flag('#', 'number the packets'),
  absolute_tcp_sequence_numbers: flag('S', 'as they are, not from the beginning of the connection'),
  dont_verify_checksums: flag('K', 'with -v'),
  layers: flag('', 'all fields of all layers'),
  json: flag('', 'one JSON object a packet'),
  count: flag('', 'print only how many packets a file (-r) has'),
  numeric: counted('n', 'no names for addresses and ports: always so'),
  no_domains: flag('N', 'likewise'),
  line_buffered: flag('l', 'print each line at once: always so'),
  immediate_mode: flag('', 'deliver packets at once: always so'),
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

/** The filter that the arguments give: an expression, or the text of a program. */
type Filter = { readonly expression: string } | { readonly program: string };

/** Returns the filter; undefined without one. @throws UsageError; the file system's error */
function filter_of({ filter, filter_file }: Options, operands: readonly string[]): Filter | undefined {
  if (filter !== undefined && filter_file !== undefined) throw new UsageError('-f and -F exclude each other');
  if (operands.length > 0 && (filter ?? filter_file) !== undefined)
    throw new UsageError(`an expression and ${filter === undefined ? '-F' : '-f'} exclude each other`);
  if (filter_file !== undefined) check_file(filter_file);
  const expression =
    filter_file === undefined ? (filter ?? operands.join(' ')) : readFileSync(filter_file, 'utf8');
  if (expression.trim() === '') return undefined;
  const is_program = filter_file !== undefined && /^\s*\d+(\s+\d+)*\s*$/.test(expression);
  return is_program ? { program: expression } : { expression };
}

/** Returns the program of a filter for a link type. @throws UsageError, gaierror */
function compiled(filter: Filter | undefined, linktype: number, live?: { device: string | undefined }) {
  if (filter === undefined) return undefined;
  if ('program' in filter) return filter.program;
  try {
    const netmask = live?.device === undefined ? undefined : netmask_of(live.device);
    const program = compile_filter(filter.expression, {
      linktype,
      live: live !== undefined,
      resolve: addresses_of,
      ...(netmask !== undefined && { netmask }),
    });
    if (refuses_all(program))
      throw new UsageError(`the filter is wrong: no packet of ${live?.device ?? 'any interface'} fulfils it`);
    return program;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    const [message, ...lines] = error.message.split('\n');
    throw new UsageError(`the filter is wrong: ${message}`, lines);
  }
}

/** Returns whether the only instruction refuses all packets. */
function refuses_all([first, ...others]: FilterProgram): boolean {
  return others.length === 0 && first?.[3] === 0;
}

/** Pairs of options of which one makes no sense with the other. */
const EXCLUDING: readonly (readonly [keyof Options, keyof Options])[] = [
  ['read', 'interface'],
  ['read', 'direction'],
  ['read', 'buffer_size'],
  ['read', 'no_promiscuous_mode'],
  ['json', 'layers'],
  ['json', 'ascii'],
  ['json', 'hex'],
  ['json', 'hex_ascii'],
  ['count', 'write'],
  ['count', 'json'],
  ['count', 'layers'],
];
/** Options that need another one. */
const NEEDING: readonly (readonly [keyof Options, keyof Options])[] = [
  ['count', 'read'],
  ['rotate_seconds', 'write'],
  ['rotate_size', 'write'],
  ['file_count', 'write'],
  ['print', 'write'],
];

const is_given = (value: unknown) => value !== undefined && value !== false && value !== 0;
const option_name = (name: keyof Options) =>
  options[name].short === '' ? `--${name.replaceAll('_', '-')}` : `-${options[name].short}`;

/** @throws UsageError for options that do not go together */
function check_options(values: Options): void {
  for (const [one, other] of EXCLUDING) {
    if (is_given(values[one]) && is_given(values[other]))
      throw new UsageError(`${option_name(one)} and ${option_name(other)} exclude each other`);
  }
  for (const [one, other] of NEEDING) {
    if (is_given(values[one]) && !is_given(values[other]))
      throw new UsageError(`${option_name(one)} needs ${option_name(other)}`);
  }
  const { rotate_seconds, rotate_size, file_count, write, times } = values;
  if (file_count !== undefined && (rotate_seconds ?? rotate_size) === undefined)
    throw new UsageError('-W needs -C or -G');
  if (write === '-' && (rotate_seconds ?? rotate_size) !== undefined)
    throw new UsageError('-C and -G need a file: standard output is one only');
  if (times > TIME_STYLES) throw new UsageError('-t is given at most five times: -ttttt');
}

/** Returns the direction. @throws UsageError */
function direction_of(value = 'inout'): Direction {
  const found = (['in', 'out', 'inout'] as const).find((each) => each === value.toLowerCase());
  if (found === undefined)
    throw new UsageError(`option -Q takes in, out or inout, not ${JSON.stringify(value)}`);
  return found;
}

/** Returns the source of the packets. @throws Failure, UsageError, OSError; the file system's error */
async function open_source(
  values: Options,
  filter: Filter | undefined,
  signal: AbortSignal,
): Promise<PacketSource> {
  if (values.read !== undefined) {
    if (values.read !== '-') check_file(values.read);
    return new PacketFile(values.read, { signal, filter_of: (linktype) => compiled(filter, linktype) });
  }
  const name = device_of(values.interface ?? ANY);
  const device = name === ANY ? undefined : name;
  if (device !== undefined) check_interface(device);
  const { packet_buffered, print: prints, write, buffer_size } = values;
  const given = {
    interface: device,
    snaplen: values.snapshot_length || SNAPLEN_MAX,
    filter: compiled(filter, socket_linktype(device), { device }),
    promiscuous: !values.no_promiscuous_mode,
    direction: direction_of(values.direction),
    signal,
  };
  const size = buffer_size === undefined ? undefined : buffer_size * KIB;
  const prompt = write === undefined || packet_buffered || prints === true;
  const ring = RingSource.open({ ...given, buffer_size: size, prompt });
  return ring ?? PacketSocket.open({ ...given, buffer_size: size ?? SOCKET_BUFFER });
}

const LINK_NAMES: Readonly<Record<number, string>> = {
  0: 'NULL (BSD loopback)',
  1: 'EN10MB (Ethernet)',
  12: 'RAW (Raw IP)',
  14: 'RAW (Raw IP)',
  101: 'RAW (Raw IP)',
  108: 'LOOP (OpenBSD loopback)',
  113: 'LINUX_SLL (Linux cooked v1)',
  228: 'IPV4 (Raw IPv4)',
  229: 'IPV6 (Raw IPv6)',
  276: 'LINUX_SLL2 (Linux cooked v2)',
};

/** Tells on standard error what is captured or read. */
function announce({ title }: PacketSource): void {
  if (title === undefined) return;
  const { text: what, linktype, snaplen } = title;
  print_stderr(
    `${what}, link-type ${LINK_NAMES[linktype] ?? linktype}, snapshot length ${snaplen || SNAPLEN_MAX}`,
  );
}

const packets_text = (count: number) => `${count} packet${count === 1 ? '' : 's'}`;

/** Returns the lines of the end, of a live capture. */
function statistics_lines(source: PacketSource, count: number): string[] {
  const statistics = source.statistics();
  if (statistics === undefined) return [];
  const { packets, drops } = statistics;
  return [
    `${packets_text(count)} captured`,
    `${packets_text(packets)} received by filter`,
    `${packets_text(drops)} dropped by kernel`,
  ];
}

/** What the packets of a source become: lines, a file, a number. */
class Capture {
  count = 0;
  readonly #source: PacketSource;
  readonly #files: CaptureFiles | undefined;
  readonly #printer: PacketPrinter | undefined;
  readonly #values: Options;
  #is_announced = false;

  constructor(source: PacketSource, files: CaptureFiles | undefined, values: Options) {
    this.#source = source;
    this.#files = files;
    this.#values = values;
    const prints = !values.count && (files === undefined || values.print);
    this.#printer = prints ? new PacketPrinter(printer_options(values)) : undefined;
  }

  /** Tells what the source is, once it is known, and opens the file to write. @throws the file system's error */
  begin(): void {
    const { title } = this.#source;
    if (this.#is_announced || title === undefined) return;
    this.#is_announced = true;
    this.#files?.open(title.linktype);
    announce(this.#source);
  }

  /** Handles the packets until the source ends, or enough are there. @throws Failure, OSError; the file system's error */
  async run(): Promise<void> {
    const wanted = this.#values.packets ?? Number.POSITIVE_INFINITY;
    this.begin();
    for await (const packets of this.#source) {
      this.begin();
      if (!this.#handle_whole(packets, wanted)) {
        for (const packet of packets) {
          if (!this.#handle(packet)) return;
          if (this.count >= wanted) return;
        }
      }
      if (this.count >= wanted) return;
      if (this.#values.packet_buffered) this.#files?.flush();
      await drained();
    }
    this.begin();
  }

  /** Writes a block as it is, if nothing else is to be done with its packets. @returns false if they are to be handled one by one */
  #handle_whole({ block }: Batch, wanted: number): boolean {
    if (block === undefined || this.#printer !== undefined || this.count + block.length > wanted)
      return false;
    const { length } = block;
    if (!this.#files?.write_block(block)) return false;
    this.count += length;
    return true;
  }

  /** @returns false if the capture is to end */
  #handle(packet: Captured): boolean {
    this.#files?.write(packet);
    if (this.#files?.ended.aborted) return false;
    this.count++;
    this.#printer?.print(packet, this.count);
    return true;
  }
}

function printer_options(values: Options) {
  return {
    ...values,
    absolute: values.absolute_tcp_sequence_numbers,
    unchecked: values.dont_verify_checksums,
    numbered: values.number,
  };
}

/** Calls the functions at the signals of tcpdump: SIGUSR1 tells the numbers, SIGUSR2 writes what is in memory. */
function watch_signals(tell: () => void, flush: () => void): () => void {
  process.on('SIGUSR1', tell);
  process.on('SIGUSR2', flush);
  return () => {
    process.off('SIGUSR1', tell);
    process.off('SIGUSR2', flush);
  };
}

const SECOND_MS = 1000;

/** Tells each second how many packets are written. @returns the function that ends it */
function watch_count(capture: Capture): () => void {
  let told = -1;
  const timer = setInterval(() => {
    if (capture.count === told) return;
    told = capture.count;
    process.stderr.write(`Got ${told}\r`);
  }, SECOND_MS);
  return () => clearInterval(timer);
}

export const { help, main } = command({
  detail: 'or of those an EXPRESSION selects as tcpdump does: tcp port 80 and not host 192.0.2.1',
  usage: ['[options] [EXPRESSION]', '-r FILE [options] [EXPRESSION]', '-D'],
  operands: [0, Number.POSITIVE_INFINITY],
  options,
  notes: `Options are those of tcpdump. To capture needs CAP_NET_RAW, to read a file (-r) nothing. Ctrl-C ends a capture and tells how
many packets the kernel had no room for (-B). The VLAN tag that the kernel takes off is put back.`,
  async run(values, operands) {
    if (values.list_interfaces) {
      for (const line of device_lines()) print(line);
      return DONE;
    }
    check_options(values);
    const filter = filter_of(values, operands);
    const { write, rotate_seconds: seconds, rotate_size, file_count } = values;
    const size = rotate_size === undefined ? undefined : rotate_size * MEGABYTE;
    const snaplen = values.read === undefined ? values.snapshot_length || SNAPLEN_MAX : SNAPLEN_MAX;
    const files =
      write === undefined
        ? undefined
        : new CaptureFiles(write, snaplen, { seconds, size, count: file_count });
    const interrupted = until_interrupted();
    const signal = files === undefined ? interrupted : AbortSignal.any([interrupted, files.ended]);
    const source = await open_source(values, filter, signal);
    const capture = new Capture(source, files, values);
    const told = () => print_stderr(statistics_lines(source, capture.count).join(', '));
    const ends = [watch_signals(told, () => files?.flush())];
    if (write !== undefined && values.verbose > 0 && values.read === undefined && !values.print)
      ends.push(watch_count(capture));
    try {
      await capture.run();
    } finally {
      for (const end of ends) end();
      flush_output();
      try {
        files?.close();
      } finally {
        // Behind the ^C that the terminal shows.
        if (interrupted.aborted && process.stderr.isTTY) print_stderr('');
        if (files?.ended.aborted) print_stderr(`Maximum file limit reached: ${file_count}`);
        for (const line of statistics_lines(source, capture.count)) print_stderr(line);
        source.close();
      }
    }
    if (values.count) print(packets_text(capture.count));
    return DONE;
  },
});
