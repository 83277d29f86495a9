// Captures made byte by byte, for what no tool writes here: other byte orders, resolutions, obsolete blocks.

/** Writes integers in one byte order. */
export class Writer {
  readonly #parts: Buffer[] = [];
  constructor(readonly big: boolean) {}

  u16(...values: number[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(2);
      if (this.big) bytes.writeUInt16BE(value);
      else bytes.writeUInt16LE(value);
      this.#parts.push(bytes);
    }
    return this;
  }

  u32(...values: number[]): this {
    for (const value of values) {
      const bytes = Buffer.alloc(4);
      if (this.big) bytes.writeUInt32BE(value);
      else bytes.writeUInt32LE(value);
      this.#parts.push(bytes);
    }
    return this;
  }

  i64(value: bigint): this {
    const bytes = Buffer.alloc(8);
    if (this.big) bytes.writeBigInt64BE(value);
    else bytes.writeBigInt64LE(value);
    this.#parts.push(bytes);
    return this;
  }

  bytes(value: Uint8Array): this {
    this.#parts.push(Buffer.from(value));
    return this;
  }

  padded(value: Uint8Array): this {
    return this.bytes(value).bytes(Buffer.alloc(-value.length & 3));
  }

  get buffer(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export interface PcapRecord {
  sec: number;
  fraction: number;
  data: Uint8Array;
  length?: number;
}

export const MICROSECONDS = 0xa1b2c3d4;
export const NANOSECONDS = 0xa1b23c4d;
export const MODIFIED = 0xa1b2cd34;

/** A pcap file. */
export function pcap(big: boolean, magic: number, records: readonly PcapRecord[], linktype = 1): Buffer {
  const file = new Writer(big).u32(magic).u16(2, 4).u32(0, 0, 65_535, linktype);
  for (const { sec, fraction, data, length = data.length } of records) {
    file.u32(sec, fraction, data.length, length);
    if (magic === MODIFIED) file.u32(0, 0);
    file.bytes(data);
  }
  return file.buffer;
}

export type Option = readonly [code: number, value: Uint8Array];

/** The blocks of pcapng, in one byte order. */
export class Blocks {
  constructor(readonly big: boolean) {}

  block(type: number, body: Uint8Array, options: readonly Option[] = []): Buffer {
    const content = new Writer(this.big).padded(body);
    for (const [code, value] of options) content.u16(code, value.length).padded(value);
    if (options.length > 0) content.u16(0, 0);
    const length = content.buffer.length + 12;
    return new Writer(this.big).u32(type, length).bytes(content.buffer).u32(length).buffer;
  }

  section(options: readonly Option[] = []): Buffer {
    const body = new Writer(this.big).u32(0x1a2b3c4d).u16(1, 0).i64(-1n);
    return this.block(0x0a0d0d0a, body.buffer, options);
  }

  interface(linktype: number, snaplen: number, options: readonly Option[] = []): Buffer {
    return this.block(1, new Writer(this.big).u16(linktype, 0).u32(snaplen).buffer, options);
  }

  /** Seconds in two's complement, in this byte order. */
  seconds(value: bigint): Buffer {
    return new Writer(this.big).i64(value).buffer;
  }

  packet(
    index: number,
    units: bigint,
    data: Uint8Array,
    length = data.length,
    options: readonly Option[] = [],
  ) {
    const body = new Writer(this.big)
      .u32(index, Number(units >> 32n), Number(units & 0xffffffffn), data.length, length)
      .padded(data);
    return this.block(6, body.buffer, options);
  }

  obsolete(
    index: number,
    units: bigint,
    data: Uint8Array,
    length = data.length,
    options: readonly Option[] = [],
  ) {
    const body = new Writer(this.big)
      .u16(index, 0)
      .u32(Number(units >> 32n), Number(units & 0xffffffffn), data.length, length)
      .padded(data);
    return this.block(2, body.buffer, options);
  }

  simple(data: Uint8Array, length = data.length): Buffer {
    return this.block(3, new Writer(this.big).u32(length).padded(data).buffer);
  }
}

/** A frame that dissectors take: Ethernet, IPv4, UDP to port 9, with `size` bytes in it. */
export function frame(size: number): Buffer {
  const bytes = Buffer.alloc(42 + size, 0x61);
  bytes.write('020000000002020000000001080045000000000140004011', 'hex');
  bytes.writeUInt16BE(28 + size, 16);
  bytes.writeUInt16BE(0, 24);
  bytes.write('7f0000017f00000130390009', 26, 'hex');
  bytes.writeUInt16BE(8 + size, 38);
  bytes.writeUInt16BE(0, 40);
  let sum = 0;
  for (let at = 14; at < 34; at += 2) sum += bytes.readUInt16BE(at);
  sum = (sum & 0xffff) + (sum >>> 16);
  bytes.writeUInt16BE(~(sum + (sum >>> 16)) & 0xffff, 24);
  return bytes;
}
