// ssh-agent (OpenSSH's PROTOCOL.agent): which keys it has, and signatures with them. Its keys may be certificates or security keys: what it signs
// goes to the server as it came. One request at a time: an agent answers one after another, and hundreds of hosts would fill its queue.

import { AF_UNIX, OSError, SOCK_STREAM, socket } from 'bsd-sockets/promises';
import { message_of } from '../../failure.js';
import { number32, Reader, strings, type_of } from '../wire.js';

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
/** Flags of a request to sign, for keys of RSA. */
const RSA_FLAGS: Readonly<Record<string, number>> = { 'rsa-sha2-256': 2, 'rsa-sha2-512': 4 };
/** Bytes; OpenSSH takes no longer message either. */
const LONGEST_ANSWER = 256 << 10;

/** A key that an agent has. */
export interface AgentKey {
  /** the public key or the certificate, RFC 4253, section 6.6 */
  readonly blob: Buffer;
  readonly type: string;
  readonly comment: string;
}

/** An agent by the path of its socket. */
export class Agent {
  /** for people */
  readonly name: string;
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.name = `the agent ${path}`;
  }

  /**
   * Returns its keys.
   *
   * @throws Error, with a message for people, if it cannot be asked; the signal's reason
   */
  async keys(signal: AbortSignal): Promise<AgentKey[]> {
    return this.#request(Buffer.from([REQUEST_IDENTITIES]), IDENTITIES_ANSWER, signal, (answer) => {
      const keys: AgentKey[] = [];
      for (let left = answer.number32(); left > 0; left--) {
        const [blob, comment] = [answer.string(), answer.string().toString('utf8')];
        keys.push({ blob, type: type_of(blob), comment });
      }
      return keys;
    });
  }

  /**
   * Returns a signature with its format, RFC 4253, section 6.6.
   *
   * @param blob the key
   * @param format `rsa-sha2-256` and `rsa-sha2-512` say the hash; other keys have one
   * @throws Error, with a message for people, if it does not sign; the signal's reason
   */
  async sign(blob: Buffer, data: Buffer, format: string, signal: AbortSignal): Promise<Buffer> {
    const flags = number32(RSA_FLAGS[format] ?? 0);
    const request = Buffer.concat([Buffer.from([SIGN_REQUEST]), strings(blob, data), flags]);
    return this.#request(request, SIGN_RESPONSE, signal, (answer) => answer.string());
  }

  /** Waits for its turn, and returns what is read of the answer. */
  #request<T>(
    request: Buffer,
    expected: number,
    signal: AbortSignal,
    read: (fields: Reader) => T,
  ): Promise<T> {
    const before = this.#last;
    const answer = (async () => {
      await settled(before, signal);
      const bytes = await this.#ask(request, signal);
      if (bytes[0] !== expected) throw new Error(`${this.name} refuses`);
      try {
        return read(new Reader(bytes.subarray(1)));
      } catch {
        throw new Error(`${this.name} gives an answer that ends too early`);
      }
    })();
    // Who gives up while waiting ends before those in front of it.
    this.#last = Promise.allSettled([before, answer]);
    return answer;
  }

  async #ask(request: Buffer, signal: AbortSignal): Promise<Buffer> {
    const sock = new socket(AF_UNIX, SOCK_STREAM);
    try {
      await sock.connect(this.#path, { signal });
      await sock.sendall(strings(request), 0, { signal });
      const length = (await sock.recv_exactly(4, { signal })).readUInt32BE();
      if (length === 0 || length > LONGEST_ANSWER) throw new Error(`its answer has ${length} bytes`);
      return await sock.recv_exactly(length, { signal });
    } catch (error) {
      signal.throwIfAborted();
      const why = error instanceof OSError ? error.strerror : message_of(error);
      throw new Error(`${this.name} cannot be asked: ${why}`);
    } finally {
      sock.close();
    }
  }
}

/** Returns when the promise is settled. @throws the signal's reason */
async function settled(promise: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let abort: () => void = () => {};
  const aborted = new Promise<void>((resolve) => {
    abort = resolve;
  });
  signal.addEventListener('abort', abort);
  try {
    await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
  signal.throwIfAborted();
}
