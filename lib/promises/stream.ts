// A socket as a stream of Node's: the result of `conn.to_stream()`, for pipelines and for libraries that take a Duplex or call the
// methods of a net.Socket, as node:http, node:http2 and node:tls do.
import type { AddressInfo } from 'node:net';
import { Duplex, type DuplexOptions } from 'node:stream';
import { if_indextoname } from '../calls/interfaces.js';
import type { OptionSocket } from '../calls/options.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { Timer } from '../util/deadline.js';
import { shown } from '../util/validate.js';

/** The calls of a socket that a stream needs. */
interface StreamSocket extends OptionSocket {
  settimeout(value: number | null): void;
  recv(bufsize: number): Promise<Buffer>;
  sendall(bytes: Buffer): Promise<void>;
  shutdown(how: number): Promise<void>;
  close(): void;
  ref(): unknown;
  unref(): unknown;
}

/** Options of to_stream: the options of a Duplex, with the defaults of net.Socket. */
export interface StreamOptions extends DuplexOptions {
  /** True keeps the writable side open when the peer has ended its own; false as in net.Socket. */
  allowHalfOpen?: boolean | undefined;
}

const CHUNK_SIZE = 64 * 1024;
// What libuv sets with a delay of keep-alive: seconds between two probes, and the number of probes.
const KEEPALIVE_INTERVAL = 1;
const KEEPALIVE_PROBES = 10;
/** struct linger that makes close() reset the connection. */
const RESET = Int32Array.of(1, 0);

/**
 * A Duplex over a socket, which it owns: nothing is received beyond `readableHighWaterMark`, nor sent before it is asked. It has
 * the methods, properties and events of a connected net.Socket, but is no instance of that class.
 */
export class SocketStream extends Duplex {
  readonly #sock: StreamSocket;
  #bytes_read = 0;
  /** Bytes of all writes that began. */
  #dispatched = 0;
  /** Bytes of the write that has not ended. */
  #in_flight = 0;
  #peer: Partial<AddressInfo> = {};
  /** The time of the last receive or send, in milliseconds of performance.now(). */
  #active_ms = 0;
  #timer: Timer | undefined;
  /** The time of setTimeout, in milliseconds; undefined before its first call. */
  timeout?: number | undefined;

  /** @throws RangeError on a socket that is no stream */
  constructor(sock: StreamSocket, options: StreamOptions = {}) {
    super({
      allowHalfOpen: false,
      ...options,
      // _destroy emits 'close', with an argument.
      emitClose: false,
      objectMode: false,
      readableObjectMode: false,
      writableObjectMode: false,
      decodeStrings: true,
    });
    this.#sock = sock;
    sock.settimeout(null);
  }

  override _read(): void {
    this.#sock.recv(CHUNK_SIZE).then(
      (chunk) => {
        this.#active();
        this.#bytes_read += chunk.length;
        this.push(chunk.length === 0 ? null : chunk);
      },
      (error: Error) => this.destroy(error),
    );
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    const send = chunk.length > CHUNK_SIZE ? this.#send_many([chunk]) : this.#sock.sendall(chunk);
    this.#sending(chunk.length, send, callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    const bytes = chunks.map(({ chunk }) => chunk);
    const length = bytes.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#sending(length, this.#send_many(bytes), callback);
  }

  #sending(length: number, sent: Promise<void>, callback: (error?: Error | null) => void): void {
    this.#active();
    this.#dispatched += length;
    this.#in_flight = length;
    const settle = (error?: Error) => {
      this.#active();
      this.#in_flight = 0;
      callback(error);
    };
    sent.then(() => settle(), settle);
  }

  /** Small chunks together, large ones in parts: each part is a sign of life for setTimeout. */
  async #send_many(chunks: readonly Buffer[]): Promise<void> {
    for (let i = 0; i < chunks.length; ) {
      const group: Buffer[] = [];
      let length = 0;
      do {
        const chunk = chunks[i++] as Buffer;
        group.push(chunk);
        length += chunk.length;
      } while (i < chunks.length && length + (chunks[i] as Buffer).length <= CHUNK_SIZE);
      const bytes = group.length === 1 ? (group[0] as Buffer) : Buffer.concat(group, length);
      for (let at = 0; at < length; at += CHUNK_SIZE) {
        await this.#sock.sendall(bytes.subarray(at, at + CHUNK_SIZE));
        this.#active();
      }
    }
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#sock.shutdown(c.SHUT_WR).then(
      () => callback(),
      // The other side was faster.
      (error: Error) => callback(error instanceof OSError && error.code === 'ENOTCONN' ? null : error),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    try {
      this.#sock.close();
    } finally {
      callback(error);
      process.nextTick(() => this.emit('close', error !== null));
    }
  }

  /**
   * ref(). A call that waits on the stream keeps the process alive, as at the start. See Node's net.Socket.ref.
   *
   * @example
   * sock.to_stream().unref().ref();
   */
  ref(): this {
    this.#sock.ref();
    return this;
  }

  /**
   * unref(). A call that waits on the stream no longer keeps the process alive. See Node's net.Socket.unref.
   *
   * @example
   * sock.to_stream().unref();
   */
  unref(): this {
    this.#sock.unref();
    return this;
  }

  /**
   * setTimeout(timeout, callback). Emits 'timeout' after that time without a receive or send. Nothing else happens then. See Node's
   * net.Socket.setTimeout.
   *
   * @param timeout milliseconds; 0 ends it
   * @param callback a listener for the next 'timeout'
   * @throws TypeError for another kind of timeout; RangeError for one that is negative or not finite
   * @example
   * const stream = sock.to_stream();
   * stream.setTimeout(30_000, () => stream.destroy());
   */
  setTimeout(timeout: number, callback?: () => void): this {
    if (typeof timeout !== 'number')
      throw new TypeError(`timeout must be a number of milliseconds, not ${shown(timeout)}`);
    if (!(timeout >= 0 && timeout < Number.POSITIVE_INFINITY))
      throw new RangeError(`timeout must be 0 milliseconds or more, not ${timeout}`);
    if (callback !== undefined && typeof callback !== 'function')
      throw new TypeError(`callback must be a function, not ${shown(callback)}`);
    if (this.destroyed) return this;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.timeout = timeout;
    this.#active();
    if (callback !== undefined) {
      if (timeout === 0) this.removeListener('timeout', callback);
      else this.once('timeout', callback);
    }
    return this;
  }

  /** Notes that bytes were moved. */
  #active(): void {
    if (!this.timeout) return;
    this.#active_ms = performance.now();
    if (this.#timer === undefined && !this.destroyed) this.#watch(this.timeout);
  }

  #watch(delay_ms: number): void {
    this.#timer = new Timer(delay_ms, () => {
      this.#timer = undefined;
      const left_ms = this.#active_ms + (this.timeout ?? 0) - performance.now();
      if (left_ms > 0) this.#watch(left_ms);
      else this.emit('timeout');
    });
  }

  /**
   * setNoDelay(noDelay = true). Sets TCP_NODELAY; nothing for AF_UNIX. See tcp(7), and Node's net.Socket.setNoDelay.
   *
   * @param noDelay true sends small writes at once
   * @example
   * sock.to_stream().setNoDelay();
   */
  setNoDelay(noDelay = true): this {
    if (this.#is_open_tcp()) this.#sock.setsockopt(c.SOL_TCP, c.TCP_NODELAY, Boolean(noDelay));
    return this;
  }

  /**
   * setKeepAlive(enable = false, initialDelay = 0). Sets SO_KEEPALIVE; nothing for AF_UNIX. See tcp(7), and Node's net.Socket.setKeepAlive.
   *
   * @param initialDelay milliseconds of silence before the first probe, in whole seconds; less than 1,000 keeps what is set
   * @param enable true asks a silent peer from time to time whether it is still there
   * @example
   * sock.to_stream().setKeepAlive(true, 60_000);
   */
  setKeepAlive(enable = false, initialDelay = 0): this {
    if (!this.#is_open_tcp()) return this;
    this.#sock.setsockopt(c.SOL_SOCKET, c.SO_KEEPALIVE, Boolean(enable));
    const seconds = Math.trunc(initialDelay / 1000);
    if (!enable || !(seconds >= 1)) return this;
    this.#sock.setsockopt(c.SOL_TCP, c.TCP_KEEPIDLE, seconds);
    this.#sock.setsockopt(c.SOL_TCP, c.TCP_KEEPINTVL, KEEPALIVE_INTERVAL);
    this.#sock.setsockopt(c.SOL_TCP, c.TCP_KEEPCNT, KEEPALIVE_PROBES);
    return this;
  }

  /**
   * destroySoon(). Ends the writable side, and destroys the stream once all is sent. See Node's net.Socket.destroySoon.
   *
   * @example
   * const stream = sock.to_stream();
   * stream.write('bye');
   * stream.destroySoon();
   * console.log((await peer.recv(1024)).toString()); // bye
   */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  /**
   * resetAndDestroy(). Resets the connection (RST) and destroys the stream. See Node's net.Socket.resetAndDestroy.
   *
   * @throws TypeError for AF_UNIX
   * @example
   * sock.to_stream().resetAndDestroy();
   * console.log(await peer.recv(1024).catch((error) => error.code)); // ECONNRESET
   */
  resetAndDestroy(): this {
    if (this.destroyed) return this;
    if (!this.#is_open_tcp()) throw new TypeError('resetAndDestroy: only a TCP connection can be reset');
    this.#sock.setsockopt(c.SOL_SOCKET, c.SO_LINGER, RESET);
    return this.destroy();
  }

  #is_open_tcp(): boolean {
    return !this.destroyed && this.#sock.family !== c.AF_UNIX;
  }

  /**
   * address() -> the own address, in Node's form. See Node's net.Socket.address.
   *
   * @returns `{ address, family, port }`; {} for AF_UNIX, or if it is closed
   * @example
   * console.log(sock.to_stream().address()); // for example { address: '127.0.0.1', family: 'IPv4', port: 50000 }
   */
  address(): AddressInfo | Record<string, never> {
    return address_info(() => this.#sock.getsockname()) as AddressInfo;
  }

  /** The own address as text; undefined for AF_UNIX. See Node's net.Socket.localAddress. */
  get localAddress(): string | undefined {
    return this.address().address;
  }

  /** The own port; undefined for AF_UNIX. */
  get localPort(): number | undefined {
    return this.address().port;
  }

  /** 'IPv4' or 'IPv6'; undefined for AF_UNIX. */
  get localFamily(): string | undefined {
    return this.address().family;
  }

  /** The peer's address. It stays when the stream is closed, if it was read before. */
  #remote(): Partial<AddressInfo> {
    if (this.#peer.address === undefined) this.#peer = address_info(() => this.#sock.getpeername());
    return this.#peer;
  }

  /** The peer's address as text; undefined for AF_UNIX, and once the stream is destroyed. */
  get remoteAddress(): string | undefined {
    return this.#remote().address;
  }

  /** The peer's port; undefined for AF_UNIX, and once the stream is destroyed. */
  get remotePort(): number | undefined {
    return this.#remote().port;
  }

  /** 'IPv4' or 'IPv6' of the peer; undefined for AF_UNIX, and once the stream is destroyed. */
  get remoteFamily(): string | undefined {
    return this.#remote().family;
  }

  /** Bytes received. */
  get bytesRead(): number {
    return this.#bytes_read;
  }

  /** Bytes written, those included that are still to send. */
  get bytesWritten(): number {
    return this.#dispatched + this.writableLength - this.#in_flight;
  }

  /** writableLength, its old name. */
  get bufferSize(): number {
    return this.writableLength;
  }

  /** False: the socket was connected. */
  get connecting(): boolean {
    return false;
  }

  /** True once it is closed. */
  get pending(): boolean {
    return this.destroyed;
  }

  /** The directions that are still open: 'open', 'readOnly', 'writeOnly' or 'closed'. See Node's net.Socket.readyState. */
  get readyState(): 'open' | 'readOnly' | 'writeOnly' | 'closed' {
    if (this.readable) return this.writable ? 'open' : 'readOnly';
    return this.writable ? 'writeOnly' : 'closed';
  }
}

/** Returns an address as node:net shows it; {} if there is none. */
function address_info(read: () => unknown): Partial<AddressInfo> {
  let address: unknown;
  try {
    address = read();
  } catch (error) {
    if (error instanceof OSError) return {};
    throw error;
  }
  if (!Array.isArray(address)) return {};
  const [host, port, , scope] = address;
  const family = host.includes(':') ? 'IPv6' : 'IPv4';
  return {
    address: /^fe[89ab]/.test(host) && scope ? `${host}%${if_indextoname(scope)}` : host,
    family,
    port,
  };
}
