// The boundary to the binary: types each of its functions. No other file calls load(), which finds and loads it.
//
// A function is named as its system call. It takes numbers and views and returns `n >= 0`, `-errno` or an outcome
// (TIMED_OUT, STOPPING); it throws only what the listener of a signal threw. A descriptor is passed as `(fd, generation)`:
// see native/descriptor.h. Calls that may wait have a `timeout_ms`, in milliseconds: -1 blocks, 0 does not wait. The
// numbers and the memory that both sides use are those of layout.ts.
import { constants as os_constants } from 'node:os';
import {
  ADDRESS_SIZE,
  CELL_COUNT,
  CONTROL_SIZE,
  EXCHANGE,
  REGISTERS,
  REGISTERS_SIZE,
  SCRATCH_SIZE,
} from './layout.js';
import { load } from './load.js';
import type { PlatformConstants } from './platform_constants.js';

export * from './layout.js';

type Bytes = Uint8Array;

/** Offset and size of a field in bytes; shift and width in bits of a bit field within that integer, else 0. */
export type FieldLayout = readonly [
  offset: number,
  size: number,
  signed: number,
  shift: number,
  width: number,
];
/** Size of a C struct in bytes, and its fields by their C names without the prefix of the struct. */
export interface StructLayout {
  readonly size: number;
  readonly fields: Readonly<Record<string, FieldLayout>>;
}

/** A packet ring: see native/ring.cc. */
export interface NativeRing {
  readonly native_ring: never;
}

/** The functions of native/calls.h. */
export interface Addon {
  siginterrupt(flag: boolean): number;
  strerror(errno: number): string;

  constants(): PlatformConstants;
  structs(): Readonly<Record<string, StructLayout>>;

  socket(family: number, type: number, protocol: number): number;
  socketpair(family: number, type: number, protocol: number): number;
  adopt(fd: number): number;
  disown(fd: number): number;
  generation(fd: number): number;
  close(fd: number, generation: number): number;
  close_later(fd: number, generation: number): number;
  close_fd(fd: number): number;
  dup(fd: number, generation: number): number;
  dup_fd(fd: number): number;
  bind(fd: number, generation: number, address_length: number): number;
  listen(fd: number, generation: number, backlog: number): number;
  accept4(fd: number, generation: number, flags: number, timeout_ms: number): number;
  connect(fd: number, generation: number, address_length: number, timeout_ms: number): number;
  shutdown(fd: number, generation: number, how: number): number;
  getsockname(fd: number, generation: number): number;
  getpeername(fd: number, generation: number): number;
  set_blocking(fd: number, generation: number, blocking: boolean): number;
  get_inheritable(fd: number, generation: number): number;
  set_inheritable(fd: number, generation: number, inheritable: boolean): number;
  encode_address(family: number, protocol: number, ...fields: unknown[]): number;
  decode_address(protocol: number): unknown;

  getsockopt(fd: number, generation: number, level: number, option: number, bytes: Bytes): number;
  getsockopt_int(fd: number, generation: number, level: number, option: number): number;
  setsockopt(fd: number, generation: number, level: number, option: number, bytes: Bytes): number;
  setsockopt_int(fd: number, generation: number, level: number, option: number, value: number): number;
  setsockopt_null(fd: number, generation: number, level: number, option: number, length: number): number;
  attach_filter(fd: number, generation: number, level: number, option: number, filter: Bytes): number;
  ioctl(fd: number, generation: number, request: number): number;
  ioctl_value(fd: number, generation: number, request: number, value: number): number;

  send(fd: number, generation: number, bytes: Bytes, flags: number, timeout_ms: number): number;
  sendto(
    fd: number,
    generation: number,
    bytes: Bytes,
    flags: number,
    timeout_ms: number,
    address_length: number,
  ): number;
  recv(
    fd: number,
    generation: number,
    bytes: Bytes | null,
    length: number,
    flags: number,
    timeout_ms: number,
  ): number;
  recvfrom(
    fd: number,
    generation: number,
    bytes: Bytes | null,
    length: number,
    flags: number,
    timeout_ms: number,
  ): number;
  receive_slab(slab: ArrayBufferLike): number;
  sendfile(
    fd: number,
    generation: number,
    file: number,
    offset: number,
    count: number,
    timeout_ms: number,
  ): number;

  sendmsg(
    fd: number,
    generation: number,
    buffers: readonly Bytes[],
    control: readonly (number | Bytes)[] | null,
    flags: number,
    timeout_ms: number,
    address_length: number,
  ): number;
  recvmsg(
    fd: number,
    generation: number,
    buffers: readonly Bytes[] | null,
    length: number,
    control: Bytes | null,
    control_length: number,
    flags: number,
    timeout_ms: number,
  ): number;
  sendmmsg(
    fd: number,
    generation: number,
    buffers: readonly Bytes[],
    control: readonly (number | Bytes)[],
    rows: Bytes,
    addresses: Bytes,
    flags: number,
    timeout_ms: number,
    segments: 0 | 1,
  ): number;
  recvmmsg(
    fd: number,
    generation: number,
    data: Bytes,
    memory: Bytes,
    vlen: number,
    bufsize: number,
    ancbufsize: number,
    flags: number,
    timeout_ms: number,
    apart: 0 | 1,
  ): number;

  open(path: string, flags: number): number;
  read(fd: number, bytes: Bytes, position: number, timeout_ms: number): number;
  write(fd: number, bytes: Bytes, position: number, timeout_ms: number): number;

  pipe(): number;
  splice(
    from: number,
    from_generation: number,
    to: number,
    to_generation: number,
    count: number,
    waits_for_to: boolean,
    timeout_ms: number,
  ): number;

  share(fd: number, generation: number, process_id: number, ticket: Bytes): number;
  fromshare(ticket: Bytes): number;

  shared_memory(size: number): number;
  map_memory(fd: number): ArrayBuffer | number;

  ring_map(fd: number, generation: number, block_size: number, blocks: number): NativeRing | number;
  ring_memory(ring: NativeRing, index: number): ArrayBuffer | number;
  ring_wait(ring: NativeRing, index: number, fd: number, generation: number, timeout_ms: number): number;
  ring_take(ring: NativeRing, index: number, content: number, snaplen: number): number;
  ring_release(ring: NativeRing, index: number): number;
  ring_encode(
    ring: NativeRing,
    index: number,
    at: number,
    count: number,
    out: Bytes,
    interface_id: number,
    snaplen: number,
    unit_ns: number,
  ): number;
  ring_write(
    ring: NativeRing,
    index: number,
    at: number,
    count: number,
    fd: number,
    interface_id: number,
    snaplen: number,
    unit_ns: number,
  ): number;
  ring_close(ring: NativeRing): number;
  ignore_signals(bits: Bytes, numbers: readonly number[]): number;

  poll(poll_fds: Bytes, timeout_ms: number): number;
  select(poll_fds: Bytes, timeout_ms: number): number;

  epoll_create1(): number;
  epoll_ctl(epfd: number, generation: number, operation: number, fd: number, events: number): number;
  epoll_wait(epfd: number, generation: number, events: Bytes, most: number, timeout_ms: number): number;

  readiness_start(callback: () => void): ArrayBuffer | number;
  readiness_add(fd: number, generation: number, exclusive: boolean): number;
  readiness_again(fd: number, generation: number): number;
  readiness_remove(fd: number): number;
  readiness_reference(referenced: boolean): number;

  lookup_fd(): number;
  lookup_done(lookup: number): number;
  lookup_wait(lookup: number, timeout_ms: number): number;
  lookup_take(lookup: number): unknown;
  lookup_drop(lookup: number): number;

  getaddrinfo_start(
    host: string | null,
    service: string | null,
    family: number,
    type: number,
    protocol: number,
    flags: number,
  ): number;
  getnameinfo_start(address_length: number, flags: number): number;
  gethostbyname_start(name: string): number;
  gethostbyaddr_start(address_length: number): number;
  getservbyname_start(name: string, protocol: string | null): number;
  getservbyport_start(port: number, protocol: string | null): number;
  getprotobyname_start(name: string): number;
  gai_strerror(number: number): string;
  hstrerror(number: number): string;
  sethostname(name: Bytes): number;

  if_nameindex(): [index: number, name: string][] | number;
  if_nametoindex(name: string): number;
  if_indextoname(index: number): string | number;
  inet_aton(text: string): number;
  inet_pton(family: number, text: string): number;
  inet_ntop(family: number, bytes: Bytes): string | number;
  cmsg_len(length: number): number;
  cmsg_space(length: number): number;

  sum_words(bytes: Bytes, start: number, end: number): number;
}

/** The calls of an instance. Those that carry data take only the bytes; their numbers are in `registers`. */
type Native = Omit<Addon, 'send' | 'sendto' | 'recv' | 'recvfrom'> & {
  send(bytes: Bytes): void;
  sendto(bytes: Bytes): void;
  recv(bytes?: Bytes): void;
  recvfrom(bytes?: Bytes): void;
};

/** The export of the binary that makes an instance. */
interface Binary {
  setup(
    probe: () => void,
    signals: (number: number, run: boolean) => boolean,
    use_libuv: boolean,
  ): Native & { exchange: ArrayBuffer };
}

const signal_names = new Map(Object.entries(os_constants.signals).map(([name, number]) => [number, name]));

/** Returns whether the signal has listeners. With `run` it also calls these. */
function signals(number: number, run: boolean): boolean {
  const emitter: NodeJS.EventEmitter = process;
  const name = signal_names.get(number) ?? '';
  return run ? emitter.emit(name, name, number) : emitter.listenerCount(name) > 0;
}

// Native code finds out whether the runtime has the libuv of Node.js, and waits in another way if not (Bun, Deno). Tests
// set this variable to choose that way.
const use_libuv = process.env.BSD_SOCKETS_LIBUV !== 'no';
const { exchange, ...native } = (load() as Binary).setup(() => {}, signals, use_libuv);

/** Small results of the last call, by the indices of `Cell` in native/layout.txt. */
export const cells: Int32Array = new Int32Array(exchange, EXCHANGE.cells, CELL_COUNT);
/** The address that the next native call takes: a whole sockaddr. */
export const address_in: Uint8Array = new Uint8Array(exchange, EXCHANGE.address_in, ADDRESS_SIZE);
/** The address that the last native call gave: a whole sockaddr. */
export const address_out: Uint8Array = new Uint8Array(exchange, EXCHANGE.address_out, ADDRESS_SIZE);
/** The control messages of `recvmsg`, if the caller gave no memory for them. */
export const control: Uint8Array = new Uint8Array(exchange, EXCHANGE.control, CONTROL_SIZE);
/** The data of `recv`, `recvfrom` and `recvmsg`, if the caller gave no memory for it; valid until the next call. */
export const scratch: Buffer = Buffer.from(exchange, EXCHANGE.scratch, SCRATCH_SIZE);

// The numbers of the calls that carry data are passed in memory, which saves 0.1 µs a call.
const registers = new Int32Array(exchange, EXCHANGE.registers, REGISTERS_SIZE / Int32Array.BYTES_PER_ELEMENT);
const doubles = new Float64Array(
  exchange,
  EXCHANGE.registers,
  REGISTERS_SIZE / Float64Array.BYTES_PER_ELEMENT,
);
// Constants of this file: a number that is imported, or a field of an imported object, is loaded anew at each access.
const {
  fd: FD,
  generation: GENERATION,
  length: LENGTH,
  flags: FLAGS,
  timeout_ms: TIMEOUT_MS,
  address_length: ADDRESS_LENGTH,
  result: RESULT,
} = REGISTERS;
// Bytes that the kernel moves in one call at most.
const MAX_LENGTH = 0x7ffff000;

function put(fd: number, generation: number, flags: number, timeout_ms: number): void {
  registers[FD] = fd;
  registers[GENERATION] = generation;
  registers[FLAGS] = flags;
  doubles[TIMEOUT_MS] = timeout_ms;
}

// V8 looks up the properties of an object that native code filled by name at each access: hence these constants, and the
// copy in `addon`.
const { send: native_send, sendto: native_sendto, recv: native_recv, recvfrom: native_recvfrom } = native;

/** The native functions. */
export const addon: Addon = {
  ...native,

  send(fd, generation, bytes, flags, timeout_ms) {
    put(fd, generation, flags, timeout_ms);
    native_send(bytes);
    return registers[RESULT] as number;
  },

  sendto(fd, generation, bytes, flags, timeout_ms, address_length) {
    put(fd, generation, flags, timeout_ms);
    registers[ADDRESS_LENGTH] = address_length;
    native_sendto(bytes);
    return registers[RESULT] as number;
  },

  recv(fd, generation, bytes, length, flags, timeout_ms) {
    put(fd, generation, flags, timeout_ms);
    registers[LENGTH] = Math.min(length, MAX_LENGTH);
    if (bytes === null) native_recv();
    else native_recv(bytes);
    return registers[RESULT] as number;
  },

  recvfrom(fd, generation, bytes, length, flags, timeout_ms) {
    put(fd, generation, flags, timeout_ms);
    registers[LENGTH] = Math.min(length, MAX_LENGTH);
    if (bytes === null) native_recvfrom();
    else native_recvfrom(bytes);
    return registers[RESULT] as number;
  },
};
