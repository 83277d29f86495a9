/**
 * What the scenarios of this side are built from; oracle.py has the same names for the other side.
 * Sockets made here are closed after the scenario and give up after five seconds instead of hanging.
 */
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { getSystemErrorName } from 'node:util';
import { Worker } from 'node:worker_threads';
import { KeyError, RuntimeError } from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';
import { timeval } from 'bsd-sockets/structs';
import { afterAll } from 'vitest';
import { is_open } from '../descriptors.js';

type AnySocket = InstanceType<typeof socket.socket>;
type Address = Parameters<AnySocket['bind']>[0];
interface Closable {
  close(): void;
}

/** A fresh directory for the paths of both sides; results show it as {tmp}. */
export const directory = mkdtempSync(join(tmpdir(), 'bsd-'));
afterAll(() => rmSync(directory, { recursive: true }));

const kept: Closable[] = [];
const cleanups: (() => void)[] = [];
let counter = 0;

/** Has the socket closed after the scenario; returns it. */
export function keep<T extends Closable>(sock: T): T {
  kept.push(sock);
  return sock;
}

export function make<F extends number = typeof socket.AF_INET, K extends number = number>(
  family?: F,
  type?: K,
  proto = 0,
): socket.socket<F, K> {
  return keep(new socket.socket(family, type, proto));
}

/** Two connected sockets. */
export function pair(
  type: number = socket.SOCK_STREAM,
  family: number = socket.AF_UNIX,
): [AnySocket, AnySocket] {
  const both = socket.socketpair(family, type);
  for (const one of both) keep(one).settimeout(5);
  return both;
}

/** A socket of the family of the host's numeric address. */
type SocketOf<Host, K extends number> = socket.socket<
  Host extends `${string}:${string}` ? typeof socket.AF_INET6 : typeof socket.AF_INET,
  K
>;

export function bound<K extends number = typeof socket.SOCK_DGRAM, Host extends string = '127.0.0.1'>(
  type: K | typeof socket.SOCK_DGRAM = socket.SOCK_DGRAM,
  host: Host | '127.0.0.1' = '127.0.0.1',
  proto = 0,
): SocketOf<Host, K | typeof socket.SOCK_DGRAM> {
  const sock = make(host.includes(':') ? socket.AF_INET6 : socket.AF_INET, type, proto);
  sock.settimeout(5);
  sock.bind([host, 0]);
  return sock as SocketOf<Host, K | typeof socket.SOCK_DGRAM>;
}

export function listener<Host extends string = '127.0.0.1'>(
  host: Host | '127.0.0.1' = '127.0.0.1',
  backlog = 5,
): SocketOf<Host, number> {
  const sock = bound<number, Host>(socket.SOCK_STREAM, host);
  sock.listen(backlog);
  return sock;
}

/** A TCP connection over loopback: the client's end, the server's end. */
export function connected(host = '127.0.0.1'): [AnySocket, AnySocket] {
  const server = listener(host);
  const client = make<number>(server.family);
  client.settimeout(5);
  client.connect(server.getsockname());
  const conn = keep(server.accept()[0]);
  conn.settimeout(5);
  server.close();
  return [client, conn];
}

/** Makes a socket blocking, with time-outs of the kernel of 60 ms; returns it. */
export function limited(sock: AnySocket): AnySocket {
  sock.settimeout(null);
  for (const option of [socket.SO_RCVTIMEO, socket.SO_SNDTIMEO]) {
    sock.setsockopt(socket.SOL_SOCKET, option, timeval.encode({ sec: 0, usec: 60_000 }));
  }
  return sock;
}

/** Makes a stream blocking, and fills it. */
export function fill(sock: AnySocket): void {
  sock.settimeout(null);
  for (const chunk of [Buffer.alloc(65_536), Buffer.alloc(1)]) {
    while (typeof attempt(() => sock.send(chunk, socket.MSG_DONTWAIT)) === 'number');
  }
}

/** Two UDP sockets on loopback, each connected to the other. */
export function udp_pair<Host extends string = '127.0.0.1'>(
  host: Host | '127.0.0.1' = '127.0.0.1',
): [SocketOf<Host, typeof socket.SOCK_DGRAM>, SocketOf<Host, typeof socket.SOCK_DGRAM>] {
  const [a, b] = [bound<never, Host>(socket.SOCK_DGRAM, host), bound<never, Host>(socket.SOCK_DGRAM, host)];
  a.connect(b.getsockname());
  b.connect(a.getsockname());
  return [a, b];
}

type Step =
  | readonly ['wait' | 'receive' | 'shutdown', number]
  | readonly ['send', string]
  | readonly ['connect', Address]
  | readonly ['accept' | 'reset', null];

let thread: Worker | undefined;

/** The other end, on a thread of its own: takes the steps, then closes the socket. See partner.mjs. */
export function partner(sock: AnySocket, steps: readonly Step[]): void {
  if (thread === undefined) {
    thread = new Worker(new URL('partner.mjs', import.meta.url));
    thread.unref();
  }
  const done = new Int32Array(new SharedArrayBuffer(4));
  thread.postMessage({ fd: sock.detach(), steps, done });
  cleanups.push(() => Atomics.wait(done, 0, 0, 5000));
}

/** What getsockname says after bind. */
export function bound_name(family: number, address: Address, type: number = socket.SOCK_DGRAM): unknown {
  const sock = make(family, type);
  sock.bind(address);
  return shape(sock.getsockname());
}

/** What getpeername says after connect. */
export function peer_name(family: number, address: Address, type: number = socket.SOCK_DGRAM): unknown {
  const sock = make(family, type);
  sock.connect(address);
  return shape(sock.getpeername());
}

/** What the action returns, or its error as data. */
export function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error_of(error);
  }
}

function error_of(error: unknown): object {
  if (error instanceof socket.OSError) return os_error(error);
  // What a missing method or property gives in JavaScript is an AttributeError in Python.
  if (error instanceof TypeError && /is not a function|Cannot (read|set) prop/.test(error.message)) {
    return { error: 'AttributeError' };
  }
  if (error instanceof TypeError) return { error: 'TypeError' };
  if (error instanceof KeyError) return { error: 'KeyError' };
  if (error instanceof RuntimeError) return { error: 'RuntimeError' };
  if (error instanceof RangeError) return { error: 'RangeError' };
  throw error;
}

/** An OSError as data; where it has an errno of the system, its code must say the same. */
function os_error(error: socket.OSError): object {
  const { errno, code } = error;
  const name = error.constructor.name;
  if (errno === undefined)
    return { error: name, ...(name === 'TimeoutError' ? expect_code(code, 'ETIMEDOUT') : {}) };
  const of_system = errno > 0 && name !== 'herror';
  return { error: name, errno, ...(of_system ? expect_code(code, code_of(errno)) : {}) };
}

/** The name of an errno, as Node spells it; libuv knows only those that its own calls give. */
function code_of(errno: number): string | undefined {
  const name = getSystemErrorName(-errno);
  if (!name.startsWith('Unknown')) return name;
  return Object.entries(constants.errno).find(([, number]) => number === errno)?.[0];
}

function expect_code(code: string | undefined, wanted: string | undefined): object {
  return code === wanted ? {} : { code, wanted };
}

/** [outcome, whether at least that long and less than 5 s more passed] */
export function waited(seconds: number, action: () => unknown): unknown[] {
  const start = performance.now();
  const outcome = attempt(action);
  const took = (performance.now() - start) / 1000;
  return [outcome, took >= seconds, took < seconds + 5];
}

/** An AF_INET or AF_INET6 address with its ephemeral port replaced by the word "port". */
export function shape(address: unknown): unknown {
  if (!Array.isArray(address) || !/[.:]/.test(String(address[0]))) return address;
  return [address[0], address[1] ? 'port' : 0, ...address.slice(2)];
}

/** A fresh path in the suite's directory. */
export function path(name: string): string {
  counter += 1;
  return join(directory, `js-${counter}-${name}`);
}

export function abstract(name: string): Buffer {
  return Buffer.from(`\0bsd-sockets-js-${process.pid}-${name}`);
}

/** The path of a new file that holds the data. */
export function content(name: string, data: string | Uint8Array): string {
  const where = path(name);
  writeFileSync(where, data);
  return where;
}

/** A descriptor of the file, opened for reading; closed after the scenario. */
export function file_fd(where: string): number {
  const fd = openSync(where, 'r');
  cleanups.push(() => is_open(fd) && closeSync(fd));
  return fd;
}

/** C ints as bytes. */
export function ints(...numbers: number[]): Buffer {
  return Buffer.from(Int32Array.from(numbers).buffer);
}

export function unpack_ints(data: Uint8Array): number[] {
  return [...new Int32Array(Uint8Array.from(data).buffer, 0, data.length >> 2)];
}

/** Control messages as [level, type, size]. */
export function kinds(ancdata: readonly (readonly [number, number, Uint8Array])[]): number[][] {
  return ancdata.map(([level, type, data]) => [level, type, data.length]);
}

/** A result as JSON: bytes are {bytes: latin1}, undefined is null. */
export function plain(value: unknown): unknown {
  if (value === undefined || value === null) return null;
  if (typeof value === 'bigint') return Number(value);
  if (typeof value === 'number' || typeof value === 'boolean') return value;
  if (typeof value === 'string') return anonymous(value);
  if (value instanceof Uint8Array) return { bytes: anonymous(Buffer.from(value).toString('latin1')) };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
  }
  throw new Error(`a scenario returned ${String(value)}`);
}

function anonymous(text: string): string {
  return text
    .replaceAll(new RegExp(`${directory}/js-\\d+-`, 'g'), '{tmp}/')
    .replaceAll(/bsd-sockets-js-\d+/g, '{abstract}');
}

/** Closes what the scenario made. */
export function leave(): void {
  socket.setdefaulttimeout(null);
  for (const sock of kept.splice(0)) attempt(() => sock.close());
  for (const clean of cleanups.splice(0)) clean();
}
