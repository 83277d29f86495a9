// create_connection: the host's addresses, tried as RFC 8305 says, under one deadline and one signal.

import type { Address, InetFamily } from '../calls/address.js';
import {
  type CreateConnectionOptions as BlockingOptions,
  CONNECTION_OPTIONS,
  type ConnectAddress,
  type ConnectionArguments,
  connect_fields,
  failure,
  interleave,
  with_scope,
} from '../calls/create.js';
import * as lookup from '../calls/lookup.js';
import { check_proxy_header, type OwnProxyHeader, proxy_header_bytes } from '../calls/proxy/own.js';
import { getdefaulttimeout } from '../calls/waiting/default_timeout.js';
import { show_address, timed_out } from '../calls/waiting/timed_out.js';
import * as c from '../constants.js';
import { OSError } from '../errors/index.js';
import { raise } from '../errors/raise.js';
import { reject_later } from '../errors/stack.js';
import { TIMED_OUT } from '../native/addon.js';
import { Timeout, Timer } from '../util/deadline.js';
import { options_of, timeout as seconds, to_timeout_ms } from '../util/validate.js';
import {
  one_timeout,
  signal_of,
  take_options,
  WAIT_OPTIONS,
  type WaitOptions,
} from '../util/wait_options.js';
import { run } from './resolver.js';
import { type ConnectedSocket, Socket } from './socket.js';

// RFC 8305, section 5.
const ATTEMPT_DELAY = 0.25;

/** Keyword-only arguments of create_connection. */
export interface CreateConnectionOptions extends BlockingOptions, WaitOptions {}

const OPTIONS = [...CONNECTION_OPTIONS, ...WAIT_OPTIONS] as const;

/** The family of a host is known at run time only. */
type TcpSocket = Socket<InetFamily>;

/** The settings that the attempts share. */
interface Plan {
  readonly delay_ms: number;
  readonly source_address: unknown;
  readonly all_errors: boolean;
  readonly at_once: boolean;
  readonly signal: AbortSignal;
}

/**
 * create_connection(address, timeout = default, source_address = null, { all_errors, happy_eyeballs_delay = 0.25, proxy_header, signal,
 * timeout }) -> a connected stream socket. Tries each address of the host, as RFC 8305 says. See Python's socket.create_connection.
 *
 * @param address [host, port], with the port as a number or a service's name
 * @param rest a time-out in seconds, one deadline for all of it and the socket's own afterwards, null for none; the address to connect
 *   from; the options. Any of them may be left out
 * @returns the socket, of the family of the address that answered
 * @throws gaierror if the host does not resolve; TimeoutError; ConnectionRefusedError and other OSErrors of the last address, or an
 *   AggregateError of all with `all_errors`; the signal's reason
 * @example
 * const sock = await create_connection(server.getsockname(), { timeout: 5 });
 * console.log(sock.gettimeout()); // 5
 */
export async function create_connection(
  address: ConnectAddress,
  ...rest: ConnectionArguments<CreateConnectionOptions>
): Promise<ConnectedSocket<InetFamily>> {
  const options = take_options<CreateConnectionOptions>(rest, 2, OPTIONS) ?? {};
  options_of(options, OPTIONS);
  const [timeout, source_address] = rest as [(number | null)?, unknown?];
  const given = one_timeout(timeout, options);
  const limit_s = given === undefined ? getdefaulttimeout() : seconds(given);
  const delay = options.happy_eyeballs_delay === undefined ? ATTEMPT_DELAY : options.happy_eyeballs_delay;
  const delay_s = seconds(delay, 'happy_eyeballs_delay');
  const signal = signal_of(options);
  const [host, port, scope] = connect_fields(address);
  check_proxy_header(options.proxy_header);
  signal?.throwIfAborted();
  const limit = new Timeout(signal, limit_s === 0 ? -1 : to_timeout_ms(limit_s));
  try {
    // Even a socket that never waits has its host resolved, as Python's.
    const rows = await run(
      lookup.getaddrinfo(host, port, 0, c.SOCK_STREAM),
      { syscall: 'getaddrinfo', name: host },
      { signal: limit.signal },
    );
    const sock = await new Attempts({
      delay_ms: to_timeout_ms(delay_s),
      source_address,
      all_errors: options.all_errors === true,
      at_once: limit_s === 0,
      signal: limit.signal,
    }).connect(rows.map((row) => with_scope(row, scope)));
    if (options.proxy_header !== undefined) await send_header(sock, options.proxy_header, limit.signal);
    sock.settimeout(limit_s);
    return sock as ConnectedSocket<InetFamily>;
  } catch (error) {
    if (limit.expired && error === limit.signal.reason) {
      const text = timed_out('connect', `to ${show_address(address)}`, to_timeout_ms(limit_s));
      raise(TIMED_OUT, { syscall: 'connect', address, timed_out: text });
    }
    throw error;
  } finally {
    limit.end();
  }
}

/** Sends the PROXY header; closes the socket if that fails. */
async function send_header(sock: TcpSocket, header: OwnProxyHeader, signal: AbortSignal): Promise<void> {
  try {
    await sock.sendall(proxy_header_bytes(sock, header), 0, { signal });
  } catch (error) {
    sock.close();
    throw error;
  }
}

/** The attempts at one host. */
export class Attempts {
  readonly #plan: Plan;
  readonly #under_way = new Set<TcpSocket>();
  readonly #errors: unknown[] = [];
  #waiting: lookup.AddressInfoRow[] = [];
  #timer: Timer | undefined;
  #resolve!: (sock: TcpSocket | Promise<never>) => void;
  #reject!: (error: unknown) => void;
  #ended = false;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** The first that is connected. @throws the errors of all, or the last; the signal's reason */
  connect(rows: readonly lookup.AddressInfoRow[]): Promise<TcpSocket> {
    const { signal } = this.#plan;
    this.#waiting = this.#plan.delay_ms < 0 ? [...rows] : interleave(rows);
    const abort = () => this.#end(() => this.#reject(signal.reason));
    const first = new Promise<TcpSocket>((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    this.#next();
    // Not awaited here: the stack of the error shows the functions that await it.
    return first.finally(() => signal.removeEventListener('abort', abort));
  }

  #next(): void {
    if (this.#ended) return;
    this.#timer?.cancel();
    const row = this.#waiting.shift();
    if (row === undefined) {
      if (this.#under_way.size > 0) return;
      this.#fail(failure(this.#errors, this.#plan.all_errors));
      return;
    }
    // The waiting connect keeps the process alive, not the timer.
    if (this.#plan.delay_ms >= 0 && this.#waiting.length > 0) {
      this.#timer = new Timer(this.#plan.delay_ms, () => this.#next());
    }
    this.#attempt(row).catch((error: unknown) => this.#fail(error));
  }

  async #attempt([family, , proto, , address]: lookup.AddressInfoRow): Promise<void> {
    let sock: TcpSocket | undefined;
    try {
      sock = new Socket(family, c.SOCK_STREAM, proto);
      this.#under_way.add(sock);
      const { source_address } = this.#plan;
      if (source_address) await sock.bind(source_address as Address<InetFamily>);
      await sock.connect(address, { timeout: this.#plan.at_once ? 0 : null });
    } catch (error) {
      // Closed because another was first, or it all ended.
      if (this.#ended) return;
      if (sock !== undefined) this.#under_way.delete(sock);
      sock?.close();
      if (!(error instanceof OSError)) throw error;
      this.#errors.push(error);
      this.#next();
      return;
    }
    const connected = sock;
    if (this.#ended) {
      connected.close();
      return;
    }
    this.#under_way.delete(connected);
    this.#end(() => this.#resolve(connected));
  }

  #fail(error: unknown): void {
    this.#end(() => reject_later(this.#resolve, error));
  }

  /** Settles, and closes what is still under way. */
  #end(settle: () => void): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#timer?.cancel();
    settle();
    for (const sock of this.#under_way) sock.close();
  }
}
