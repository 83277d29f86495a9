// bsd-sockets arp-scan: the hosts on the network of an interface, by an ARP request to each address. A host that can be reached
// at all answers ARP. Rates, rounds and batches are in network/scan.ts.
import { networkInterfaces } from 'node:os';
import { hardware_text, link_layer } from '../../calls/own_address.js';
import { arp, build, ethernet, parse } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { type AddressRange, address_at, index_of, parse_range } from '../network/address_range.js';
import { rate_options, Scan } from '../network/scan.js';
import { check_interface, command } from '../terminal/command.js';
import { UsageError } from '../terminal/errors.js';
import { flag, text, type Values } from '../terminal/options.js';
import { print, print_json, print_stderr } from '../terminal/output.js';

const options = {
  interface: text('i', 'NAME', 'the interface; left out: the first with an address'),
  source: text('s', 'ADDRESS', 'who asks; left out: the address of the interface'),
  ...rate_options(500, 0.5),
  quiet: flag('q', 'the statistics only'),
  json: flag('', 'one JSON object an answer, and one for the statistics'),
};

type Options = Values<typeof options>;

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const FRAME_MAX = 128;
// The BPF filter that accepts ARP replies only: the operation, at byte 20 of the frame, is 2.
const REPLIES = [
  [0x28, 0, 0, 20],
  [0x15, 0, 1, 2],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
] as const;

/** The interface that sends, and its addresses. */
interface Link {
  readonly name: string;
  /** The IPv4 address; 0.0.0.0 if it has none: an ARP probe, as before an address is assigned. */
  readonly ip: string;
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
  if (name === undefined) throw new UsageError('no interface has an IPv4 address; name one with -i');
  return { name, ip: '0.0.0.0', mac: mac_of(name), network: undefined };
}

/** Returns the MAC address of an interface. @throws UsageError if it is not Ethernet; PermissionError */
function mac_of(name: string): string {
  const { type, address } = link_layer(name);
  if (type === socket.ARPHRD_ETHER) return hardware_text(address);
  throw new UsageError(`${name} is not an Ethernet interface, so it has no ARP`);
}

class ArpScan extends Scan<typeof socket.AF_PACKET, Options> {
  readonly #link: Link;
  /** By address number: the MAC addresses that answered. */
  readonly #owners = new Map<number, Set<string>>();

  private constructor(
    range: AddressRange,
    options: Options,
    sock: socket.socket<typeof socket.AF_PACKET>,
    link: Link,
  ) {
    super(range, options, sock, FRAME_MAX);
    this.#link = link;
  }

  /** Opens the socket of a scan. @throws PermissionError; OSError */
  static async open(range: AddressRange, options: Options, link: Link): Promise<ArpScan> {
    const sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0);
    try {
      sock.attach_filter(REPLIES);
      await sock.bind([link.name, socket.ETH_P_ARP]);
      return new ArpScan(range, options, sock, link);
    } catch (error) {
      sock.close();
      throw error;
    }
  }

  protected get answered(): number {
    return this.#owners.size;
  }

  protected is_finished(number: number): boolean {
    return this.#owners.has(number);
  }

  /** Returns false: the answer of a second owner of an address may still come. */
  protected is_complete(): boolean {
    return false;
  }

  protected request(number: number): socket.Message<typeof socket.AF_PACKET> {
    const { mac, ip } = this.#link;
    const frame = build(
      ethernet({ src: mac, dst: BROADCAST }),
      arp({
        sender_mac: mac,
        sender_ip: this.options.source ?? ip,
        target_ip: address_at(this.range, number),
      }),
    );
    return [[frame]];
  }

  protected on_message(batch: socket.MessageBatch<typeof socket.AF_PACKET>, i: number): void {
    const reply = parse(batch.data(i)).get('arp');
    if (reply === undefined) return;
    const { sender_ip: address, sender_mac: mac } = reply;
    const number = index_of(this.range, address);
    if (number === undefined || !this.was_sent(number)) return;
    const owners = this.#owners.get(number) ?? new Set();
    if (owners.has(mac)) return;
    owners.add(mac);
    this.#owners.set(number, owners);
    const { quiet, json } = this.options;
    if (quiet) return;
    const milliseconds = this.round_trip_ms(number, batch, i);
    const duplicate = owners.size > 1;
    this.progress.clear();
    if (json) print_json({ type: 'answer', address, mac, milliseconds, duplicate });
    else print(`${address.padEnd(15)}  ${mac}  ${milliseconds.toFixed(3)} ms${duplicate ? '  (DUP!)' : ''}`);
  }

  /** Ends the scan: the interface cannot send. */
  protected on_refused(_number: number, error: socket.OSError): never {
    throw error;
  }

  protected print_statistics(seconds: number): void {
    const { count: addresses } = this.range;
    const duplicates = [...this.#owners.values()].filter(({ size }) => size > 1).length;
    const counts = { addresses, sent: this.sent, answered: this.answered, duplicates };
    if (this.options.json) print_json({ type: 'statistics', interface: this.#link.name, ...counts, seconds });
    else {
      const twice = duplicates > 0 ? `, ${duplicates} with more than one owner` : '';
      const words = `${addresses} addresses on ${this.#link.name}: ${this.answered} answered${twice}`;
      print_stderr(`${words}; ${this.sent} requests in ${seconds.toFixed(2)} s`);
    }
  }
}

export const { help, main } = command({
  usage: ['[options] [NETWORK]'],
  operands: [0, 1],
  options,
  notes: `NETWORK is 10.0.0.0/24, 10.0.0.1-10.0.0.9 or an address; left out, it is that of the interface. Needs CAP_NET_RAW.
Exit codes: 0 somebody answered, 1 nobody, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, [network]) {
    const link = find_link(values.interface);
    const wanted = network ?? link.network;
    if (wanted === undefined) throw new UsageError(`${link.name} has no IPv4 address: which network?`);
    const range = parse_range(wanted, true);
    if (range.family !== socket.AF_INET) throw new UsageError('ARP is for IPv4 only');
    const scan = await ArpScan.open(range, values, link);
    return scan.run();
  },
});
