// bsd-sockets arp-scan: who is on the network of an interface, by ARP requests to each address. Nobody can hide from these who wants
// to be reached at all.
import { networkInterfaces } from 'node:os';
import { hardware_text, link_layer } from '../../calls/own_address.js';
import { arp, build, ethernet, parse } from '../../packet/index.js';
import * as socket from '../../promises/index.js';
import { type AddressRange, address_at, index_of, parse_range } from '../network/address_range.js';
import { read_ancillary } from '../network/kernel_time.js';
import { BATCH, conduct, pace } from '../network/scan.js';
import {
  check_interface,
  command,
  type OptionTable,
  until_interrupted,
  type Values,
} from '../terminal/command.js';
import { DONE, FAILED, INTERRUPTED, UsageError } from '../terminal/errors.js';
import { complain, print, print_json } from '../terminal/output.js';
import { Progress } from '../terminal/progress.js';

const options = {
  interface: {
    type: 'text',
    short: 'i',
    value: 'NAME',
    help: 'the interface; left out: the first with an address',
  },
  source: {
    type: 'text',
    short: 's',
    value: 'ADDRESS',
    help: 'who asks; left out: the address of the interface',
  },
  ...pace(500, 0.5),
  quiet: { type: 'flag', short: 'q', help: 'the statistics only' },
  json: { type: 'flag', help: 'one JSON object an answer, and one for the statistics' },
} as const satisfies OptionTable;

type Options = Values<typeof options>;

const BROADCAST = 'ff:ff:ff:ff:ff:ff';
const FRAME_MAX = 128;
const ANCILLARY_SIZE = socket.CMSG_SPACE(16);
const NS_PER_MS = 1e6;
// ARP replies only: the operation, at byte 20 of the frame, is 2.
const REPLIES = [
  [0x28, 0, 0, 20],
  [0x15, 0, 1, 2],
  [0x06, 0, 0, 0xffff],
  [0x06, 0, 0, 0],
] as const;

/** The interface, and the network that it is in. */
interface Place {
  readonly name: string;
  /** The own address; 0.0.0.0 where it has none, which is how one asks before one has an address. */
  readonly ip: string;
  readonly mac: string;
  /** 10.0.0.7/24; undefined where it has no address. */
  readonly network: string | undefined;
}

function find_place(name: string | undefined): Place {
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

class Scan {
  readonly #range: AddressRange;
  readonly #options: Options;
  readonly #place: Place;
  readonly #sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0);
  readonly #progress = new Progress();
  /** By the address's number: when it was asked, in milliseconds since 1970, and the hardware addresses that answered. */
  readonly #asked: Float64Array;
  readonly #answers = new Map<number, Set<string>>();
  #sent = 0;

  constructor(range: AddressRange, place: Place, options: Options) {
    this.#range = range;
    this.#place = place;
    this.#options = options;
    this.#asked = new Float64Array(range.count);
  }

  get answered(): number {
    return this.#answers.size;
  }

  async run(interrupted: AbortSignal): Promise<void> {
    const { rate, wait, retries } = this.#options;
    const { count } = this.#range;
    try {
      await this.#prepare();
      const seconds = await conduct(
        {
          ...{ count, rate, wait, retries },
          is_settled: (number) => this.#answers.has(number),
          // One address may have two owners, so there is no end before the time is over.
          is_complete: () => false,
          send: (numbers, end) => this.#send(numbers, end),
          receive: (end) => this.#receive(end),
          progress: (done) => this.#progress.update(done, count, `${this.answered} answered`),
        },
        interrupted,
      );
      this.#progress.clear();
      this.#print_statistics(seconds);
    } finally {
      this.#sock.close();
    }
  }

  async #prepare(): Promise<void> {
    const { name } = this.#place;
    this.#sock.attach_filter(REPLIES);
    this.#sock.setsockopt(socket.SOL_SOCKET, socket.SO_TIMESTAMPNS, 1);
    await this.#sock.bind([name, socket.ETH_P_ARP]);
  }

  #request(number: number): Buffer {
    return build(
      ethernet({ src: this.#place.mac, dst: BROADCAST }),
      arp({
        sender_mac: this.#place.mac,
        sender_ip: this.#options.source ?? this.#place.ip,
        target_ip: address_at(this.#range, number),
      }),
    );
  }

  async #send(numbers: readonly number[], end: AbortSignal): Promise<void> {
    const messages = numbers.map(
      (number): socket.Message<typeof socket.AF_PACKET> => [[this.#request(number)]],
    );
    const now = performance.timeOrigin + performance.now();
    for (const number of numbers) this.#asked[number] = now;
    for (let done = 0; done < messages.length; ) {
      done += await this.#sock.sendmmsg(messages.slice(done), 0, { signal: end });
    }
    this.#sent += numbers.length;
  }

  async #receive(end: AbortSignal): Promise<never> {
    const batch = new socket.MessageBatch<typeof socket.AF_PACKET>(BATCH, FRAME_MAX, ANCILLARY_SIZE);
    for (;;) {
      const count = await this.#sock.recvmmsg_into(batch, 0, { signal: end });
      for (let i = 0; i < count; i++) this.#take(batch.data(i), read_ancillary(batch.ancdata(i)).at_ns);
    }
  }

  #take(frame: Buffer, at_ns: bigint): void {
    const reply = parse(frame).get('arp');
    if (reply === undefined) return;
    const number = index_of(this.#range, reply.sender_ip);
    if (number === undefined || this.#asked[number] === 0) return;
    const owners = this.#answers.get(number) ?? new Set();
    if (owners.has(reply.sender_mac)) return;
    owners.add(reply.sender_mac);
    this.#answers.set(number, owners);
    const { quiet, json } = this.#options;
    if (quiet) return;
    const { sender_ip: address, sender_mac: mac } = reply;
    const milliseconds = Math.max(0, Number(at_ns) / NS_PER_MS - (this.#asked[number] as number));
    const duplicate = owners.size > 1;
    this.#progress.clear();
    if (json) print_json({ type: 'answer', address, mac, milliseconds, duplicate });
    else print(`${address.padEnd(15)}  ${mac}  ${milliseconds.toFixed(3)} ms${duplicate ? '  (DUP!)' : ''}`);
  }

  #print_statistics(seconds: number): void {
    const { count: addresses } = this.#range;
    const duplicates = [...this.#answers.values()].filter(({ size }) => size > 1).length;
    const counts = { addresses, sent: this.#sent, answered: this.answered, duplicates };
    if (this.#options.json)
      print_json({ type: 'statistics', interface: this.#place.name, ...counts, seconds });
    else {
      const twice = duplicates > 0 ? `, ${duplicates} with more than one owner` : '';
      const words = `${addresses} addresses on ${this.#place.name}: ${this.answered} answered${twice}`;
      complain(`${words}; ${this.#sent} requests in ${seconds.toFixed(2)} s`);
    }
  }
}

export const arp_scan = command({
  usage: ['[options] [NETWORK]'],
  operands: [0, 1],
  options,
  notes: `NETWORK is 10.0.0.0/24, 10.0.0.1-10.0.0.9 or an address; left out, it is that of the interface. Needs CAP_NET_RAW.
Exit codes: 0 somebody answered, 1 nobody, 2 it could not begin, 130 Ctrl-C.`,
  async run(values, [network]) {
    const place = find_place(values.interface);
    const wanted = network ?? place.network;
    if (wanted === undefined) throw new UsageError(`${place.name} has no IPv4 address: which network?`);
    const range = parse_range(wanted);
    if (range.family !== socket.AF_INET) throw new UsageError('ARP is for IPv4 only');
    const scan = new Scan(range, place, values);
    const interrupted = until_interrupted();
    await scan.run(interrupted);
    if (interrupted.aborted) return INTERRUPTED;
    return scan.answered > 0 ? DONE : FAILED;
  },
});
