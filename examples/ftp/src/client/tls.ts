// TLS for a client: node:tls over a socket of bsd-sockets/promises. Control and data connections share one TLSClient, whose newest session
// every data connection resumes: servers that are strict about it take no other (vsftpd's require_ssl_reuse).
//
// The stream under node:tls never tells it that the connection has ended. So its own end is that of a close_notify, and an end without one,
// which anybody on the way can make, is known as such.
import { isIP } from 'node:net';
import { Duplex } from 'node:stream';
import { type ConnectionOptions, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import { SHUT_WR } from 'bsd-sockets/promises';
import { FTPError, message_of } from './errors.js';
import { CHUNK_SIZE, type Link, reset, type Sock, type Waits } from './link.js';

/** How the server proves who it is, and the client. Keys and certificates are PEM. */
export interface TLSOptions {
  /** authorities that are trusted in place of the system's */
  readonly ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  /** the name that the certificate must have. Default: the host */
  readonly servername?: string | undefined;
  /** SHA-256 of the server's certificate, in hexadecimal digits with or without colons: this one is trusted, whoever issued it, and no other */
  readonly fingerprint?: string | undefined;
  /** true: any certificate. Whoever is on the way reads the password and changes files. */
  readonly insecure?: boolean | undefined;
  /** the client's certificate */
  readonly cert?: string | Buffer | undefined;
  readonly key?: string | Buffer | undefined;
  readonly passphrase?: string | undefined;
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3' | undefined;
}

/** The encrypted side. */
class Wire extends Duplex {
  readonly sock: Sock;
  /** Told once, when nothing more comes. */
  on_end: ((error: unknown) => void) | undefined;
  has_ended = false;

  constructor(sock: Sock) {
    super({ readableHighWaterMark: CHUNK_SIZE, writableHighWaterMark: CHUNK_SIZE });
    this.sock = sock;
    this.on('error', () => {});
  }

  override _read(): void {
    if (this.has_ended) return;
    this.sock.recv(64 * 1024, { timeout: null }).then(
      (chunk) => (chunk.length === 0 ? this.#end(undefined) : this.push(chunk)),
      (error: unknown) => this.#end(error),
    );
  }

  #end(error: unknown): void {
    this.has_ended = true;
    this.on_end?.(error);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#send(chunk, callback);
  }

  override _writev(chunks: { chunk: Buffer }[], callback: (error?: Error | null) => void): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), callback);
  }

  #send(bytes: Buffer, callback: (error?: Error | null) => void): void {
    this.sock.sendall(bytes, { timeout: null }).then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.sock.shutdown(SHUT_WR, { timeout: null }).then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.sock.close();
    callback(error);
  }
}

export class TLSLink implements Link {
  readonly #tls: TLSSocket;
  readonly #wire: Wire;
  #ended = false;
  #cut = false;
  #error: unknown;
  #wake: (() => void) | undefined;

  constructor(tls: TLSSocket, wire: Wire) {
    this.#tls = tls;
    this.#wire = wire;
    const wake = () => this.#wake?.();
    tls.on('readable', wake);
    tls.on('end', () => {
      this.#ended = true;
      wake();
    });
    tls.on('error', (error) => {
      this.#error ??= error;
      wake();
    });
    tls.on('close', () => {
      this.#error ??= new FTPError('connect', 'the TLS connection is closed');
      wake();
    });
    const on_end = (error: unknown) => {
      // A close_notify among the last bytes gives its 'end' before the next turn.
      setImmediate(() => {
        if (error !== undefined) this.#error ??= error;
        else this.#cut = true;
        wake();
      });
    };
    wire.on_end = on_end;
    if (wire.has_ended) on_end(undefined);
  }

  get is_end_authentic(): boolean {
    return !this.#cut || this.#ended;
  }

  get session_reused(): boolean {
    return this.#tls.isSessionReused();
  }

  /** Of what was agreed: "TLSv1.3 TLS_AES_256_GCM_SHA384". */
  get description(): string {
    return `${this.#tls.getProtocol()} ${this.#tls.getCipher().name}`;
  }

  async read(waits: Waits): Promise<Buffer | undefined> {
    for (;;) {
      const chunk = this.#tls.read() as Buffer | null;
      if (chunk !== null) return chunk;
      if (this.#ended) return undefined;
      if (this.#error !== undefined) throw this.#error;
      // All that was decrypted is taken: read() above found nothing.
      if (this.#cut) return undefined;
      await this.#wait(waits, 'recv over TLS', (done) => {
        this.#wake = done;
      });
    }
  }

  async write(bytes: Uint8Array, waits: Waits): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    await this.#wait(waits, 'send over TLS', (done, fail) => {
      this.#tls.write(bytes, (error) => (error ? fail(this.#error ?? error) : done()));
    });
  }

  async end(waits: Waits): Promise<void> {
    if (this.#error !== undefined) throw this.#error;
    await this.#wait(waits, 'end of TLS', (done, fail) => {
      this.#tls.once('close', () => fail(this.#error));
      this.#tls.end(done);
    });
  }

  write_urgent(bytes: Uint8Array, waits: Waits): Promise<void> {
    return this.write(bytes, waits);
  }

  close(): void {
    this.#tls.destroy();
    this.#wire.destroy();
  }

  abort(): void {
    reset(this.#wire.sock);
    this.close();
  }

  #wait(
    { timeout, signal }: Waits,
    what: string,
    begin: (done: () => void, fail: (error: unknown) => void) => void,
  ): Promise<void> {
    return within({ timeout, signal }, what, begin);
  }
}

/** Returns when `begin` calls done. @throws (rejects) what `fail` was given; FTPError 'timeout'; the signal's reason */
export function within(
  { timeout, signal }: Waits,
  what: string,
  begin: (done: () => void, fail: (error: unknown) => void) => void,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    let timer: NodeJS.Timeout | undefined;
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', on_abort);
    };
    const on_abort = () => {
      end();
      reject(signal?.reason);
    };
    signal?.addEventListener('abort', on_abort);
    if (typeof timeout === 'number')
      timer = setTimeout(() => {
        end();
        reject(new FTPError('timeout', `${what} timed out after ${timeout} s`));
      }, timeout * 1000);
    begin(
      () => {
        end();
        resolve();
      },
      (error) => {
        end();
        reject(error ?? new FTPError('connect', `${what}: the connection is closed`));
      },
    );
  });
}

const plain_digits = (fingerprint: string) => fingerprint.replaceAll(':', '').toLowerCase();

/** The TLS of one control connection and of its data connections. */
export class TLSClient {
  readonly #options: TLSOptions;
  readonly #host: string;
  #session: Buffer | undefined;
  /** Of the control connection: data connections must have the same. */
  #fingerprint: string | undefined;

  constructor(host: string, options: TLSOptions) {
    this.#host = host;
    this.#options = options;
  }

  /** Begins TLS on the control connection. @throws (rejects) FTPError 'tls' or 'timeout'; the signal's reason */
  async control(sock: Sock, waits: Waits): Promise<TLSLink> {
    const { link, tls } = await this.#handshake(sock, waits, 'tls', undefined);
    // With TLS 1.3 tickets come later, one after the other: the newest counts.
    tls.on('session', (session) => {
      this.#session = session;
    });
    this.#session = tls.getSession() ?? this.#session;
    this.#fingerprint = tls.getPeerCertificate().fingerprint256;
    return link;
  }

  /** Begins TLS on a data connection. @throws as control() */
  async data(sock: Sock, waits: Waits): Promise<TLSLink> {
    const { link, tls } = await this.#handshake(sock, waits, 'transfer', this.#session);
    const { fingerprint256 } = tls.getPeerCertificate();
    if (!tls.isSessionReused() && fingerprint256 !== this.#fingerprint) {
      link.close();
      throw new FTPError('tls', 'the data connection has another certificate than the control connection');
    }
    return link;
  }

  /** @param cut the kind of failure that an end of the connection is: that of a data connection may be any cut */
  async #handshake(sock: Sock, waits: Waits, cut: 'tls' | 'transfer', session: Buffer | undefined) {
    const wire = new Wire(sock);
    const { fingerprint, insecure, servername: given, ...others } = this.#options;
    const name = given ?? this.#host;
    const is_unchecked = insecure === true || fingerprint !== undefined;
    const options: ConnectionOptions = {
      ...(others as ConnectionOptions),
      socket: wire,
      host: name,
      // An address is no name for SNI.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(session === undefined ? {} : { session }),
      rejectUnauthorized: !is_unchecked,
    };
    let tls: TLSSocket | undefined;
    try {
      tls = connect(options);
      const socket = tls;
      await within(waits, 'the TLS handshake', (done, fail) => {
        socket.once('secureConnect', done);
        socket.once('error', fail);
        wire.on_end = (error) => {
          const how = error === undefined ? '' : `: ${message_of(error)}`;
          fail(new FTPError(cut, `the connection ended within the TLS handshake${how}`, { cause: error }));
        };
      });
      // A session that is resumed is one whose certificate has been checked, and brings none.
      if (fingerprint !== undefined && !socket.isSessionReused())
        check_fingerprint(fingerprint, socket.getPeerCertificate());
      socket.removeAllListeners('error');
      return { link: new TLSLink(socket, wire), tls: socket };
    } catch (error) {
      tls?.on('error', () => {});
      tls?.destroy();
      wire.destroy();
      if (error instanceof FTPError || error === waits.signal?.reason) throw error;
      throw new FTPError('tls', `TLS failed: ${message_of(error)}${hint_of(error)}`, { cause: error });
    }
  }
}

function check_fingerprint(expected: string, { fingerprint256 }: PeerCertificate): void {
  if (plain_digits(fingerprint256 ?? '') !== plain_digits(expected))
    throw new FTPError('tls', `the server's certificate is another one: its SHA-256 is ${fingerprint256}`);
}

function hint_of(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'DEPTH_ZERO_SELF_SIGNED_CERT' || code === 'SELF_SIGNED_CERT_IN_CHAIN')
    return ' (trust it by its fingerprint, or its authority by ca)';
  if (code === 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' || code === 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY')
    return ' (its authority is not known: give it by ca)';
  return '';
}

/** Refuses options that contradict each other. @throws TypeError */
export function check_tls_options(options: TLSOptions): TLSOptions {
  if (typeof options !== 'object' || options === null)
    throw new TypeError(`tls_options must be an object, not ${options === null ? 'null' : typeof options}`);
  const { fingerprint, insecure, cert, key } = options;
  if (fingerprint !== undefined && !/^[0-9a-f]{64}$/.test(plain_digits(fingerprint)))
    throw new TypeError(
      `tls_options.fingerprint must be 64 hexadecimal digits, the SHA-256 of a certificate, not ${JSON.stringify(fingerprint)}`,
    );
  if (fingerprint !== undefined && insecure === true)
    throw new TypeError('tls_options.fingerprint and tls_options.insecure exclude each other');
  if ((cert === undefined) !== (key === undefined))
    throw new TypeError('tls_options.cert and tls_options.key go together');
  return options;
}
