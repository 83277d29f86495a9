// @ts-check
// What travels between a process that vitest started, the host's end of the port and the guest: frames of a process's number, a kind, and
// bytes. Also read by the guest's Node.js, which may be older and of another byte order.

/** The kinds of frames; 1, 2 and 3 are bytes of the descriptor of that number. */
export const START = 4;
/** The process ended: JSON of `{ code, signal }`. */
export const EXIT = 5;
/** The process is to end. */
export const KILL = 6;
/** The guest is up: JSON of what it is. */
export const READY = 7;

const HEAD = 9;

/**
 * @param {number} id of the process
 * @param {number} kind
 * @param {Buffer | object} [content] bytes, or what becomes JSON
 * @returns {Buffer}
 */
export function frame(id, kind, content = Buffer.alloc(0)) {
  const data = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content));
  const head = Buffer.alloc(HEAD);
  head.writeUInt32BE(id, 0);
  head.writeUInt8(kind, 4);
  head.writeUInt32BE(data.length, 5);
  return Buffer.concat([head, data]);
}

/**
 * Takes frames out of a stream of bytes.
 *
 * @returns {(chunk: Buffer) => { id: number, kind: number, data: Buffer }[]} the frames that are whole with this chunk
 */
export function frame_reader() {
  /** @type {Buffer[]} */
  let chunks = [];
  let length = 0;
  let wanted = HEAD;
  return (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
    const frames = [];
    // Joined only when a frame is whole: a long one comes in many chunks.
    while (length >= wanted) {
      const bytes = Buffer.concat(chunks);
      const end = HEAD + bytes.readUInt32BE(5);
      chunks = [bytes];
      wanted = end;
      if (bytes.length < end) break;
      frames.push({ id: bytes.readUInt32BE(0), kind: bytes.readUInt8(4), data: bytes.subarray(HEAD, end) });
      chunks = [bytes.subarray(end)];
      length -= end;
      wanted = HEAD;
    }
    return frames;
  };
}

/** @param {Buffer} data of a frame @returns {any} */
export const json = (data) => JSON.parse(data.toString());
