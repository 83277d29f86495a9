// A data connection before its transfer: passive, where the client comes to a port of ours, or active, where the client listens. However it
// ends, its listener and its connection are closed.
import {
  AF_INET,
  AF_INET6,
  type ConnectedSocket,
  IPPROTO_TCP,
  type ListeningSocket,
  SO_REUSEADDR,
  SOCK_STREAM,
  SOL_SOCKET,
  type SSLServerContext,
  type SSLSocket,
  socket,
  TCP_NODELAY,
} from 'bsd-sockets/promises';
import { type HostPort, plain_address } from '../../protocol/addresses.js';
import { refuse } from '../../protocol/replies.js';

/** A connection that is ready for its transfer. */
export type DataConnection = ConnectedSocket | SSLSocket;

/** How a connection is to be protected. */
export interface Protection {
  readonly context: SSLServerContext;
  /** seconds of the handshake */
  readonly timeout: number;
  /** whether only a session is taken that the control connection began */
  readonly reuse: boolean;
}

export interface DataChannel {
  /** 'passive 192.0.2.1:50000', for STAT */
  readonly description: string;
  /**
   * Waits for the connection, and for its handshake.
   *
   * @param timeout seconds for the connection
   * @throws (rejects) OSError; ReplyError; the signal's reason
   */
  open(timeout: number, protection: Protection | undefined, signal: AbortSignal): Promise<DataConnection>;
  /** Closes what is not given away. */
  close(): void;
}

async function protect(
  conn: ConnectedSocket,
  { context, timeout, reuse }: Protection,
  signal: AbortSignal,
): Promise<SSLSocket> {
  conn.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1);
  const secure = await context.wrap_socket(conn, { timeout, signal });
  if (!reuse || secure.session_reused) return secure;
  secure.close();
  return refuse(522, 'The data connection must resume the TLS session of the control connection.');
}

/** Returns the promise's result, or rejects when the signal aborts; what comes later is closed. */
function unless_aborted<T extends { close(): void }>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const on_abort = () => {
      reject(signal.reason);
      promise.then(
        (late) => late.close(),
        () => {},
      );
    };
    if (signal.aborted) on_abort();
    else signal.addEventListener('abort', on_abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', on_abort));
  });
}

/** What a passive channel needs of its session. */
export interface PassiveOptions {
  /** the addresses that may connect */
  readonly allowed: ReadonlySet<string>;
  /** seconds until the port is given back although no transfer has come */
  readonly lifetime: number;
  /** the protection at the moment when the client connects */
  protection(): Protection | undefined;
  /** Called for a connection of somebody else, which is closed. */
  on_stranger(address: string): void;
}

/**
 * The client comes to us, before the command of the transfer or after it. A handshake begins as soon as it has connected: some clients wait
 * for it before they send the command, others send the command and wait for 150 before they begin.
 */
export class PassiveChannel implements DataChannel {
  readonly description: string;
  readonly #listener: ListeningSocket;
  readonly #options: PassiveOptions;
  readonly #stop = new AbortController();
  readonly #connected: Promise<ConnectedSocket>;
  #secured: Promise<SSLSocket> | undefined;
  #given = false;
  #timer: NodeJS.Timeout;

  constructor(listener: ListeningSocket, options: PassiveOptions) {
    const [host, port] = listener.getsockname() as [string, number];
    this.description = `passive ${host}:${port}`;
    this.#listener = listener;
    this.#options = options;
    this.#timer = setTimeout(() => this.close(), options.lifetime * 1000);
    this.#connected = this.#accept();
    this.#connected.then(
      (conn) => {
        const protection = options.protection();
        if (protection !== undefined) this.#protect(conn, protection);
      },
      () => {},
    );
  }

  async #accept(): Promise<ConnectedSocket> {
    try {
      for (;;) {
        const [conn, address] = await this.#listener.accept({ signal: this.#stop.signal, timeout: null });
        const host = plain_address(String((address as [string] | null)?.[0]));
        if (this.#options.allowed.has(host)) {
          if (this.#stop.signal.aborted) conn.close();
          return conn;
        }
        conn.close();
        this.#options.on_stranger(host);
      }
    } finally {
      this.#listener.close();
    }
  }

  #protect(conn: ConnectedSocket, protection: Protection): Promise<SSLSocket> {
    this.#secured ??= protect(conn, protection, this.#stop.signal);
    this.#secured.catch(() => {});
    return this.#secured;
  }

  async open(
    timeout: number,
    protection: Protection | undefined,
    signal: AbortSignal,
  ): Promise<DataConnection> {
    clearTimeout(this.#timer);
    // It began before: its end is a matter of the transfer from here on.
    this.#timer = setTimeout(
      () => this.#stop.abort(new Error('The client did not connect in time.')),
      timeout * 1000,
    );
    try {
      const stopped = AbortSignal.any([signal, this.#stop.signal]);
      const conn = await unless_aborted(this.#connected, stopped);
      clearTimeout(this.#timer);
      if (protection === undefined && this.#secured === undefined) {
        this.#given = true;
        return conn;
      }
      if (protection === undefined)
        refuse(425, 'PROT has changed since the data connection was opened: open another one.');
      const secure = await unless_aborted(this.#protect(conn, protection), stopped);
      this.#given = true;
      return secure;
    } finally {
      clearTimeout(this.#timer);
      if (!this.#given) this.close();
    }
  }

  close(): void {
    if (this.#given) return;
    this.#given = true;
    clearTimeout(this.#timer);
    this.#stop.abort(new Error('The data connection was closed.'));
    this.#listener.close();
    const close = (conn: ConnectedSocket) => conn.close();
    this.#connected.then(close, () => {});
    this.#secured?.then(close, () => {});
  }
}

/** The client listens: we connect when the transfer begins, from the address that the client knows. */
export class ActiveChannel implements DataChannel {
  readonly description: string;
  readonly #target: HostPort;
  readonly #source: HostPort;

  /** @param source our address, and the port to come from, 0 for any */
  constructor(target: HostPort, source: HostPort) {
    this.description = `active ${target.host}:${target.port}`;
    this.#target = target;
    this.#source = source;
  }

  async open(
    timeout: number,
    protection: Protection | undefined,
    signal: AbortSignal,
  ): Promise<DataConnection> {
    const { host, port } = this.#target;
    const sock = new socket(host.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM);
    try {
      sock.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1);
      await sock.bind([this.#source.host, this.#source.port]);
      await sock.connect([host, port], { timeout, signal });
      const conn = sock as ConnectedSocket;
      return protection === undefined ? conn : await protect(conn, protection, signal);
    } catch (error) {
      sock.close();
      throw error;
    }
  }

  close(): void {}
}
