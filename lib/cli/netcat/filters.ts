// What nc changes in, or reads out of, the data: ends of lines (-C), lines for the pauses of -i, the options of Telnet (-t).
const LF = 0x0a;
const CR = 0x0d;

/** The conversion of -C. A CR LF, also one that is cut in two chunks, stays as it is. */
export class LineEnds {
  #last = 0;

  /** Returns the chunk with CR LF for each LF. */
  convert(chunk: Buffer): Buffer {
    const converted = Buffer.allocUnsafe(chunk.length * 2);
    let length = 0;
    for (const byte of chunk) {
      if (byte === LF && this.#last !== CR) converted[length++] = CR;
      converted[length++] = byte;
      this.#last = byte;
    }
    return converted.subarray(0, length);
  }
}

/** Returns the lines of a chunk, each with its end; the last one may have none. */
export function* lines_of(chunk: Buffer): Generator<Buffer> {
  for (let start = 0; start < chunk.length; ) {
    const end = chunk.indexOf(LF, start);
    const next = end < 0 ? chunk.length : end + 1;
    yield chunk.subarray(start, next);
    start = next;
  }
}

// The bytes of RFC 854.
const IAC = 255;
const DONT = 254;
const DO = 253;
const WONT = 252;
const WILL = 251;
const REFUSALS: Readonly<Record<number, number>> = { [DO]: WONT, [WILL]: DONT };

/** The refusals of -t. The received data are left as they are, as by OpenBSD's nc. */
export class Telnet {
  /** The beginning of a request: IAC, or IAC and a verb. */
  #request: number[] = [];

  /** Returns the refusals of the requests in a chunk: DON'T for each WILL, WON'T for each DO. */
  refusals(chunk: Buffer): Buffer {
    const refusals: number[] = [];
    for (const byte of chunk) {
      const [, verb] = this.#request;
      if (verb !== undefined) {
        const refusal = REFUSALS[verb];
        if (refusal !== undefined) refusals.push(IAC, refusal, byte);
        this.#request = [];
      } else if (this.#request.length === 1) this.#request = byte >= WILL && byte <= DONT ? [IAC, byte] : [];
      else if (byte === IAC) this.#request = [IAC];
    }
    return Buffer.from(refusals);
  }
}
