// Fields of SSH's messages and keys, as RFC 4251, section 5, has them.

/** Reads fields one after another. @throws RangeError at an end that comes too early */
export class Reader {
  #at = 0;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  number32(): number {
    const number = this.#bytes.readUInt32BE(this.#at);
    this.#at += 4;
    return number;
  }

  number64(): bigint {
    const number = this.#bytes.readBigUInt64BE(this.#at);
    this.#at += 8;
    return number;
  }

  string(): Buffer {
    const length = this.number32();
    if (this.#at + length > this.#bytes.length) throw new RangeError('a field ends behind its message');
    const bytes = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return bytes;
  }

  rest(): Buffer {
    return this.#bytes.subarray(this.#at);
  }
}

export function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** Returns each part as a `string`: its length, then its bytes. */
export function strings(...parts: (string | Uint8Array)[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const bytes = typeof part === 'string' ? Buffer.from(part) : part;
      return [number32(bytes.length), bytes];
    }),
  );
}

/** Returns the type that a key has in its first field; empty: it has none. */
export function type_of(key: Uint8Array): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (bytes.length < 4) return '';
  const length = bytes.readUInt32BE(0);
  return length > 64 ? '' : bytes.toString('latin1', 4, 4 + length);
}
