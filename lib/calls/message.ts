// Messages of several buffers with control messages: sendmsg, recvmsg, and send_fds, recv_fds and sendmsg_afalg, which use
// them. For blocking and promise sockets alike, as in transfer.ts: each function takes the time it may wait and returns its
// result, or the native call's negative number. Control messages are in control.ts, many messages in one call in batch/.
import { constants } from 'node:os';
import * as c from '../constants.js';
import { raise } from '../errors/raise.js';
import {
  addon,
  CONTROL_LENGTH,
  CONTROL_SIZE,
  cells,
  control,
  DESCRIPTOR_COUNT,
  MESSAGE_FLAGS,
  SCRATCH_SIZE,
  TIMED_OUT,
} from '../native/addon.js';
import { Deadline } from '../util/deadline.js';
import {
  type Bytes,
  type BytesLike,
  bytes,
  check_attached,
  type Data,
  data,
  descriptor,
  type Elements,
  elements,
  integer,
  integer_or,
  options_of,
  size,
} from '../util/validate.js';
import { is_options } from '../util/wait_options.js';
import { check_address, decode, encode, type ResolveHost, type ReturnedAddress } from './address.js';
import {
  all_descriptors,
  type ControlMessage,
  flatten_control,
  passed_descriptors,
  type ReceivedControlMessage,
  read_control,
  settle_descriptors,
} from './control.js';
import type { SocketBase } from './socket_base.js';
import type { SenderAddress } from './transfer.js';
import { allocate, filled, fits_scratch, take } from './waiting/received.js';
import { completion_of, pin, settle } from './waiting/zerocopy.js';

/** The result of recvmsg. */
export type ReceivedMessage<
  F extends number = number,
  K extends number = number,
  Flags extends number = number,
> = [data: Buffer, ancdata: ReceivedControlMessage[], msg_flags: number, address: SenderAddress<F, K, Flags>];
/** The same, of the callers below, which know who has a sender. */
export type Received<F extends number, Data = Buffer, Control = ReceivedControlMessage> = [
  data: Data,
  ancdata: Control[],
  msg_flags: number,
  address: ReturnedAddress<F>,
];
/** The result of recvmsg_into. */
export type ReceivedMessageInto<
  F extends number = number,
  K extends number = number,
  Flags extends number = number,
> = [
  nbytes: number,
  ancdata: ReceivedControlMessage[],
  msg_flags: number,
  address: SenderAddress<F, K, Flags>,
];
/** The result of recv_fds. */
export type ReceivedDescriptors<
  F extends number = number,
  K extends number = number,
  Flags extends number = number,
> = [msg: Buffer, fds: number[], msg_flags: number, address: SenderAddress<F, K, Flags>];

/** Keyword-only arguments of sendmsg_afalg. */
export interface AlgOptions {
  /** ALG_OP_ENCRYPT, ALG_OP_DECRYPT, … */
  op: number;
  /** The initialization vector. */
  iv?: BytesLike | string | null | undefined;
  /** How many of the bytes are associated data (AEAD). */
  assoclen?: number | null | undefined;
  /** MSG_*, MSG_MORE above all. */
  flags?: number | undefined;
}

const { EMSGSIZE, EOPNOTSUPP } = constants.errno;
const BUFFERS_MAX = 1024;
const SIZE_MAX = 0x7ffff000;
const INT_SIZE = 4;
// SCM_MAX_FD of the kernel: a message carries no more.
const DESCRIPTORS_MAX = 253;
// In bytes: room for the control messages that may come beside the descriptors (SCM_CREDENTIALS, SCM_SECURITY, time stamps).
const OTHER_CONTROL = 512;
/** The most messages of the error queue that are kept for recvmsg. */
const OTHERS_MAX = 1024;

/** Returns the buffers of an iterable as an array, and an array as it is. @throws TypeError */
export function taken_buffers(value: unknown, name = 'buffers'): readonly unknown[] {
  return elements(value, name, BUFFERS_MAX + 1);
}

/** Returns the buffers of a message, checked. @throws TypeError; OSError EMSGSIZE for more than the kernel takes, as the kernel */
export function buffers_of(
  value: unknown,
  name: string,
  syscall: string,
  check: (value: unknown, name: string) => Bytes,
): Bytes[] {
  const items = taken_buffers(value, name);
  if (items.length > BUFFERS_MAX) {
    raise(-EMSGSIZE, { syscall, args: { buffers: items.length, limit: BUFFERS_MAX } });
  }
  // The name costs as much as the check, and is for messages only.
  return items.map((item, index) =>
    item instanceof Uint8Array && item.length > 0 ? item : check(item, `${name}[${index}]`),
  );
}

/** Returns the arguments of sendmsg, checked, but for the address: control messages as level, type, bytes; null without any. */
function outgoing(
  buffers: unknown,
  ancdata: unknown,
  flags: unknown,
): [views: readonly Bytes[], control: readonly (number | Bytes)[] | null, flags: number] {
  const views = buffers_of(buffers, 'buffers', 'sendmsg', data);
  const wanted_flags = integer_or(0, flags, 'flags');
  const control: (number | Bytes)[] = [];
  const has_control = flatten_control(ancdata, 'ancdata', control) > 0;
  return [views, has_control ? control : null, wanted_flags];
}

/** Checks the arguments of sendmsg. @throws TypeError, RangeError, OSError */
export function check_sendmsg(
  s: SocketBase,
  buffers: unknown,
  ancdata: unknown,
  flags: unknown,
  address: unknown,
): void {
  outgoing(buffers, ancdata, flags);
  if (address !== undefined && address !== null) check_address(s, address, 'sendmsg');
}

/** sendmsg -> how many bytes went out, or the native call's negative number. @throws TypeError, RangeError, OSError */
export function sendmsg(
  s: SocketBase,
  buffers: unknown,
  ancdata: unknown,
  flags: unknown,
  address: unknown,
  resolve: ResolveHost,
  timeout_ms: number,
): number {
  const [views, control, wanted_flags] = outgoing(buffers, ancdata, flags);
  const no_address = address === undefined || address === null;
  // Last, because resolving a host may run JavaScript that encodes an address of its own.
  const length = no_address ? 0 : encode(s.family, s.proto, address, 'sendmsg', resolve);
  check_attached(views, 'buffers');
  const count = addon.sendmsg(s._fd, s._generation, views, control, wanted_flags, timeout_ms, length);
  if ((wanted_flags & c.MSG_ZEROCOPY) !== 0 && count > 0) pin(s, views);
  return count;
}

/**
 * Returns what `make` makes of the control messages of a receive. The descriptors that `claimed` returns belong to the caller;
 * the other ones are closed, and all of them if making the result fails.
 */
function with_control<T>(
  memory: Bytes,
  make: (ancdata: ReceivedControlMessage[]) => T,
  claimed: (ancdata: readonly ReceivedControlMessage[]) => number[] = all_descriptors,
): T {
  const length = cells[CONTROL_LENGTH] as number;
  if (cells[DESCRIPTOR_COUNT] === 0) return make(length > 0 ? read_control(memory, length) : []);
  let kept: number[] = [];
  try {
    const ancdata = read_control(memory, length);
    const result = make(ancdata);
    kept = claimed(ancdata);
    return result;
  } finally {
    settle_descriptors(memory, length, kept);
  }
}

/** Checks the arguments of recvmsg, and returns them as numbers. @throws TypeError, RangeError */
export function check_recvmsg(
  bufsize: unknown,
  ancbufsize: unknown,
  flags: unknown,
): [length: number, room: number, flags: number] {
  const length = size(bufsize, 'bufsize');
  return [length, integer_or(0, ancbufsize, 'ancbufsize', 0, SIZE_MAX), integer_or(0, flags, 'flags')];
}

/** recvmsg -> `[data, ancdata, msg_flags, address]`, or the native call's negative number. @throws TypeError, RangeError */
export function recvmsg<F extends number>(
  s: SocketBase<F>,
  bufsize: unknown,
  ancbufsize: unknown,
  flags: unknown,
  timeout_ms: number,
  claimed?: (ancdata: readonly ReceivedControlMessage[]) => number[],
): Received<F> | number {
  const [length, room, wanted_flags] = check_recvmsg(bufsize, ancbufsize, flags);
  if ((wanted_flags & c.MSG_ERRQUEUE) !== 0) {
    const kept = s._zerocopy?.others.shift();
    if (kept !== undefined) return cut<F>(kept, length);
  }
  const buffer = fits_scratch(length, wanted_flags) ? null : allocate(length, wanted_flags);
  const memory = room <= CONTROL_SIZE ? null : Buffer.allocUnsafeSlow(room);
  const to = buffer === null ? null : [buffer];
  const count = addon.recvmsg(s._fd, s._generation, to, length, memory, room, wanted_flags, timeout_ms);
  if (count < 0) return count;
  const make = (ancdata: ReceivedControlMessage[]): Received<F> => [
    buffer === null ? take(count) : filled(buffer, count),
    ancdata,
    cells[MESSAGE_FLAGS] as number,
    decode(s.family, s.proto),
  ];
  const result = with_control(memory ?? control, make, claimed);
  if ((wanted_flags & c.MSG_ERRQUEUE) !== 0) settle(s, result[1]);
  return result;
}

/** Returns a message of the error queue that was received before: by this socket, or by a duplicate of it. */
function cut<F extends number>(
  [data, ancdata, msg_flags, address]: Received<number>,
  length: number,
): Received<F> {
  const truncated = length < data.length ? c.MSG_TRUNC : 0;
  return [data.subarray(0, length), ancdata, msg_flags | truncated, address as ReturnedAddress<F>];
}

/**
 * Reads the error queue until the kernel is done with this memory, which was sent with MSG_ZEROCOPY. Returns 0, or the native
 * call's negative number.
 */
export function completed(s: SocketBase, view: Bytes, timeout_ms: number): number {
  // Without a time-out the kernel does not wait for the error queue.
  const deadline = new Deadline(timeout_ms < 0 ? Number.POSITIVE_INFINITY : timeout_ms);
  const others: Received<number>[] = [];
  try {
    while (s._zerocopy?.reads(view)) {
      if (deadline.passed()) return TIMED_OUT;
      const result = recvmsg(s, SCRATCH_SIZE, CONTROL_SIZE, c.MSG_ERRQUEUE, deadline.left_ms());
      if (typeof result === 'number') return result;
      // As in the kernel, what a full queue has no room for is lost.
      if (completion_of(result[1]) === undefined && others.length < OTHERS_MAX) others.push(result);
    }
    return 0;
  } finally {
    s._zerocopy?.others.push(...others);
  }
}

/** Checks the arguments of recvmsg_into, and returns them. @throws TypeError, RangeError, OSError */
export function check_recvmsg_into(
  buffers: unknown,
  ancbufsize: unknown,
  flags: unknown,
): [views: Bytes[], room: number, flags: number] {
  const views = buffers_of(buffers, 'buffers', 'recvmsg_into', bytes);
  check_attached(views, 'buffers');
  return [views, integer_or(0, ancbufsize, 'ancbufsize', 0, SIZE_MAX), integer_or(0, flags, 'flags')];
}

/** recvmsg_into -> `[nbytes, ancdata, msg_flags, address]`, or the negative number. @throws TypeError, RangeError, OSError */
export function recvmsg_into<F extends number>(
  s: SocketBase<F>,
  buffers: unknown,
  ancbufsize: unknown,
  flags: unknown,
  timeout_ms: number,
): Received<F, number> | number {
  const [views, room, wanted_flags] = check_recvmsg_into(buffers, ancbufsize, flags);
  const memory = room <= CONTROL_SIZE ? null : Buffer.allocUnsafeSlow(room);
  const count = addon.recvmsg(s._fd, s._generation, views, 0, memory, room, wanted_flags, timeout_ms);
  if (count < 0) return count;
  const result = with_control<Received<F, number>>(memory ?? control, (ancdata) => [
    count,
    ancdata,
    cells[MESSAGE_FLAGS] as number,
    decode(s.family, s.proto),
  ]);
  if ((wanted_flags & c.MSG_ERRQUEUE) !== 0) settle(s, result[1]);
  return result;
}

/** Returns C ints in the machine's byte order. */
function ints(...numbers: number[]): Uint8Array {
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

/** Returns the descriptors of an iterable as an array, and an array as it is. @throws TypeError */
export function taken_descriptors(fds: unknown): readonly unknown[] {
  return elements(fds, 'fds', DESCRIPTORS_MAX + 1);
}

/** Returns the control message that passes descriptors. @throws TypeError, RangeError */
function rights_of(fds: unknown): ControlMessage {
  const numbers = taken_descriptors(fds).map((fd, index) => descriptor(fd, `fds[${index}]`));
  return [c.SOL_SOCKET, c.SCM_RIGHTS, ints(...numbers)];
}

/** Checks the arguments of send_fds. @throws TypeError, RangeError, OSError */
export function check_send_fds(
  s: SocketBase,
  buffers: unknown,
  fds: unknown,
  flags: unknown,
  address: unknown,
): void {
  check_sendmsg(s, buffers, [rights_of(fds)], flags, address);
}

/** send_fds: sendmsg with the descriptors as SCM_RIGHTS. See sendmsg. */
export function send_fds(
  s: SocketBase,
  buffers: unknown,
  fds: unknown,
  flags: unknown,
  address: unknown,
  resolve: ResolveHost,
  timeout_ms: number,
): number {
  return sendmsg(s, buffers, [rights_of(fds)], flags, address, resolve, timeout_ms);
}

/** Checks the arguments of recv_fds. @throws TypeError, RangeError */
export function check_recv_fds(bufsize: unknown, maxfds: unknown, flags: unknown): void {
  integer(maxfds, 'maxfds', 0);
  check_recvmsg(bufsize, 0, flags);
}

/**
 * recv_fds -> `[msg, fds, msg_flags, address]`, or the native call's negative number. Descriptors beyond `maxfds` are closed,
 * and MSG_CTRUNC is set. @throws TypeError, RangeError
 */
export function recv_fds<F extends number>(
  s: SocketBase<F>,
  bufsize: unknown,
  maxfds: unknown,
  flags: unknown,
  timeout_ms: number,
): Received<F, Buffer, number> | number {
  const wanted = integer(maxfds, 'maxfds', 0);
  const room = addon.cmsg_space(Math.min(wanted, DESCRIPTORS_MAX) * INT_SIZE) + OTHER_CONTROL;
  const claimed = (ancdata: readonly ReceivedControlMessage[]) =>
    passed_descriptors(ancdata).slice(0, wanted);
  const result = recvmsg(s, bufsize, room, flags, timeout_ms, claimed);
  if (typeof result === 'number') return result;
  const [msg, ancdata, msg_flags, address] = result;
  const fds = passed_descriptors(ancdata);
  return [msg, fds.slice(0, wanted), msg_flags | (fds.length > wanted ? c.MSG_CTRUNC : 0), address];
}

/** The arguments of sendmsg_afalg: the buffers may be left out before the operation. */
export type AlgArguments =
  | [operation: AlgOptions]
  | [msg: Elements<Data> | null | undefined, operation: AlgOptions];

/** Returns the arguments of sendmsg_afalg with the buffers, in their order. */
export function with_buffers<Rest extends unknown[]>(
  args: [...AlgArguments, ...Rest],
): [msg: unknown, operation: AlgOptions, ...Rest] {
  return (is_options(args[0]) ? [null, ...args] : args) as [unknown, AlgOptions, ...Rest];
}

/** Returns the operation on an AF_ALG socket as control messages, and the flags. @throws TypeError, RangeError, OSError */
function operation_of(s: SocketBase, options: AlgOptions): [ancdata: ControlMessage[], flags: unknown] {
  if (s.family !== c.AF_ALG) {
    raise(-EOPNOTSUPP, { syscall: 'sendmsg_afalg', args: { only_family: c.AF_ALG } });
  }
  const { op, iv, assoclen, flags } = options_of(options, ['op', 'iv', 'assoclen', 'flags']);
  const ancdata: ControlMessage[] = [[c.SOL_ALG, c.ALG_SET_OP, ints(integer(op, 'op', 0))]];
  if (iv !== undefined && iv !== null) {
    const vector = data(iv, 'iv');
    // struct af_alg_iv { u32 ivlen; u8 iv[]; }
    ancdata.push([c.SOL_ALG, c.ALG_SET_IV, Buffer.concat([ints(vector.length), vector])]);
  }
  if (assoclen !== undefined && assoclen !== null) {
    ancdata.push([c.SOL_ALG, c.ALG_SET_AEAD_ASSOCLEN, ints(integer(assoclen, 'assoclen', 0))]);
  }
  return [ancdata, flags];
}

/** Checks the arguments of sendmsg_afalg. @throws TypeError, RangeError, OSError */
export function check_sendmsg_afalg(s: SocketBase, msg: unknown, options: AlgOptions): void {
  const [ancdata, flags] = operation_of(s, options);
  check_sendmsg(s, msg ?? [], ancdata, flags, null);
}

/** sendmsg_afalg: sendmsg with the operation on an AF_ALG socket as control messages. See sendmsg_afalg of Python. */
export function sendmsg_afalg(s: SocketBase, msg: unknown, options: AlgOptions, timeout_ms: number): number {
  const [ancdata, flags] = operation_of(s, options);
  return sendmsg(s, msg ?? [], ancdata, flags, null, no_hosts, timeout_ms);
}

/** No address of AF_ALG has a host. */
function no_hosts(host: string): string {
  return host;
}
