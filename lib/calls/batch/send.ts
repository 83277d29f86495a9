// Many messages out in one call: sendmmsg. A system call has one set of flags for its messages, so messages with other flags
// begin a new call. native/layout.txt has the layout of the rows.

import * as c from '../../constants.js';
import {
  ADDRESS_SIZE,
  addon,
  address_in,
  BATCH_LIMIT,
  cells,
  OUTGOING_ROW,
  OUTGOING_ROW_SIZE,
  SEGMENTS_REFUSED,
  STOPPING,
} from '../../native/addon.js';
import {
  array,
  type Bytes,
  check_attached,
  type Data,
  data,
  type Elements,
  elements,
  integer_or,
} from '../../util/validate.js';
import { type Address, ANY_ADDRESS, encode, type ResolveHost } from '../address.js';
import { type ControlMessage, flatten_control, taken_control } from '../control.js';
import { buffers_of, taken_buffers } from '../message.js';
import type { SocketBase } from '../socket_base.js';
import { pin } from '../waiting/zerocopy.js';

const INT_SIZE = Int32Array.BYTES_PER_ELEMENT;
const NO_BYTES = new Uint8Array(0);
const NO_CONTROL: readonly never[] = [];

/** Sockets whose way takes no runs of datagrams as one message (native/segments.h). They send each by itself from then on. */
const unsegmented = new WeakSet<SocketBase>();

/** What errors call the parts of a message. */
interface Names {
  readonly message: string;
  readonly buffers: string;
  readonly ancdata: string;
  readonly flags: string;
}

/** The names by the index of the message: made once, they would cost a fifth of a call. */
const all_names: Names[] = [];

function names_of(index: number): Names {
  const known = all_names[index];
  if (known !== undefined) return known;
  const message = `messages[${index}]`;
  const names: Names = {
    message,
    buffers: `${message}: buffers`,
    ancdata: `${message}: ancdata`,
    flags: `${message}: flags`,
  };
  all_names[index] = names;
  return names;
}

/** A message of sendmmsg: sendmsg's arguments. */
export type Message<F extends number = number> = readonly [
  buffers: Elements<Data>,
  ancdata?: Elements<ControlMessage> | null | undefined,
  flags?: number | null | undefined,
  address?: Address<F> | null | undefined,
];

/** The messages of one native call: consecutive ones with the same flags. */
class FlagGroup {
  readonly buffers: Bytes[] = [];
  readonly control: (number | Bytes)[] = [];
  readonly rows: number[] = [];
  addresses: Uint8Array = NO_BYTES;

  /** @param most the most messages that it may have */
  constructor(
    readonly flags: number,
    readonly most: number,
  ) {}

  get count(): number {
    return (this.rows.length * INT_SIZE) / OUTGOING_ROW_SIZE;
  }

  /** @param same_address whether the address is that of the message before, and not in `address_in` */
  add(buffers: readonly Bytes[], control_count: number, address_length: number, same_address: boolean): void {
    for (const view of buffers) this.buffers.push(view);
    if (same_address) this.#repeat_address(address_length);
    else if (address_length > 0) this.#add_address(address_length);
    const begin = this.rows.length;
    this.rows[begin + OUTGOING_ROW.buffer_count] = buffers.length;
    this.rows[begin + OUTGOING_ROW.control_count] = control_count;
    this.rows[begin + OUTGOING_ROW.address_length] = address_length;
  }

  #add_address(length: number): void {
    if (this.addresses.length === 0) this.addresses = new Uint8Array(this.most * ADDRESS_SIZE);
    this.addresses.set(address_in.subarray(0, length), this.count * ADDRESS_SIZE);
  }

  #repeat_address(length: number): void {
    const begin = this.count * ADDRESS_SIZE;
    this.addresses.copyWithin(begin, begin - ADDRESS_SIZE, begin - ADDRESS_SIZE + length);
  }

  /** Sends the group. Returns how many messages went out, or the native call's negative number. */
  send(s: SocketBase, timeout_ms: number): number {
    check_attached(this.buffers, 'buffers');
    const rows = new Uint8Array(new Int32Array(this.rows).buffer);
    const addresses = this.addresses.length > 0 ? this.addresses : new Uint8Array(this.count * ADDRESS_SIZE);
    cells[SEGMENTS_REFUSED] = 0;
    const count = addon.sendmmsg(
      s._fd,
      s._generation,
      this.buffers,
      this.control,
      rows,
      addresses,
      this.flags,
      timeout_ms,
      this.count > 1 && !unsegmented.has(s) ? 1 : 0,
    );
    if (cells[SEGMENTS_REFUSED] !== 0) unsegmented.add(s);
    if ((this.flags & c.MSG_ZEROCOPY) !== 0) this.#pin(s, count);
    return count;
  }

  /** Pins the memory of the first messages. */
  #pin(s: SocketBase, count: number): void {
    let begin = 0;
    for (let i = 0; i < count; i++) {
      const row = (i * OUTGOING_ROW_SIZE) / INT_SIZE;
      const end = begin + (this.rows[row + OUTGOING_ROW.buffer_count] as number);
      pin(s, this.buffers.slice(begin, end));
      begin = end;
    }
  }
}

/**
 * Returns the messages of an iterable as an array, and those of an array, each with arrays in place of its iterables. The
 * kernel takes no more than BATCH_LIMIT in one call, and says how many it took. @throws TypeError
 */
export function taken_messages(messages: unknown): readonly unknown[][] {
  const all = elements(messages, 'messages', BATCH_LIMIT).slice(0, BATCH_LIMIT);
  return all.map((message, index) => {
    const names = names_of(index);
    const [buffers, ancdata, flags, address] = array(message, names.message, 1, 4);
    return [
      taken_buffers(buffers, names.buffers),
      taken_control(ancdata ?? NO_CONTROL, names.ancdata),
      flags,
      address,
    ];
  });
}

/** Checks the arguments of sendmmsg. @throws TypeError, RangeError, OSError */
export function check_sendmmsg(s: SocketBase, messages: unknown, flags: unknown): void {
  groups_of(s, messages, flags, ANY_ADDRESS, 0);
}

/**
 * sendmmsg -> how many messages went out, or the native call's negative number. @throws TypeError, RangeError, OSError
 *
 * @param cleared flags that no message is sent with
 */
export function sendmmsg(
  s: SocketBase,
  messages: unknown,
  flags: unknown,
  resolve: ResolveHost,
  timeout_ms: number,
  cleared = 0,
): number {
  let sent = 0;
  for (const group of groups_of(s, messages, flags, resolve, cleared)) {
    const count = group.send(s, timeout_ms);
    // As within one system call: an error behind sent messages is not reported. The next call gets the error again.
    if (count < 0) return sent > 0 && count !== STOPPING ? sent : count;
    sent += count;
    if (count < group.count) break;
  }
  return sent;
}

/** Returns the messages, checked: one group for each run of messages with the same flags. */
function groups_of(
  s: SocketBase,
  messages: unknown,
  flags: unknown,
  resolve: ResolveHost,
  cleared: number,
): FlagGroup[] {
  const common_flags = integer_or(0, flags, 'flags');
  const groups: FlagGroup[] = [];
  let last_address: unknown;
  let last_length = 0;
  const taken = taken_messages(messages);
  taken.forEach(([buffers, ancdata, own_flags, address], index) => {
    const names = names_of(index);
    const wanted_flags = (common_flags | integer_or(0, own_flags, names.flags)) & ~cleared;
    const views = buffers_of(buffers, names.buffers, 'sendmmsg', data);
    let group = groups.at(-1);
    if (group?.flags !== wanted_flags) {
      group = new FlagGroup(wanted_flags, taken.length - index);
      groups.push(group);
    }
    const control_count = flatten_control(ancdata, names.ancdata, group.control);
    // Many messages often go to one receiver, and encoding an address costs more than the rest of a message.
    const same_address = group.count > 0 && last_length > 0 && address === last_address;
    const no_address = address === undefined || address === null;
    if (!same_address) last_length = no_address ? 0 : encode(s.family, s.proto, address, 'sendmmsg', resolve);
    last_address = address;
    group.add(views, control_count, last_length, same_address);
  });
  return groups;
}
