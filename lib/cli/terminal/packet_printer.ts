// The output of sniff for people and programs: packets as lines of text, with their bytes, as all fields, or as JSON.
import { parse, show } from '../../packet/index.js';
import { characters, dumped, hexadecimal } from './lines/dump.js';
import { packet_text, Sequences, type Style } from './lines/index.js';
import { coloured, print_json, print_soon, printable } from './output.js';
import { Timestamps } from './timestamps.js';

/** A packet to print. */
export interface PrintedPacket {
  readonly data: Buffer;
  /** In nanoseconds since 1970; undefined if the capture has no time. */
  readonly time_ns: bigint | undefined;
  readonly length: number;
  readonly linktype: number;
  source(): { readonly interface?: string | undefined; readonly outgoing?: boolean | undefined };
}

/** What is printed, by the names of sniff's options. Numbers say how often an option is given. */
export interface PrinterOptions {
  readonly verbose: number;
  readonly quiet: number;
  readonly link_level: boolean;
  readonly absolute: boolean;
  readonly unchecked: boolean;
  readonly numbered: boolean;
  readonly ascii: number;
  readonly hex: number;
  readonly hex_ascii: number;
  readonly layers: boolean;
  readonly json: boolean;
  readonly times: number;
  readonly nano: boolean;
}

export class PacketPrinter {
  readonly #options: PrinterOptions;
  readonly #style: Style;
  readonly #times: Timestamps;

  constructor(options: PrinterOptions) {
    const { verbose, quiet, link_level, absolute, unchecked, hex, hex_ascii, times, nano } = options;
    this.#options = options;
    this.#times = new Timestamps(times, nano);
    this.#style = {
      verbose,
      quiet,
      link: link_level,
      unchecked,
      dumps: quiet === 0 && hex === 0 && hex_ascii === 0,
      sequences: absolute ? undefined : new Sequences(),
    };
  }

  /** Prints a packet. @param number that of the packet in the capture, from 1 */
  print(captured: PrintedPacket, number: number): void {
    const { data, time_ns = 0n, length, linktype } = captured;
    const packet = parse(data, { linktype, length });
    const origin = captured.source();
    const shown = { data, length, linktype, interface: origin.interface && printable(origin.interface) };
    const { text, link_header } = packet_text(packet, shown, this.#style);
    if (this.#options.json) {
      const direction = origin.outgoing === undefined ? undefined : origin.outgoing ? 'out' : 'in';
      const head = { time: Number(time_ns) / 1e9, interface: origin.interface, direction, length };
      const { layers, problems } = packet;
      print_json({ ...head, captured: data.length, summary: text, layers, problems });
      return;
    }
    const place = this.#options.numbered ? `${String(number).padStart(5)}  ` : '';
    const time = this.#times.text(time_ns);
    print_soon(`${place}${time === '' ? '' : coloured('dim', time)}${text}${this.#bytes(data, link_header)}`);
    if (this.#options.layers) print_soon(`${show(packet).replaceAll(/^/gm, '  ')}\n`);
  }

  /** Returns the bytes that -X, -x or -A ask for; given twice, they have the link-layer header. */
  #bytes(data: Buffer, link_header: number): string {
    const { hex_ascii, hex, ascii } = this.#options;
    const from = (count: number) => (count > 1 ? data : data.subarray(link_header));
    if (hex_ascii > 0) return dumped(from(hex_ascii), '\n\t');
    if (hex > 0) return hexadecimal(from(hex), '\n\t');
    if (ascii === 0 || from(ascii).length === 0) return '';
    return `\n${characters(from(ascii))}`;
  }
}
