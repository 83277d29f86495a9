// The limits of a server: who may connect now. Admission (admission/) asks here once the address of the client is known, behind a proxy,
// too.
import { SocketBase } from '../../calls/socket_base.js';
import { MSG_DONTWAIT, SOCK_STREAM } from '../../constants.js';
import { addon } from '../../native/addon.js';
import { socket as Socket } from '../../socket/index.js';
import { type RefusalReason, RequestRefused } from '../admission/refused.js';
import { type ClientKey, client_key } from './client_key.js';
import { LimitTable, table_size } from './limit_table.js';
import type { LimitConfig } from './options.js';

/** The table of a pool, and the number by which it knows this worker. */
export interface WorkerLimits {
  readonly memory: ArrayBufferLike;
  readonly worker: number;
}

/** Bytes that a refused client may have sent: if they stay unread, closing resets the connection, and the refusal may be lost. */
const UNREAD = Buffer.alloc(4096);

const TEXTS: { readonly [Reason in RefusalReason]?: string } = {
  max_connections_per_address: 'the address has as many connections as it may have',
  max_rate_per_address: 'the address connects too often',
  max_rate: 'connections come too often',
};

export class Limits {
  readonly config: LimitConfig;
  readonly #shared: WorkerLimits | undefined;
  #table: LimitTable | undefined;
  /** Without a pool: the connections of each client, and the client of each. */
  readonly #counts = new Map<string, number>();
  readonly #clients = new WeakMap<object, string>();

  constructor(config: LimitConfig, shared?: WorkerLimits) {
    this.config = config;
    this.#shared = shared;
  }

  /** Lets a client in. @throws RequestRefused */
  enter(request: object, client_address: unknown): void {
    const { per_address, rate, rate_per_address, prefix, idle_timeout } = this.config;
    if (per_address ?? rate ?? rate_per_address) {
      const reason = this.#refusal(request, client_key(client_address, prefix));
      if (reason !== undefined) throw new RequestRefused(TEXTS[reason], { reason, client_address });
    }
    if (idle_timeout !== undefined && request instanceof Socket) request.settimeout(idle_timeout);
  }

  #refusal(request: object, key: ClientKey): RefusalReason | undefined {
    const { per_address } = this.config;
    const shared = this.#shared;
    this.#table ??= new LimitTable(
      shared?.memory ?? new ArrayBuffer(table_size(this.config, 0)),
      this.config,
    );
    const table = this.#table;
    if (shared === undefined) {
      const client = key.join();
      const count = this.#counts.get(client) ?? 0;
      if (per_address !== undefined && count >= per_address) return 'max_connections_per_address';
      const reason = table.take(key);
      if (reason !== undefined || per_address === undefined) return reason;
      this.#counts.set(client, count + 1);
      this.#clients.set(request, client);
      return undefined;
    }
    return table.locked(() => {
      if (per_address !== undefined && table.served(key) >= per_address) return 'max_connections_per_address';
      const reason = table.take(key);
      if (reason === undefined && per_address !== undefined) table.serve(shared.worker, key);
      return reason;
    });
  }

  /** Says that a request has ended, whether it was let in or not. */
  leave(request: object): void {
    if (this.config.per_address === undefined) return;
    if (this.#shared !== undefined) {
      this.#table?.serve(this.#shared.worker, undefined);
      return;
    }
    const client = this.#clients.get(request);
    if (client === undefined) return;
    this.#clients.delete(request);
    const count = this.#counts.get(client) ?? 1;
    if (count > 1) this.#counts.set(client, count - 1);
    else this.#counts.delete(client);
  }

  /** Sends a refused client the refusal, without waiting. The caller closes the connection. */
  tell(request: unknown, { reason }: RequestRefused): void {
    const { refusal } = this.config;
    if (refusal === undefined || TEXTS[reason] === undefined) return;
    if (!(request instanceof SocketBase) || (request.type & 0xf) !== SOCK_STREAM) return;
    const { _fd: fd, _generation: generation } = request;
    addon.send(fd, generation, refusal, MSG_DONTWAIT, 0);
    addon.recv(fd, generation, UNREAD, UNREAD.length, MSG_DONTWAIT, 0);
  }
}
