// A connection as the rest of the client sees it, plain or over TLS (tls.ts): bytes in, bytes out, an end, each wait with a time-out and a
// signal.
import {
  type ConnectedSocket,
  type InetFamily,
  MSG_OOB,
  SHUT_WR,
  SO_LINGER,
  SOL_SOCKET,
} from 'bsd-sockets/promises';

/** How long a call waits. */
export interface Waits {
  /** seconds; null for ever */
  readonly timeout?: number | null | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Link {
  /** The next bytes, which are valid until the next read; undefined at the end. @throws (rejects) OSError, TimeoutError, the signal's reason */
  read(waits: Waits): Promise<Buffer | undefined>;
  /** Writes all of it. */
  write(bytes: Uint8Array, waits: Waits): Promise<void>;
  /** Ends the sending side: the peer sees the end of the data. */
  end(waits: Waits): Promise<void>;
  /** Sends bytes whose last one is urgent; over TLS, where there is no such thing, as any other. */
  write_urgent(bytes: Uint8Array, waits: Waits): Promise<void>;
  /** Frees all of it; calls that wait reject. */
  close(): void;
  /** As close(), with a reset: an upload that is cut short must not look like one that is whole. */
  abort(): void;
  /** Whether the end that read() told was an authentic one. Over TLS an attacker can cut a connection, which leaves out the close_notify. */
  readonly is_end_authentic: boolean;
}

export type Sock = ConnectedSocket<InetFamily>;

/** Bytes of one receive. */
export const CHUNK_SIZE = 256 * 1024;

export class PlainLink implements Link {
  readonly sock: Sock;
  readonly is_end_authentic = true;
  #memory: Buffer | undefined;
  readonly #chunk_size: number;

  constructor(sock: Sock, chunk_size: number = CHUNK_SIZE) {
    this.sock = sock;
    this.#chunk_size = chunk_size;
  }

  async read(waits: Waits): Promise<Buffer | undefined> {
    this.#memory ??= Buffer.allocUnsafeSlow(this.#chunk_size);
    const count = await this.sock.recv_into(this.#memory, options_of(waits));
    return count === 0 ? undefined : this.#memory.subarray(0, count);
  }

  async write(bytes: Uint8Array, waits: Waits): Promise<void> {
    await this.sock.sendall(bytes, options_of(waits));
  }

  async end(waits: Waits): Promise<void> {
    await this.sock.shutdown(SHUT_WR, options_of(waits));
  }

  async write_urgent(bytes: Uint8Array, waits: Waits): Promise<void> {
    await this.sock.sendall(bytes, MSG_OOB, options_of(waits));
  }

  close(): void {
    this.sock.close();
  }

  abort(): void {
    reset(this.sock);
  }
}

/** Closes with a reset in place of the end of the data. */
export function reset(sock: Sock): void {
  // struct linger: on, 0 seconds.
  if (sock.fileno() >= 0) sock.setsockopt(SOL_SOCKET, SO_LINGER, Buffer.from(Int32Array.of(1, 0).buffer));
  sock.close();
}

/** Returns the options of a call of the library. */
export function options_of({ timeout, signal }: Waits): { timeout?: number | null; signal?: AbortSignal } {
  return {
    ...(timeout === undefined ? {} : { timeout }),
    ...(signal === undefined ? {} : { signal }),
  };
}

/** Reads what still comes and throws it away, until the end or a failure. A peer whose last bytes nobody reads gets a reset, which takes the data before it along. */
export async function drain(link: Link, waits: Waits): Promise<void> {
  try {
    while ((await link.read(waits)) !== undefined);
  } catch {
    // The end of it, whatever it is: what counts is told on the control connection.
  }
}
