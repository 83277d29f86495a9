// The option `ssl` of servers: the handshake that a connection has to pass before it is handled, on the event loop. A client that fails in
// it is refused; a server that blocks is told what to put in front of it.
import {
  OSError,
  socket as Socket,
  type SSLOptions,
  SSLServerContext,
  type SSLSocket,
} from '../../promises/index.js';
import { timeout as seconds } from '../../util/validate.js';
import type { WaitOptions } from '../../util/wait_options.js';
import { note_proxied, proxied } from '../admission/proxied.js';
import { RequestRefused } from '../admission/refused.js';

/** asyncio's ssl_handshake_timeout and ssl_shutdown_timeout, in seconds. */
const HANDSHAKE_TIMEOUT = 60;
const SHUTDOWN_TIMEOUT = 30;

/** The options of a server that concern TLS. */
interface TlsOptions {
  readonly ssl?: SSLOptions | undefined;
  readonly ssl_handshake_timeout?: number | null | undefined;
  readonly ssl_shutdown_timeout?: number | null | undefined;
}

/** A handshake failed by the program's own error, the `cause`; the client is refused. */
export class HandshakeError extends RequestRefused {}

/** TLS of one server. */
export class ServerTls {
  readonly #context: SSLServerContext;
  readonly #timeout: number | null;
  /** The options of the shutdown() that ends a connection. */
  readonly shutdown_options: WaitOptions;

  /** @throws TypeError, RangeError */
  constructor({
    ssl = {},
    ssl_handshake_timeout = HANDSHAKE_TIMEOUT,
    ssl_shutdown_timeout = SHUTDOWN_TIMEOUT,
  }: TlsOptions) {
    this.#timeout = above_zero(ssl_handshake_timeout, 'ssl_handshake_timeout');
    this.shutdown_options = { timeout: above_zero(ssl_shutdown_timeout, 'ssl_shutdown_timeout') };
    this.#context = new SSLServerContext(ssl);
  }

  /**
   * Returns the connection over TLS once the handshake is done.
   *
   * @param signal ends the handshake
   * @throws (rejects) RequestRefused; HandshakeError for an error of the program
   */
  async admit(request: unknown, signal: AbortSignal): Promise<SSLSocket> {
    if (!(request instanceof Socket))
      throw new TypeError('get_request() must give a socket of promises: the server has the option ssl');
    const said = proxied(request);
    try {
      const secure = await this.#context.wrap_socket(request, { signal, timeout: this.#timeout });
      if (said !== undefined) note_proxied(secure, said);
      return secure;
    } catch (error) {
      const Refusal = signal.aborted || error instanceof OSError ? RequestRefused : HandshakeError;
      const message = error instanceof Error ? error.message : String(error);
      throw new Refusal(message, { cause: error, reason: 'ssl' });
    }
  }
}

/** Returns a time-out that is not 0. @throws TypeError, RangeError */
function above_zero(value: number | null, name: string): number | null {
  const checked = seconds(value, name);
  if (checked === 0) throw new RangeError(`${name} must be more than 0 seconds, or null for no limit`);
  return checked;
}

/** @throws TypeError, always: what to do instead */
export function refuse_ssl(server: string, is_datagram: boolean): never {
  throw new TypeError(
    is_datagram
      ? `ssl: ${server} has no TLS: it is for streams, and a server of datagrams would need DTLS`
      : `ssl: ${server} has no TLS: its handlers block, and node:tls needs the event loop. Use AsyncTCPServer, or put HAProxy ` +
          'or stunnel in front, and proxy_protocol for the address of the client: docs/socketserver.md, "TLS"',
  );
}
