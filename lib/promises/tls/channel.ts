// The decrypted side of a TLS connection: the TLSSocket of node:tls, as attempts that never wait, which the queues of queue.ts try in their
// order. An attempt that cannot be done returns -EAGAIN, and an event of the TLSSocket tries the queue again.
//
// One write is under way at a time, at most CHUNK_SIZE bytes, which node:tls encrypts at once: so memory is bounded, and a caller's is
// never kept.
import { constants } from 'node:os';
import type { TLSSocket } from 'node:tls';
import { READ, WRITE } from '../../calls/waiting/readiness.js';
import { OSError } from '../../errors/index.js';
import type { Bytes } from '../../util/validate.js';
import { Poller } from '../queue.js';
import { SSLEOFError, type SSLError, ssl_error } from './errors.js';
import { type RawCalls, RawStream } from './raw_stream.js';

const { EAGAIN, ECONNRESET, EPIPE } = constants.errno;
const CHUNK_SIZE = 128 * 1024;
const EMPTY = Buffer.alloc(0);

/** Both queues of calls on decrypted data: they wait for events of the channel, not for the descriptor. */
class ChannelPoller extends Poller {
  constructor() {
    super(-1, 0);
  }

  override want(): void {}
}

/** The reason for which a direction has failed: an errno, or what makes the error. */
type Failure = number | (() => SSLError);

/** Returns the failure for an error of the raw calls or of node:tls. */
function failure_of(error: unknown): Failure {
  if (error instanceof OSError && error.errno !== undefined) return error.errno;
  if (error instanceof Error) return () => ssl_error(error);
  return ECONNRESET;
}

function cut(): SSLError {
  return new SSLEOFError(
    'the connection ended without a close_notify of TLS: what was received may be incomplete',
  );
}

export class Channel {
  readonly poller = new ChannelPoller();
  readonly raw: RawStream;
  /** Called at the end of the raw connection, or its failure, within the handshake. */
  on_handshake_cut: ((error: unknown) => void) | undefined;
  #tls: TLSSocket | undefined;
  #input_ended = false;
  #input_failure: Failure | undefined;
  /** How the raw connection has ended. */
  #raw_end: Failure | undefined;
  #is_looking = false;
  #output_failure: Failure | undefined;
  #writing = false;
  #output: 'open' | 'ending' | 'ended' = 'open';

  /** @param suppress_ragged_eofs whether the end without a close_notify is an end as any other */
  constructor(
    calls: RawCalls,
    readonly suppress_ragged_eofs: boolean,
  ) {
    this.raw = new RawStream(calls, {
      on_end: (error) => this.#on_raw_end(error),
      on_send_failed: (error) => {
        this.#output_failure ??= failure_of(error);
        this.on_handshake_cut?.(error);
        this.poller.on_ready(WRITE);
      },
    });
    // Errors are told by the events above; those of node:tls come from the TLSSocket.
    this.raw.on('error', () => {});
  }

  /** The TLSSocket, once the handshake is done. @throws Error before */
  get tls(): TLSSocket {
    if (this.#tls === undefined) throw new Error('the TLS handshake is not done');
    return this.#tls;
  }

  /** Begins with the TLSSocket of a handshake that is done. */
  open(tls: TLSSocket): void {
    this.#tls = tls;
    this.on_handshake_cut = undefined;
    tls.on('readable', () => {
      // Without data it is the end, which has to be read to be told.
      if (tls.readableLength === 0) tls.read();
      this.poller.on_ready(READ);
    });
    tls.on('end', () => {
      this.#input_ended = true;
      this.poller.on_ready(READ);
    });
    tls.on('error', (error) => this.#fail(() => ssl_error(error)));
    tls.on('close', () => this.#fail(ECONNRESET));
  }

  #fail(failure: Failure): void {
    if (!this.#input_ended) this.#input_failure ??= failure;
    if (this.#output !== 'ended') this.#output_failure ??= failure;
    this.poller.on_ready(READ | WRITE);
  }

  /** The raw connection has ended. */
  #on_raw_end(error: unknown): void {
    if (this.#tls === undefined) {
      this.on_handshake_cut?.(error);
      return;
    }
    this.#raw_end = error === undefined ? cut : failure_of(error);
    this.poller.on_ready(READ);
  }

  /**
   * What is decrypted is taken, and the raw connection has ended. node:tls decrypts what the raw stream still holds before the next turn, or
   * a part of it. If it holds nothing, and the last bytes were a close_notify, the TLSSocket tells its end before the next turn.
   */
  #look_for_the_end(): void {
    if (this.#is_looking) return;
    this.#is_looking = true;
    const is_last_look = this.raw.readableLength === 0;
    this.tls.read();
    setImmediate(() => {
      this.#is_looking = false;
      if (is_last_look) {
        if (this.#raw_end === cut && this.suppress_ragged_eofs) this.#input_ended = true;
        else this.#input_failure ??= this.#raw_end;
      }
      this.poller.on_ready(READ);
    });
  }

  /** The number of bytes that can be taken at once. */
  get available(): number {
    return this.tls.readableLength;
  }

  /** Takes at most `most` decrypted bytes: none at the end. Returns -EAGAIN or -errno if there are none. @throws SSLError */
  take(most: number): Buffer | number {
    const { tls } = this;
    const { readableLength } = tls;
    if (readableLength > 0 || this.#input_ended) {
      if (readableLength === 0 || most === 0) return EMPTY;
      return tls.read(Math.min(most, readableLength));
    }
    if (this.#input_failure !== undefined) return thrown(this.#input_failure);
    if (this.#raw_end !== undefined) this.#look_for_the_end();
    // If the close_notify came while data waited, the end has to be read to be told.
    else tls.read(0);
    return most === 0 ? EMPTY : -EAGAIN;
  }

  /** Takes decrypted bytes into memory. Returns their number, 0 at the end, or a negative number. @throws SSLError */
  take_into(view: Bytes): number {
    const taken = this.take(view.length);
    if (typeof taken === 'number') return taken;
    view.set(taken);
    return taken.length;
  }

  /** Begins to write. Returns how many bytes node:tls has taken, or a negative number. @throws SSLError */
  write(bytes: Bytes): number {
    if (this.#output_failure !== undefined) return thrown(this.#output_failure);
    if (this.#output !== 'open') return -EPIPE;
    if (this.#writing) return -EAGAIN;
    if (bytes.length === 0) return 0;
    this.#writing = true;
    const chunk = bytes.length > CHUNK_SIZE ? bytes.subarray(0, CHUNK_SIZE) : bytes;
    this.tls.write(chunk, () => {
      this.#writing = false;
      this.poller.on_ready(WRITE);
    });
    return chunk.length;
  }

  /** Returns 0 once the kernel has all that was written, or a negative number. @throws SSLError */
  flushed(): number {
    if (this.#output_failure !== undefined) return thrown(this.#output_failure);
    return this.#writing ? -EAGAIN : 0;
  }

  /** Ends receiving: what comes is no longer taken. */
  end_input(): void {
    this.#input_ended = true;
    this.poller.on_ready(READ);
  }

  /** Ends sending with a close_notify. Returns 0 once the kernel has it, or a negative number. @throws SSLError */
  end_output(): number {
    if (this.#output === 'ended') return 0;
    if (this.#output_failure !== undefined) return thrown(this.#output_failure);
    if (this.#output === 'open') {
      this.#output = 'ending';
      this.tls.end(() => {
        this.#output = 'ended';
        this.poller.on_ready(WRITE);
      });
    }
    return -EAGAIN;
  }

  /** Frees all that belongs to the connection: calls that wait reject. */
  destroy(): void {
    this.#input_failure ??= ECONNRESET;
    this.#output_failure ??= ECONNRESET;
    this.poller.release();
    this.#tls?.destroy();
    this.raw.destroy();
  }
}

/** Returns a failure as a negative number. @throws SSLError if it is no error of the system */
function thrown(failure: Failure): number {
  if (typeof failure === 'number') return -failure;
  throw failure();
}
