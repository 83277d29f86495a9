// ssh-agent (OpenSSH's PROTOCOL.agent): which keys it has, and signatures with them. Its keys may be certificates or security keys: what it signs
// goes to the server as it came. One request at a time: an agent answers one after another, and hundreds of hosts would fill its queue.

import { AF_UNIX, SOCK_STREAM, socket } from 'bsd-sockets/promises';
import { message_of } from '../failure.js';
import { number32, Reader, strings, type_of } from './wire.js';

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
  readonly #path: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Returns its keys.
   *
   * @throws Error, with a message for people, if it cannot be asked; the signal's reason
   */
  async keys(signal: AbortSignal): Promise<AgentKey[]> {
    const answer = await this.#request(Buffer.from([REQUEST_IDENTITIES]), IDENTITIES_ANSWER, signal);
    const keys: AgentKey[] = [];
    for (let left = answer.number32(); left > 0; left--) {
      const [blob, comment] = [answer.string(), answer.string().toString('utf8')];
      keys.push({ blob, type: type_of(blob), comment });
    }
    return keys;
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
    return (await this.#request(request, SIGN_RESPONSE, signal)).string();
  }

  /** Waits for its turn, and returns the fields of the answer. */
  #request(request: Buffer, expected: number, signal: AbortSignal): Promise<Reader> {
    const before = this.#last;
    const answer = (async () => {
      await settled(before, signal);
      return this.#ask(request, expected, signal);
    })();
    // Who gives up while waiting ends before those in front of it.
    this.#last = Promise.allSettled([before, answer]);
    return answer;
  }

  async #ask(request: Buffer, expected: number, signal: AbortSignal): Promise<Reader> {
    let answer: Buffer;
    const sock = new socket(AF_UNIX, SOCK_STREAM);
    try {
      await sock.connect(this.#path, { signal });
      await sock.sendall(strings(request), 0, { signal });
      const length = (await sock.recv_exactly(4, { signal })).readUInt32BE();
      if (length === 0 || length > LONGEST_ANSWER) throw new Error(`its answer has ${length} bytes`);
      answer = await sock.recv_exactly(length, { signal });
    } catch (error) {
      signal.throwIfAborted();
      throw new Error(`the agent ${this.#path} cannot be asked: ${message_of(error)}`);
    } finally {
      sock.close();
    }
    if (answer[0] !== expected) throw new Error('the agent refuses');
    return new Reader(answer.subarray(1));
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
