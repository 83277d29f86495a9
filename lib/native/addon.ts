// The boundary to the binary: loads it and types each of its functions. No other file imports the binary.
//
// A function is named as its system call. It takes numbers and views and returns `n >= 0`, `-errno` or an outcome
// (TIMED_OUT, STOPPING); it throws only what the listener of a signal threw. A descriptor is passed as `(fd, generation)`:
// see native/descriptor.h. Calls that may wait have a `timeout_ms`, in milliseconds: -1 blocks, 0 does not wait. The
// numbers and the memory that both sides use are those of layout.ts.
import { createRequire } from 'node:module';
import { constants as os_constants } from 'node:os';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { BUILD_ID } from './build_id.js';
import {
  ADDRESS_SIZE,
  CELL_COUNT,
  CONTROL_SIZE,
  EXCHANGE,
  REGISTERS,
  REGISTERS_SIZE,
  SCRATCH_SIZE,
} from './layout.js';
import type { PlatformConstants } from './platform_constants.js';

export * from './layout.js';

type Bytes = Uint8Array<ArrayBufferLike>;

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

/** The functions of native/calls.h. */
export interface Addon {
  build_id(): number;
  setup(
    probe: () => void,
    signals: (numbers: number[], run: boolean) => number[],
    is_main: boolean,
    use_libuv: boolean,
  ): ArrayBuffer;
  siginterrupt(flag: boolean): number;
  strerror(errno: number): string;

  constants(): PlatformConstants;
  structs(): Readonly<Record<string, StructLayout>>;

  socket(family: number, type: number, protocol: number): number;
  socketpair(family: number, type: number, protocol: number): number;
  adopt(fd: number): number;
  disown(fd: number): number;
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
  attach_filter(fd: number, generation: number, filter: Bytes): number;

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
  ): number;

  share(fd: number, generation: number, process_id: number, ticket: Bytes): number;
  fromshare(ticket: Bytes): number;

  shared_memory(size: number): number;
  map_memory(fd: number): ArrayBuffer | number;
  ignore_signals(bits: Bytes, numbers: readonly number[]): number;

  poll(poll_fds: Bytes, timeout_ms: number): number;
  select(poll_fds: Bytes, timeout_ms: number): number;

  epoll_create1(): number;
  epoll_ctl(epfd: number, generation: number, operation: number, fd: number, events: number): number;
  epoll_wait(epfd: number, generation: number, events: Bytes, most: number, timeout_ms: number): number;

  readiness_start(callback: () => void): ArrayBuffer | number;
  readiness_add(fd: number, generation: number, exclusive: boolean): number;
  readiness_again(fd: number): number;
  readiness_remove(fd: number): number;
  readiness_reference(referenced: boolean): number;

  lookup_fd(lookup: number): number;
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

/** The exports of the binary. The calls that carry data take only the bytes; their numbers are in `registers`. */
type Native = Omit<Addon, 'send' | 'sendto' | 'recv' | 'recvfrom'> & {
  send(bytes: Bytes): void;
  sendto(bytes: Bytes): void;
  recv(bytes?: Bytes): void;
  recvfrom(bytes?: Bytes): void;
};

const require = createRequire(import.meta.url);

const rebuild =
  'compile it with `npm rebuild bsd-sockets --foreground-scripts` (needs Linux, python3, make and a C++17 compiler).';

function load(): Native {
  const file = process.env.BSD_SOCKETS_BINARY || find();
  const binary = open(file);
  if (binary.build_id?.() === BUILD_ID) return binary as Native;
  throw new Error(
    `bsd-sockets: ${file} and the JavaScript of the package come from different sources. In a checkout run ` +
      '`npm run build`; elsewhere install the package anew, or, where it is compiled, ' +
      rebuild,
  );
}

function open(file: string): Partial<Native> {
  try {
    return require(file) as Partial<Native>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`bsd-sockets: ${file} does not load here (${reason}): ${rebuild}`, { cause });
  }
}

/** Returns the path of the binary for this platform; throws an error with the places that it looked in. */
function find(): string {
  const root = fileURLToPath(new URL('../..', import.meta.url));
  const { resolve } = require('node-gyp-build') as { resolve(root: string): string };
  try {
    return resolve(root);
  } catch (cause) {
    throw new Error(
      `bsd-sockets: no binary for ${process.platform}-${process.arch} (Node ${process.versions.node}): looked in ` +
        `${root}prebuilds/${process.platform}-${process.arch} and ${root}build/Release. Prebuilt ones come with the ` +
        `package for Linux on x64 with glibc; elsewhere ${rebuild}`,
      { cause },
    );
  }
}

const native = load();

const signal_names = new Map(Object.entries(os_constants.signals).map(([name, number]) => [number, name]));

/** Returns which of these signals have listeners. With `run` it also calls these, once for each arrival. */
function signals(numbers: number[], run: boolean): number[] {
  const emitter: NodeJS.EventEmitter = process;
  const name = (number: number) => signal_names.get(number) ?? '';
  const with_listeners = numbers.filter((number) => emitter.listenerCount(name(number)) > 0);
  if (run) for (const number of with_listeners) emitter.emit(name(number), name(number), number);
  return with_listeners;
}

// Native code finds out whether the runtime has the libuv of Node.js, and waits in another way if not (Bun, Deno). Tests
// set this variable to choose that way.
const use_libuv = process.env.BSD_SOCKETS_LIBUV !== 'no';
const exchange = native.setup(() => {}, signals, isMainThread, use_libuv);

/** Small results of the last call, by the indices of `Cell` in native/layout.txt. */
export const cells = new Int32Array(exchange, EXCHANGE.cells, CELL_COUNT);
/** The address that the next native call takes: a whole sockaddr. */
export const address_in = new Uint8Array(exchange, EXCHANGE.address_in, ADDRESS_SIZE);
/** The address that the last native call gave: a whole sockaddr. */
export const address_out = new Uint8Array(exchange, EXCHANGE.address_out, ADDRESS_SIZE);
/** The control messages of `recvmsg`, if the caller gave no memory for them. */
export const control = new Uint8Array(exchange, EXCHANGE.control, CONTROL_SIZE);
/** The data of `recv`, `recvfrom` and `recvmsg`, if the caller gave no memory for it; valid until the next call. */
export const scratch = Buffer.from(exchange, EXCHANGE.scratch, SCRATCH_SIZE);

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
