// The options of the IPv4 header that ping sends with -R and -T, and their text in replies, in the words of iputils' ping.

import type { Ipv4Option } from '../../packet/index.js';
import { AF_INET, inet_pton } from '../../socket/index.js';
import type { TIMESTAMPS } from './options.js';

/** The most bytes of options in a header. */
export const OPTIONS_SIZE = 40;
const RECORD_ROUTE = 7;
const TIMESTAMP = 68;
const NO_OPERATION = 1;
/** The flag of each form of the timestamp option. */
const FLAGS = { tsonly: 0, tsandaddr: 1, tsprespec: 3 } as const;
const NOT_STANDARD = 0x8000_0000;

/** Returns an option that has room for nine addresses of routers. */
export function record_route_option(): Buffer {
  const option = Buffer.alloc(OPTIONS_SIZE);
  option.set([NO_OPERATION, RECORD_ROUTE, OPTIONS_SIZE - 1, 4]);
  return option;
}

/** Returns an option that has room for the times of routers. @param routers those that write their time, up to four, with 'tsprespec' */
export function timestamp_option(which: (typeof TIMESTAMPS)[number], routers: readonly string[]): Buffer {
  const option = Buffer.alloc(OPTIONS_SIZE);
  const length = { tsonly: OPTIONS_SIZE, tsandaddr: OPTIONS_SIZE - 4, tsprespec: 4 + routers.length * 8 }[
    which
  ];
  option.set([TIMESTAMP, length, 5, FLAGS[which]]);
  routers.forEach((router, i) => {
    option.set(inet_pton(AF_INET, router), 4 + i * 8);
  });
  return option;
}

/** The text of the options of replies. The names of hosts are looked up by `named`. */
export class HeaderOptionText {
  #last_route = '';

  constructor(private readonly named: (address: string) => Promise<string>) {}

  /** Returns the text behind the line of a reply, which begins with a tab or a new line; '' without an option. */
  async of(options: readonly Ipv4Option[]): Promise<string> {
    let text = '';
    for (const option of options) {
      if (option.name === 'record_route') text += await this.#route(option);
      if (option.name === 'timestamp') text += await this.#times(option);
    }
    return text;
  }

  async #route({ pointer, addresses }: Extract<Ipv4Option, { name: 'record_route' }>): Promise<string> {
    const recorded = addresses.slice(0, Math.max(0, (pointer - 4) / 4));
    if (recorded.length === 0) return '';
    const key = recorded.join();
    if (key === this.#last_route) return '\t(same route)';
    this.#last_route = key;
    const lines = await Promise.all(recorded.map((address) => this.named(address)));
    return `\nRR: ${lines.map((line) => `\t${line}\n`).join('')}`;
  }

  async #times({
    pointer,
    overflow,
    flag,
    entries,
  }: Extract<Ipv4Option, { name: 'timestamp' }>): Promise<string> {
    const size = flag === 0 ? 4 : 8;
    const recorded = entries.slice(0, Math.max(0, (pointer - 5) / size));
    if (recorded.length === 0) return '';
    let text = '\nTS: ';
    let standard: number | undefined;
    let other: number | undefined;
    for (const { address, time } of recorded) {
      const host = address === undefined ? '' : `${await this.named(address)}\t`;
      const is_other = time >= NOT_STANDARD;
      const value = is_other ? time - NOT_STANDARD : time;
      const before = is_other ? other : standard;
      if (is_other) other = value;
      else standard = value;
      text += `\t${host}${before === undefined ? `${value} absolute` : value - before}${is_other ? ' not-standard' : ''}\n`;
    }
    return `${text}${overflow > 0 ? `Unrecorded hops: ${overflow}\n` : ''}`;
  }
}
