// SSLSocket: a connection over TLS with the interface of a connected socket of promises, and with what Python's ssl.SSLSocket tells of it.
// Its calls are attempts on the channel in the queues of all sockets (../queue.ts), so order, time-outs and signals are theirs.
//
// The descriptor stays this object's: names and options work as ever. What would send or receive past TLS is refused, with Python's words.
import { constants } from 'node:os';
import type { PeerCertificate } from 'node:tls';
import type { ControlMessage } from '../../calls/control.js';
import { buffers_of, taken_buffers } from '../../calls/message.js';
import type { AsyncSendfileSource } from '../../calls/moving/sendfile.js';
import * as transfer from '../../calls/transfer.js';
import * as c from '../../constants.js';
import { UnsupportedOperation } from '../../errors/builtins.js';
import type { OwnedDescriptor } from '../../util/owned_descriptor.js';
import { type BytesLike, type Data, data, type Elements, integer, integer_or } from '../../util/validate.js';
import {
  is_flags,
  promised,
  type Rest1,
  type Rest2,
  type Rest3,
  type WaitOptions,
  with_options,
} from '../../util/wait_options.js';
import { RecvCall, RecvExactlyCall } from '../attempts.js';
import { FunctionCall } from '../call.js';
import { Iteration } from '../iterate.js';
import { type Poller, perform } from '../queue.js';
import { sendfile } from '../sendfile.js';
import { Socket } from '../socket.js';
import { Channel } from './channel.js';
import { PiecesCall, TlsSendallCall } from './sendall.js';

const { EBADF } = constants.errno;
/** The secret bits of ciphers whose name has no number. */
const SECRET_BITS: readonly [part: string, bits: number][] = [
  ['CHACHA20', 256],
  ['3DES', 168],
  ['DES-CBC3', 168],
  ['NULL', 0],
];

/** Returns the flags of a call, which must be 0. @throws RangeError, TypeError */
function no_flags(flags: unknown, syscall: string): void {
  if (integer_or(0, flags as number, 'flags') !== 0)
    throw new RangeError(
      `non-zero flags not allowed in calls to ${syscall}() on SSLSocket: they are for bytes that are not encrypted`,
    );
}

/**
 * A connection over TLS: a connected socket of promises whose bytes node:tls encrypts. `wrap_socket()` of an SSLServerContext makes it, and
 * handlers of a server with `ssl` have it as `request`. See Python's ssl.SSLSocket.
 */
export class SSLSocket<out F extends number = number> extends Socket<F, typeof c.SOCK_STREAM> {
  readonly #raw: Poller;
  /** @internal */ readonly _channel: Channel;

  /** @internal */
  constructor(family: F, proto: number, descriptor: OwnedDescriptor, suppress_ragged_eofs: boolean) {
    super(family, c.SOCK_STREAM, proto, descriptor);
    const raw = this._poller;
    this.#raw = raw;
    const channel = new Channel(
      {
        recv: (bufsize) => perform(raw.reads, new RecvCall(this, bufsize, 0), WITHOUT_LIMIT),
        recv_into: (memory) => {
          const attempt = () => transfer.recv_into(this, memory, 0, 0, 0);
          return perform(raw.reads, new FunctionCall(this, 'recv_into', attempt), WITHOUT_LIMIT);
        },
        sendall: (pieces) => perform(raw.writes, new PiecesCall(this, pieces), WITHOUT_LIMIT),
        end: () => this._shutdown(c.SHUT_WR),
      },
      suppress_ragged_eofs,
    );
    this._channel = channel;
    this._poller = channel.poller;
    this._watch_by({
      release: () => {
        channel.destroy();
        raw.release();
      },
    });
  }

  /** The handshake is done: from now on only calls of the program keep the process alive. @internal */
  _opened(): void {
    this.#raw.reference(false);
  }

  #read<T>(syscall: string, attempt: () => T | number, check: () => void, options?: WaitOptions): Promise<T> {
    const checked = () => {
      check();
      return this._fd < 0 ? -EBADF : attempt();
    };
    return perform(this._poller.reads, new FunctionCall<T>(this, syscall, checked, check), options);
  }

  override recv(bufsize: number, ...rest: Rest1<number>): Promise<Buffer>;
  override recv(bufsize: number, flags?: unknown, options?: WaitOptions): Promise<Buffer> {
    if (!is_flags(flags)) return this.recv(bufsize, 0, flags as WaitOptions);
    const check = () => {
      transfer.check_recv(bufsize, 0);
      no_flags(flags, 'recv');
    };
    return this.#read('recv', () => this._channel.take(bufsize), check, options);
  }

  override recv_into(buffer: BytesLike, ...rest: Rest2<number, number>): Promise<number> {
    return with_options(rest, 2, (options, [nbytes, flags]) => {
      const attempt = () => {
        const [view, count] = transfer.target(buffer, nbytes);
        return this._channel.take_into(view.subarray(0, count));
      };
      const check = () => {
        transfer.target(buffer, nbytes);
        no_flags(flags, 'recv_into');
      };
      return this.#read('recv_into', attempt, check, options);
    });
  }

  override recv_exactly(n: number, options?: WaitOptions): Promise<Buffer> {
    const receive = (view: Uint8Array) => (this._fd < 0 ? -EBADF : this._channel.take_into(view));
    return promised(() => perform(this._poller.reads, new RecvExactlyCall(this, n, receive), options));
  }

  override send(bytes: Data, ...rest: Rest1<number>): Promise<number>;
  override send(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<number> {
    if (!is_flags(flags)) return this.send(bytes, 0, flags as WaitOptions);
    const check = () => {
      transfer.check_send(bytes, 0);
      no_flags(flags, 'send');
    };
    const attempt = () => {
      check();
      return this.#write(data(bytes, 'data'));
    };
    return perform(this._poller.writes, new FunctionCall(this, 'send', attempt, check), options);
  }

  #write(bytes: Uint8Array): number {
    return this._fd < 0 ? -EBADF : this._channel.write(bytes);
  }

  override sendall(bytes: Data, ...rest: Rest1<number>): Promise<void>;
  override sendall(bytes: Data, flags?: unknown, options?: WaitOptions): Promise<void> {
    if (!is_flags(flags)) return this.sendall(bytes, 0, flags as WaitOptions);
    return promised(() => {
      no_flags(flags, 'sendall');
      return perform(this._poller.writes, new TlsSendallCall(this, this._channel, bytes), options);
    });
  }

  /**
   * sendmsg(buffers, { signal, timeout }) -> how many bytes TLS took. Sends the buffers as one piece; control messages, flags and an address
   * are refused. See sendmsg(2).
   *
   * @param buffers an iterable of bytes or strings, at most 1,024
   * @param rest `{ signal, timeout }`; no control messages, flags or address
   * @returns the number of bytes taken, which may be fewer than given
   * @throws UnsupportedOperation with control messages or an address; RangeError with flags; TimeoutError; the signal's reason; OSError
   * @example
   * const both = (request: SSLSocket) => request.sendmsg(['head', Buffer.from('body')]); // 8
   */
  override sendmsg(
    buffers: Elements<Data>,
    ...rest: Rest3<Elements<ControlMessage>, number, never>
  ): Promise<number> {
    return with_options(rest, 3, (options, [ancdata, flags, address]) => {
      no_flags(flags, 'sendmsg');
      if (ancdata !== undefined && ancdata !== null && [...(ancdata as Iterable<unknown>)].length > 0)
        refuse('sendmsg with control messages', 'they have no place in a TLS connection');
      if (address !== undefined && address !== null)
        refuse('sendmsg with an address', 'the connection has one peer');
      const views = buffers_of(taken_buffers(buffers), 'buffers', 'sendmsg', data);
      return this.send(Buffer.concat(views), 0, options);
    });
  }

  override sendfile(file: AsyncSendfileSource, ...rest: Rest2<number, number>): Promise<number> {
    const output = {
      send: (bytes: Uint8Array) => this.#write(bytes),
      flushed: () => this._channel.flushed(),
    };
    return with_options(rest, 2, (options, [offset, count]) =>
      sendfile(this, this._poller.writes, file, offset ?? 0, count, options, output),
    );
  }

  /**
   * shutdown(how, { signal, timeout }), behind the writes. SHUT_WR sends what is written, then a close_notify, and ends the connection's sending
   * side; the peer may still send. SHUT_RD has further reads give the end. See RFC 8446, section 6.1, and shutdown(2).
   *
   * @param how SHUT_RD, SHUT_WR or SHUT_RDWR
   * @throws TimeoutError if the peer does not take what was written; BrokenPipeError, ConnectionResetError; the signal's reason
   * @example
   * const end = (request: SSLSocket) => request.shutdown(SHUT_WR, { timeout: 30 });
   */
  override shutdown(how: number, options?: WaitOptions): Promise<void> {
    const check = () => integer(how, 'how', c.SHUT_RD, c.SHUT_RDWR);
    const attempt = () => {
      check();
      if (this._fd < 0) return -EBADF;
      if (how !== c.SHUT_WR) this._channel.end_input();
      const result = how === c.SHUT_RD ? 0 : this._channel.end_output();
      return result < 0 ? result : undefined;
    };
    return perform(
      this._poller.writes,
      new FunctionCall<void>(this, 'shutdown', attempt as () => number, check),
      options,
    );
  }

  /**
   * getpeercert(binary_form = false) -> the certificate of the client, as node:tls shows it; null if it sent none. With `rejectUnauthorized:
   * false` look at `authorized`, too. See Python's ssl.SSLSocket.getpeercert.
   *
   * @param binary_form true for the DER bytes
   * @returns the certificate
   * @example
   * const client_name = (request: SSLSocket) => request.getpeercert()?.subject.CN;
   */
  getpeercert(binary_form: true): Buffer | null;
  getpeercert(binary_form?: false): PeerCertificate | null;
  getpeercert(binary_form = false): PeerCertificate | Buffer | null {
    const found = this._channel.tls.getPeerCertificate();
    if (found?.raw === undefined) return null;
    return binary_form ? found.raw : found;
  }

  /** True if the peer's certificate was asked for and is valid. See Node's tls.TLSSocket.authorized. */
  get authorized(): boolean {
    return this._channel.tls.authorized;
  }

  /** The reason for which the peer's certificate is not valid, such as 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY'; null if there is none. */
  get authorization_error(): string | null {
    const { authorizationError } = this._channel.tls;
    return authorizationError ? String(authorizationError) : null;
  }

  /**
   * cipher() -> [name, protocol version, secret bits]. See Python's ssl.SSLSocket.cipher.
   *
   * @returns the cipher in use
   * @example
   * const cipher = (request: SSLSocket) => request.cipher(); // ['TLS_AES_256_GCM_SHA384', 'TLSv1.3', 256]
   */
  cipher(): [name: string, protocol_version: string, secret_bits: number] {
    const { name, version } = this._channel.tls.getCipher();
    const number = /(?:128|256)/.exec(name)?.[0];
    const bits = SECRET_BITS.find(([part]) => name.includes(part))?.[1] ?? Number(number ?? 0);
    return [name, version, bits];
  }

  /**
   * version() -> the version of the protocol in use. See Python's ssl.SSLSocket.version.
   *
   * @returns 'TLSv1.3', 'TLSv1.2', …; null once the connection is closed
   * @example
   * const version = (request: SSLSocket) => request.version(); // TLSv1.3
   */
  version(): string | null {
    return this._channel.tls.getProtocol();
  }

  /**
   * selected_alpn_protocol() -> the application protocol that both sides have chosen; null without one. See Python's
   * ssl.SSLSocket.selected_alpn_protocol.
   *
   * @returns one of the `ALPNProtocols`
   * @example
   * const is_http2 = (request: SSLSocket) => request.selected_alpn_protocol() === 'h2';
   */
  selected_alpn_protocol(): string | null {
    return this._channel.tls.alpnProtocol || null;
  }

  /**
   * pending() -> the number of decrypted bytes that a recv() gives at once. See Python's ssl.SSLSocket.pending.
   *
   * @returns bytes
   * @example
   * const has_data = (request: SSLSocket) => request.pending() > 0;
   */
  pending(): number {
    return this._channel.available;
  }

  /** The name of the server that the client asked for (SNI); null without one, and before Node.js 22 in a resumed session of TLS 1.2. */
  get server_hostname(): string | null {
    const { servername } = this._channel.tls as { servername?: string | false | null };
    return servername || null;
  }

  /** True: this is the server's side. See Python's ssl.SSLSocket.server_side. */
  get server_side(): boolean {
    return true;
  }

  /** True if the connection resumed an earlier session, without a full handshake. See Python's ssl.SSLSocket.session_reused. */
  get session_reused(): boolean {
    return this._channel.tls.isSessionReused();
  }

  /**
   * Iterates over what comes, decrypted, to the end of the stream. See Python's ssl.SSLSocket.
   *
   * @returns the iterator; breaking off leaves the connection open
   * @throws (rejects) OSError; SSLEOFError if the connection was cut
   * @example
   * const read_all = async (sock: SSLSocket) => {
   *   for await (const data of sock) console.log(data.length);
   * };
   */
  override [Symbol.asyncIterator](): AsyncIterableIterator<Buffer> {
    return new Iteration<Buffer>(this);
  }

  override toString(): string {
    return super.toString().replace('<socket', '<SSLSocket');
  }

  override recvfrom(): never {
    return refuse('recvfrom', 'use recv()');
  }

  override recvfrom_into(): never {
    return refuse('recvfrom_into', 'use recv_into()');
  }

  override recvmsg(): never {
    return refuse('recvmsg', 'use recv()');
  }

  override recvmsg_into(): never {
    return refuse('recvmsg_into', 'use recv_into()');
  }

  override recvmmsg(): never {
    return refuse('recvmmsg', 'use recv()');
  }

  override recvmmsg_into(): never {
    return refuse('recvmmsg_into', 'use recv_into()');
  }

  override sendto(): never {
    return refuse('sendto', 'use send()');
  }

  override sendmmsg(): never {
    return refuse('sendmmsg', 'use sendmsg()');
  }

  override dup(): never {
    return refuse('dup', 'a second descriptor has no part in the TLS session');
  }

  override detach(): never {
    return refuse('detach', 'the descriptor alone has no part in the TLS session');
  }

  override share(): never {
    return refuse('share', 'the TLS session lives in this thread');
  }

  override to_socket(): never {
    return refuse('to_socket', 'node:tls needs the event loop');
  }

  override to_node(): never {
    return refuse('to_node', 'for a TLSSocket of Node give tls.createServer() the connection instead');
  }

  override to_stream(): never {
    return refuse('to_stream', 'for a TLSSocket of Node give tls.createServer() the connection instead');
  }
}

/** The time-out of the socket is for calls on decrypted data. */
const WITHOUT_LIMIT: WaitOptions = Object.freeze({ timeout: null });

/** @throws UnsupportedOperation, always */
function refuse(call: string, instead: string): never {
  throw new UnsupportedOperation(`${call} not allowed on instances of SSLSocket: ${instead}`);
}
