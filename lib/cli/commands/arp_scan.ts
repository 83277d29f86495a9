// bsd-sockets arp-scan: the hosts on the network of an interface, by an ARP request to each address. A host that can be reached
// at all answers ARP. Options and lines are those of the program arp-scan. Rates and rounds are in network/scan.ts; targets,
// vendors and lines in arp_scan/.
import { networkInterfaces } from 'node:os';
import { hardware_text, link_layer } from '../../calls/own_address.js';
import {
  type Arp,
  arp,
  build,
  compile_filter,
  ethernet,
  LINKTYPE_ETHERNET,
  parse,
  vlan,
} from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { getnameinfo } from '../../socket/index.js';
import { tpacket_stats } from '../../structs/index.js';
import { type Answer, line_of_answer, parse_format } from '../arp_scan/format.js';
import { check, type Options, options } from '../arp_scan/options.js';
import { find_targets, read_targets } from '../arp_scan/targets.js';
import { load_vendors, type Vendors } from '../arp_scan/vendors.js';
import type { AddressList } from '../network/address_list.js';
import { Scan } from '../network/scan.js';
import { check_interface, command } from '../terminal/command.js';
import { DONE, FAILED, Failure, INTERRUPTED, UNUSABLE, UsageError } from '../terminal/errors.js';
import { print, print_json, print_stderr, printable } from '../terminal/output.js';
import { version } from '../terminal/version.js';

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const FRAME_MAX = 128;
/** Requests a second without -i and -B: arp-scan's 256,000 bits a second. */
const RATE = 500;
const MS_PER_S = 1000;

/** The interface that sends, and its addresses. */
interface Link {
  readonly name: string;
  /** The IPv4 address; undefined if it has none. */
  readonly ip: string | undefined;
  readonly mac: string;
  /** The address with its prefix, 10.0.0.7/24; undefined if the interface has none. */
  readonly network: string | undefined;
}

function find_link(name: string | undefined): Link {
  if (name !== undefined) check_interface(name);
  for (const [each, addresses = []] of Object.entries(networkInterfaces())) {
    const found = addresses.find(({ family, internal }) => family === 'IPv4' && (!internal || each === name));
    if (found === undefined || (name !== undefined && each !== name)) continue;
    return { name: each, ip: found.address, mac: mac_of(each), network: found.cidr ?? undefined };
  }
  if (name === undefined) throw new UsageError('no interface has an IPv4 address; name one with -I');
  return { name, ip: undefined, mac: mac_of(name), network: undefined };
}

/** Returns the MAC address of an interface. @throws UsageError if it is not Ethernet; PermissionError */
function mac_of(name: string): string {
  const { type, address } = link_layer(name);
  if (type === socket.ARPHRD_ETHER) return hardware_text(address);
  throw new UsageError(`${name} is not an Ethernet interface, so it has no ARP`);
}

/** What a scan asks and prints with. */
interface Setting {
  readonly link: Link;
  readonly targets: AddressList;
  /** Undefined by -q. */
  readonly vendors: Vendors | undefined;
  readonly options: Options;
}

/** The numbers of `Scan`. */
interface Rounds {
  readonly rate: number;
  readonly wait: number;
  readonly retries: number;
}

class ArpScan extends Scan<typeof socket.AF_PACKET, Rounds> {
  readonly #setting: Setting;
  /** By position in the order of the requests: the number of the target. */
  readonly #order: Uint32Array;
  /** By number of the target: its position. */
  readonly #positions: Uint32Array;
  /** By position: how many answers came. */
  readonly #answers = new Map<number, number>();
  /** By position: the MAC addresses that answered. */
  readonly #owners = new Map<number, Set<string>>();
  readonly #text_of: (answer: Answer) => string;

  private constructor(sock: socket.socket<typeof socket.AF_PACKET>, setting: Setting) {
    const { targets, options } = setting;
    const { interval, bandwidth, timeout, retry, format } = options;
    const rounds = {
      rate: interval ?? bandwidth ?? RATE,
      wait: timeout / MS_PER_S,
      retries: retry - 1,
    };
    super({ family: socket.AF_INET, first: 0n, count: targets.count }, rounds, sock, FRAME_MAX);
    this.#setting = setting;
    this.#order = Uint32Array.from({ length: targets.count }, (_, i) => i);
    if (options.random) shuffle(this.#order);
    this.#positions = new Uint32Array(targets.count);
    this.#order.forEach((number, position) => {
      this.#positions[number] = position;
    });
    this.#text_of = format === undefined ? line_of_answer : parse_format(format);
  }

  /** Opens the socket of a scan. @throws PermissionError; OSError */
  static async open(setting: Setting): Promise<ArpScan> {
    const sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0);
    try {
      const { vlan: id } = setting.options;
      const replies = `${id === undefined ? '' : `vlan ${id} and `}arp[6:2] = ${arp.REPLY}`;
      sock.attach_filter(compile_filter(replies, { linktype: LINKTYPE_ETHERNET, live: true }));
      // The kernel has taken the VLAN tag away by the time it looks for sockets of one protocol.
      await sock.bind([setting.link.name, id === undefined ? socket.ETH_P_ARP : socket.ETH_P_ALL]);
      return new ArpScan(sock, setting);
    } catch (error) {
      sock.close();
      throw error;
    }
  }

  get answered(): number {
    return this.#answers.size;
  }

  get #is_limited(): boolean {
    return this.answered >= (this.#setting.options.limit ?? Number.POSITIVE_INFINITY);
  }

  protected is_finished(position: number): boolean {
    return this.#answers.has(position) || this.#is_limited;
  }

  /** Returns false without a limit: the answer of a second owner of an address may still come. */
  protected is_complete(): boolean {
    return this.#is_limited;
  }

  protected request(position: number): socket.Message<typeof socket.AF_PACKET> {
    const { link, targets, options } = this.#setting;
    const { srcaddr, destaddr, arpsha, arpspa, vlan: id } = options;
    const target_ip = targets.address_at(this.#order[position] as number);
    // 0.0.0.0: an ARP probe, as before an address is assigned.
    const sender_ip = arpspa === 'dest' ? target_ip : (arpspa ?? link.ip ?? '0.0.0.0');
    const link_header = ethernet({ src: srcaddr ?? link.mac, dst: destaddr ?? BROADCAST });
    const question = arp({ sender_mac: arpsha ?? link.mac, sender_ip, target_ip });
    const layers = id === undefined ? [link_header, question] : [link_header, vlan({ id }), question];
    return [[build(...layers)]];
  }

  protected on_message(batch: socket.MessageBatch<typeof socket.AF_PACKET>, i: number): void {
    const packet = parse(batch.data(i));
    const reply = packet.get('arp');
    if (reply === undefined) return;
    const number = this.#setting.targets.index_of(reply.sender_ip);
    const position = number === undefined ? undefined : this.#positions[number];
    if (position === undefined || !this.was_sent(position)) return;
    // --limit counts hosts, and ends the scan.
    if (this.#is_limited && !this.#answers.has(position)) return;
    const count = (this.#answers.get(position) ?? 0) + 1;
    this.#answers.set(position, count);
    const owners = this.#owners.get(position) ?? new Set();
    this.#owners.set(position, owners.add(reply.sender_mac));
    if (count > 1 && this.#setting.options.ignoredups) return;
    const source = packet.get('ethernet')?.src;
    const rest = packet.trailer;
    this.#print_answer(reply, {
      hdrmac: source === reply.sender_mac ? undefined : source,
      padding: rest?.some((byte) => byte !== 0) ? Buffer.from(rest).toString('hex') : undefined,
      dup: count > 1 ? count : undefined,
      milliseconds: this.round_trip_ms(position, batch, i),
    });
  }

  #print_answer(
    { sender_ip: ip, sender_mac: mac }: Arp,
    found: Pick<Answer, 'hdrmac' | 'padding' | 'dup'> & { readonly milliseconds: number },
  ): void {
    const { vendors, options } = this.#setting;
    const { resolve, rtt, json, vlan: id } = options;
    const vendor = vendors?.name_of(mac);
    const name = resolve ? host_name(ip) : undefined;
    const { milliseconds, ...seen } = found;
    this.progress.clear();
    if (json) {
      const duplicate = found.dup !== undefined;
      print_json({
        type: 'answer',
        address: ip,
        name,
        mac,
        vendor,
        vlan: id,
        ...seen,
        milliseconds,
        duplicate,
      });
      return;
    }
    const time = rtt ? milliseconds.toFixed(3) : undefined;
    const text = this.#text_of({ ip, name, mac, vendor, vlan: id, ...seen, rtt: time });
    // The tabulators and line ends of the form are no control characters of a stranger.
    print(text);
  }

  /** Ends the scan: the interface cannot send. */
  protected on_refused(_number: number, error: socket.OSError): never {
    throw error;
  }

  protected print_statistics(seconds: number): void {
    const { link, targets, options } = this.#setting;
    const stats = this.sock.getsockopt(socket.SOL_PACKET, socket.PACKET_STATISTICS, tpacket_stats.size);
    const { packets, drops } = tpacket_stats.decode(stats);
    if (options.json) {
      const duplicates = [...this.#owners.values()].filter(({ size }) => size > 1).length;
      const { sent, answered } = this;
      const counts = {
        addresses: targets.count,
        sent,
        answered,
        duplicates,
        received: packets,
        dropped: drops,
      };
      print_json({ type: 'statistics', interface: link.name, ...counts, seconds });
    } else if (!options.plain) {
      const speed = (targets.count / seconds).toFixed(2);
      print();
      print(`${packets} packets received by filter, ${drops} packets dropped by kernel`);
      print(
        `Ending arp-scan ${version()}: ${targets.count} hosts scanned in ${seconds.toFixed(3)} seconds (${speed} hosts/sec). ${this.answered} responded`,
      );
    }
  }
}

function shuffle(numbers: Uint32Array): void {
  for (let i = numbers.length - 1; i > 0; i--) {
    const other = Math.floor(Math.random() * (i + 1));
    [numbers[i], numbers[other]] = [numbers[other] as number, numbers[i] as number];
  }
}

/** Returns the name of an address; the address if it has none. */
function host_name(ip: string): string {
  try {
    return printable(getnameinfo([ip, 0], 0)[0]);
  } catch (error) {
    if (error instanceof socket.OSError) return ip;
    throw error;
  }
}

/** Returns the texts of the targets: of the command line, of a file, or the network of the interface. */
function texts_of(operands: readonly string[], { file }: Options, link: Link): readonly string[] {
  if (file !== undefined) return read_targets(file);
  if (operands.length > 0) return operands;
  if (link.network === undefined) throw new UsageError(`${link.name} has no IPv4 address: which network?`);
  return [link.network];
}

export const { help, main } = command({
  usage: ['[options] [TARGET…]'],
  operands: [0, Number.POSITIVE_INFINITY],
  options,
  notes: `TARGET is an address, a name, 10.0.0.0/24, 10.0.0.0:255.255.255.0, 10.0.0.1-10.0.0.9 or 10.0.0.1-9; left out, it is the network
of the interface. Names of vendors come from the npm package oui-data, or from the Debian packages arp-scan or ieee-data. Needs CAP_NET_RAW.

Exit codes: 0 somebody answered (with -M: enough did), 1 nobody, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, operands) {
    check(values, operands);
    // A wrong form is told before the network is.
    if (values.format !== undefined) parse_format(values.format);
    const link = find_link(values.interface);
    const targets = await find_targets(texts_of(operands, values, link), values.numeric, (message) =>
      print_stderr(`WARNING: ${message} - target ignored`),
    );
    if (targets.count === 0) throw new Failure('No hosts to process.', UNUSABLE);
    const vendors = values.quiet ? undefined : load_vendors(values.ouifile, values.macfile);
    if (values.verbose && vendors !== undefined) print_stderr(`${vendors.count} prefixes of vendors`);
    const scan = await ArpScan.open({ link, targets, vendors, options: values });
    if (!values.plain && !values.json) {
      print(
        `Interface: ${printable(link.name)}, type: EN10MB, MAC: ${link.mac}, IPv4: ${link.ip ?? '(none)'}`,
      );
      print(`Starting arp-scan ${version()} with ${targets.count} hosts (bsd-sockets)`);
    }
    const code = await scan.run();
    if (values.limit === undefined || code === INTERRUPTED) return code;
    return scan.answered >= values.limit ? DONE : FAILED;
  },
});
