// Names of DNS as tcpdump tells them. A function that tells a name returns the offset behind it, or undefined if it breaks off or is
// malformed, after what could be told.
import type { Walk } from '../walk.js';

/** The first two bits of a length: a plain label, a bit string, a type nobody has, a pointer. */
const [KIND, LABEL, EXTENDED, POINTER] = [0xc0, 0x00, 0x40, 0xc0];
const BIT_STRING = 1;
/** Characters of a name at most. */
const LONGEST = 255;

/** Returns the bits of a bit string: 0 stands for 256. */
const bits_of = (byte: number) => (byte === 0 ? 256 : byte);

/** Returns the offset behind a name; undefined if it is not there as a whole. */
export function behind_name(walk: Walk, start: number): number | undefined {
  let at = start;
  while (walk.has(at, 1)) {
    const length = walk.u8(at++);
    if (length === 0) return at;
    switch (length & KIND) {
      case POINTER:
        return at + 1;
      case LABEL:
        at += length;
        break;
      case EXTENDED:
        if ((length & ~KIND) !== BIT_STRING || !walk.has(at, 1)) return undefined;
        at += 1 + Math.ceil(bits_of(walk.u8(at)) / 8);
        break;
      default:
        return undefined;
    }
  }
  return undefined;
}

/** Returns the bytes of a label behind its first one; undefined, after a mark, if it is malformed. */
function label_size(walk: Walk, at: number): number | undefined {
  const length = walk.u8(at);
  switch (length & KIND) {
    case LABEL:
    case POINTER:
      return length;
    case EXTENDED:
      if ((length & ~KIND) !== BIT_STRING) {
        walk.say(`<ELT ${length & ~KIND}>`);
        return undefined;
      }
      return walk.has(at + 1, 1) ? Math.ceil(bits_of(walk.u8(at + 1)) / 8) + 1 : undefined;
  }
  walk.say('<BAD LABEL TYPE>');
  return undefined;
}

function say_bit_string(walk: Walk, start: number): void {
  const bits = bits_of(walk.u8(start));
  walk.say('\\[x');
  let at = start + 1;
  let left = bits;
  for (; left > 7; left -= 8) walk.say(walk.hex(at++, 1));
  if (left > 4) walk.say((walk.u8(at) & (0xff << (8 - left)) & 0xff).toString(16).padStart(2, '0'));
  else if (left > 0) walk.say(((walk.u8(at) >>> 4) & (0x0f << (4 - left)) & 0x0f).toString(16));
  walk.say(`/${bits}]`);
}

/**
 * Tells a name with a dot at its end.
 *
 * @param message the offset that pointers count from
 */
export function say_name(walk: Walk, start: number, message: number): number | undefined {
  if (!walk.has(start, 1)) return undefined;
  let size = label_size(walk, start);
  if (size === undefined) return undefined;
  let at = start;
  /** A pointer leads backwards only, so that no name has a loop. */
  let limit = (start - message) >>> 0;
  let characters = 0;
  let length = walk.u8(at++);
  let is_elsewhere = false;
  let behind = (length & KIND) === POINTER ? undefined : at + size;
  if (length === 0) {
    walk.say('.');
    return at;
  }
  while (length !== 0 && at < walk.end) {
    if ((length & KIND) === POINTER) {
      if (!is_elsewhere) behind = at + 1;
      is_elsewhere = true;
      const offset = ((length << 8) | walk.u8(at)) & 0x3fff;
      if (offset >= limit) {
        walk.say('<BAD PTR>');
        return undefined;
      }
      limit = offset;
      at = message + offset;
    } else {
      if ((length & KIND) === EXTENDED) say_bit_string(walk, at);
      else {
        const told = Math.min(size, LONGEST - characters);
        if (told > 0 && !walk.say_some(at, told)) return undefined;
        characters += size;
      }
      at += size;
      if (characters <= LONGEST) walk.say('.');
      characters++;
    }
    if (!walk.has(at, 1)) return undefined;
    length = walk.u8(at);
    size = label_size(walk, at);
    if (size === undefined) return undefined;
    at++;
    if (!is_elsewhere && behind !== undefined) behind += size + 1;
  }
  if (characters > LONGEST) walk.say('<DOMAIN NAME TOO LONG>');
  return behind;
}
