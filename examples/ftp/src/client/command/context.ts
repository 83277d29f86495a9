// What every command has: its options, where it reports, a signal that the user's Ctrl-C aborts, and connections to the servers that it names.
import { readFileSync } from 'node:fs';
import type { FTPClient } from '../client.js';
import type { FTPClientOptions } from '../options.js';
import type { CommandOptions } from './arguments.js';
import { credentials_of, type Login } from './credentials.js';
import { EXIT, Interrupted, LocalError, UsageError } from './exit_codes.js';
import type { FileOptions, FileResult } from './files/fetch.js';
import { Pool } from './files/pool.js';
import { type Location, parse_location } from './location.js';
import { duration_text, size_text } from './progress.js';
import type { Report } from './report.js';

export class Context {
  readonly options: CommandOptions;
  readonly report: Report;
  readonly signal: AbortSignal;
  readonly #pools: Map<string, Pool>;
  #exit_code: number = EXIT.ok;

  constructor(options: CommandOptions, report: Report, signal: AbortSignal, parent?: Context) {
    this.options = options;
    this.report = report;
    this.signal = signal;
    this.#pools = parent === undefined ? new Map() : parent.#pools;
  }

  /** That of the first failure. */
  get exit_code(): number {
    return this.#exit_code;
  }

  /** Reports a failure that does not keep the rest from being done. */
  failed(error: unknown, path?: string): void {
    if (this.signal.aborted) throw this.signal.reason;
    if (error instanceof Interrupted) throw error;
    this.ends_with(this.report.failure(error, path));
  }

  /** The exit code of a failure that has been reported. */
  ends_with(exit_code: number): void {
    if (this.#exit_code === EXIT.ok) this.#exit_code = exit_code;
  }

  /** Returns the connections to the server of a URL; those to the same one are shared. */
  pool(location: Location): Pool {
    const key = JSON.stringify([location.tls, location.host, location.port, location.user]);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const { options, report, signal } = this;
    let login: Promise<Login> | undefined;
    const client = client_options(location, options, report);
    if (client.tls === false && !is_loopback(location.host))
      report.warn(`${location.host}: names, files and the password go unencrypted (ftpes:// encrypts)`);
    if (options.insecure && client.tls !== false)
      report.warn(`${location.host}: the certificate is not checked (--insecure)`);
    const pool = new Pool({
      client,
      login: () => {
        login ??= credentials_of(location, {
          user: options.user,
          password_fd: options.password_fd,
          netrc: options.netrc,
          warn: (text) => report.warn(text),
        });
        return login;
      },
      retries: options.retries,
      signal,
      note: (text) => report.note(text),
    });
    this.#pools.set(key, pool);
    return pool;
  }

  /** Runs `work` with a connection to the server of a URL. */
  async at<T>(url: string, work: (client: FTPClient, location: Location) => Promise<T>): Promise<T> {
    const location = parse_location(url);
    return this.pool(location).with_client((client) => work(client, location));
  }

  /** Returns the options of one file's transfer. @param attempt not the first: what is there is gone on from */
  file_options(attempt = 0): FileOptions & { end: () => void } {
    const { options, report, signal } = this;
    const ends: (() => void)[] = [];
    return {
      resume: options.resume || attempt > 0,
      verify: options.verify,
      keep_time: options.keep_times,
      signal,
      note: (text) => report.note(text),
      on_start: (name, bytes) => {
        const { add, end } = report.transfer(name, bytes);
        ends.push(end);
        return add;
      },
      end: () => {
        for (const end of ends.splice(0)) end();
      },
    };
  }

  /** Reports a transfer that is done. */
  transferred(operation: 'get' | 'put', from: string, to: string, result: FileResult): void {
    const { bytes, size, resumed, verified, digits, seconds } = result;
    const rate = seconds > 0 ? ` at ${size_text(Math.round(bytes / seconds))}/s` : '';
    const rest = resumed > 0 ? `, ${size_text(resumed)} were there` : '';
    this.report.done(
      `${from} -> ${to}: ${size_text(bytes)} in ${duration_text(seconds)}${rate}${rest}, verified by ${verified}`,
      {
        event: operation,
        from,
        to,
        bytes,
        size,
        resumed,
        verified,
        hash: digits,
        seconds: Number(seconds.toFixed(3)),
      },
    );
  }

  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.close()));
  }
}

function is_loopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}

function client_options(location: Location, options: CommandOptions, report: Report): FTPClientOptions {
  const tls = location.tls ?? options.tls ?? false;
  if (location.tls !== undefined && options.tls !== undefined && options.tls !== location.tls)
    throw new UsageError(`--tls ${options.tls === false ? 'off' : options.tls} contradicts the URL`);
  return {
    host: location.host,
    port: location.port,
    tls,
    tls_options: {
      ca: file_text('ca', options.ca),
      servername: options.servername,
      fingerprint: options.fingerprint,
      insecure: options.insecure,
      cert: file_text('cert', options.cert),
      key: file_text('key', options.key),
    },
    data_protection: options.clear_data ? 'clear' : 'private',
    data_mode: options.active ? 'active' : 'passive',
    compress: options.compress,
    encoding: options.latin1 ? 'latin1' : 'utf8',
    connect_timeout: options.connect_timeout,
    timeout: options.timeout,
    data_timeout: options.data_timeout,
    trace: (direction, line) => report.trace(direction, line),
  };
}

function file_text(option: string, path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (error) {
    throw new LocalError(`--${option} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}
