// Headers that break off: quoted by an error that quotes little, or cut by a capture. The fields that are whole are read, and the bytes
// behind them are the layer's `cut`; building writes the same bytes. A header that was never sent whole is malformed and becomes payload.
//
// One mechanism serves all protocols. The bytes are padded with zeros and parsed as a whole header; by `ends`, the protocol says
// which fields stand in front of the break.
import type { Layer } from '../layer_types.js';
import type { Protocol } from '../registry.js';
import type { Ends } from './fields.js';
import { Input } from './input.js';

/**
 * Parses a header that is not there as a whole: if it was cut, pushes a layer with the fields that are whole, and `cut`. Without a whole
 * field, it pushes nothing.
 *
 * @param size the size of the whole header, in bytes
 */
export function read_cut(input: Input, protocol: Protocol, size: number): undefined {
  const there = input.end - input.at;
  if (there === 0 || !input.is_cut(size)) return;
  const memory = Buffer.alloc(size);
  input.bytes.copy(memory, 0, input.at, input.end);
  const view = new DataView(memory.buffer, memory.byteOffset, size);
  const padded = new Input(memory, view, 0, size, size, [], 0);
  padded.partial = true;
  padded.is_quoted = true;
  protocol.parse(padded);
  const [header] = padded.layers;
  if (header === undefined) return;
  const whole = protocol.ends(header).filter(([end]) => end <= there);
  const last = whole.at(-1);
  if (last === undefined) return;
  const names = ['layer', 'name', ...whole.flatMap(([, ...fields]) => fields)];
  // A list that stands behind the break is empty.
  const fields = Object.entries(header).filter(
    ([name, value]) => names.includes(name) || Array.isArray(value),
  );
  const cut = input.slice(input.at + last[0], input.end);
  // The fields that are missing are undefined, although the layer's type has them.
  input.layers.push(Object.fromEntries([...fields, ['cut', cut]]) as unknown as Layer);
  input.at = input.end;
}

/** Returns the size of the whole fields of a header that breaks off: those in front of the first one that is undefined. */
export function size_of_cut(layer: object, ends: Ends): number {
  const given = new Map(Object.entries(layer));
  let size = 0;
  for (const [end, ...fields] of ends) {
    if (fields.some((name) => given.get(name) === undefined)) break;
    size = end;
  }
  return size;
}
