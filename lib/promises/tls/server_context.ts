// SSLServerContext: certificates and settings of the server's side, and the handshakes with them. One tls.Server of Node, which never listens,
// does all that TLS needs: certificates, SNI, ALPN, client certificates, tickets. Connections are given to it, as its documentation says,
// by its event 'connection'.
import { constants } from 'node:os';
import type { SecureContext, Server, TLSSocket } from 'node:tls';
import { adopt } from '../../calls/descriptor/adopt.js';
import * as c from '../../constants.js';
import { raise } from '../../errors/raise.js';
import { addon, TIMED_OUT } from '../../native/addon.js';
import { listen, Timer, unlisten } from '../../util/deadline.js';
import { with_descriptor } from '../../util/owned_descriptor.js';
import { UNCLONABLE } from '../../util/unclonable.js';
import { shown } from '../../util/validate.js';
import { check_options, signal_of, timeout_ms_of, type WaitOptions } from '../../util/wait_options.js';
import { Socket } from '../socket.js';
import { SSLEOFError, SSLError, ssl_error } from './errors.js';
import { context_of, naming, node_tls, type SNICallback, type SSLOptions, ssl_options } from './options.js';
import { keep_sessions, SESSION_EVENTS } from './session_cache.js';
import { SSLSocket } from './ssl_socket.js';

const { EBADF } = constants.errno;
/** asyncio's ssl_handshake_timeout. */
const HANDSHAKE_TIMEOUT_MS = 60_000;
/** Longer than any handshake may take here: node:tls has a time-out of its own. */
const NODE_TIMEOUT_MS = 2 ** 31 - 1;

/** Errors of sni_callback: they are the program's, not the peer's. */
const own_errors = new WeakSet<Error>();

/** Returns the error of a handshake that failed. */
function refusal(error: Error, { authorizationError }: TLSSocket): Error {
  if (own_errors.has(error)) return error;
  if (!authorizationError) return ssl_error(error);
  const refused = new SSLError(`the certificate of the peer was refused: ${authorizationError}`);
  refused.code = String(authorizationError);
  return refused;
}

/** Returns the function of node:tls for one of promises. */
function node_callback(choose: SNICallback) {
  return async (name: string, done: (error: Error | null, context?: SecureContext) => void) => {
    let context: SecureContext | null;
    try {
      context = context_of(await choose(name));
    } catch (error) {
      const own = error instanceof Error ? error : new Error(String(error));
      own_errors.add(own);
      done(own);
      return;
    }
    if (context === null) done(null);
    else done(null, context);
  };
}

function make_server(options: SSLOptions): Server {
  const { sni_callback, ALPNProtocols, ...others } = options;
  const server = naming('ssl', () =>
    node_tls().createServer({
      ...others,
      ...(ALPNProtocols === undefined ? {} : { ALPNProtocols: [...ALPNProtocols] }),
      ...(sni_callback === undefined ? {} : { SNICallback: node_callback(sni_callback) }),
      handshakeTimeout: NODE_TIMEOUT_MS,
    }),
  );
  keep_sessions(server);
  return server;
}

/**
 * The server's side of TLS: its certificates and settings, which all its connections share, so that clients can resume sessions. Servers
 * with `ssl` have one; a handler that begins TLS within a connection (STARTTLS, AUTH TLS) makes its own. See Python's ssl.SSLContext.
 */
export class SSLServerContext {
  /** @internal */ readonly _unclonable = UNCLONABLE;
  readonly #server: Server;
  readonly #suppress_ragged_eofs: boolean;

  /**
   * SSLServerContext(options)
   *
   * @param options those of Node's tls.createSecureContext (`key`, `cert`, `ca`, …), and of SSLOptions. With `sni_callback` alone clients that
   *   send no name are refused
   * @throws TypeError, RangeError, also for a key or a certificate that OpenSSL refuses
   */
  constructor(options: SSLOptions) {
    const { suppress_ragged_eofs = false, ...others } = ssl_options(options);
    this.#server = make_server(others);
    this.#suppress_ragged_eofs = suppress_ragged_eofs;
  }

  /**
   * wrap_socket(sock, { signal, timeout }) -> a promise of the connection over TLS, once the handshake is done. `sock` is detached; if the
   * handshake fails the connection is closed. See Python's ssl.SSLContext.wrap_socket with server_side=True.
   *
   * @param sock a connected stream socket of promises, from which nothing of the handshake has been read
   * @param options an AbortSignal; a time-out of the handshake in seconds (60), null for none
   * @returns the connection, with the time-out that `sock` had
   * @throws SSLError if the handshake fails: `code` is Node's; SSLEOFError if the peer ends the connection; TimeoutError; ConnectionResetError;
   *   the signal's reason
   * @example
   * async function secured(conn: ConnectedSocket, key: Buffer, cert: Buffer) {
   *   return new SSLServerContext({ key, cert }).wrap_socket(conn, { timeout: 10 });
   * }
   */
  async wrap_socket<F extends number>(sock: Socket<F>, options: WaitOptions = {}): Promise<SSLSocket<F>> {
    if (!(sock instanceof Socket))
      throw new TypeError(`sock must be a socket of promises, not ${shown(sock)}`);
    if (sock instanceof SSLSocket) throw new TypeError('sock is a connection over TLS already');
    if (sock.type !== c.SOCK_STREAM) throw new RangeError(`sock must be of type SOCK_STREAM, not ${sock}`);
    const checked = check_options(options);
    const signal = signal_of(checked);
    const timeout_ms = timeout_ms_of(checked, HANDSHAKE_TIMEOUT_MS);
    signal?.throwIfAborted();
    if (sock._fd < 0) sock._raise(-EBADF, 'wrap_socket');
    const peer = addon.getpeername(sock._fd, sock._generation);
    if (peer < 0) sock._raise(peer, 'wrap_socket');
    const { family, proto } = sock;
    const timeout = sock.gettimeout();
    const secure = with_descriptor(
      adopt(sock.detach()),
      (descriptor) => new SSLSocket<F>(family, proto, descriptor, this.#suppress_ragged_eofs),
    );
    secure.settimeout(timeout);
    await this.#handshake(secure, signal, timeout_ms);
    return secure;
  }

  /** Returns when the handshake is done. @throws (rejects) its error, the socket then is closed */
  #handshake(secure: SSLSocket, signal: AbortSignal | undefined, timeout_ms: number): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const { _channel: channel } = secure;
      let timer: Timer | undefined;
      const waiter = { on_abort: () => fail(signal?.reason) };
      const end = () => {
        timer?.cancel();
        if (signal !== undefined) unlisten(signal, waiter);
        channel.on_handshake_cut = undefined;
      };
      const fail = (error: unknown) => {
        end();
        secure.close();
        reject(error);
      };
      // Every listener of the one tls.Server, but the events of this connection come here.
      const view: Server = Object.create(this.#server, {
        emit: {
          value: (event: string, ...args: unknown[]) => {
            if (SESSION_EVENTS.has(event)) return this.#server.emit(event, ...args);
            if (event === 'secureConnection') {
              end();
              channel.open(args[0] as TLSSocket);
              secure._opened();
              resolve();
            } else if (event === 'tlsClientError') fail(refusal(args[0] as Error, args[1] as TLSSocket));
            return true;
          },
        },
      });
      channel.on_handshake_cut = (error) =>
        fail(error ?? new SSLEOFError('the peer ended the connection within the TLS handshake'));
      if (timeout_ms >= 0)
        timer = new Timer(timeout_ms, () => {
          const text = secure._timed_out('wrap_socket', timeout_ms);
          try {
            raise(TIMED_OUT, { syscall: 'wrap_socket', timed_out: text });
          } catch (error) {
            fail(error);
          }
        });
      if (signal !== undefined) listen(signal, waiter);
      Reflect.apply(this.#server.emit, view, ['connection', channel.raw]);
    });
  }
}
