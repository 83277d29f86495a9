// The bytes of a packet as lines of hexadecimal numbers and characters, in the format of tcpdump's -x, -X and -A.

const BYTES_OF_LINE = 16;
const HEXADECIMAL_WIDTH = 40;

const is_graphic = (byte: number) => byte > 0x20 && byte < 0x7f;

/** Returns " 4500 0054 …": the bytes of a line in pairs. */
function pairs(bytes: Buffer): string {
  return bytes.toString('hex').replace(/.{1,4}/g, ' $&');
}

/** Returns the lines, each behind `indent`. `show` makes a line of its bytes. */
function lines(bytes: Buffer, indent: string, show: (line: Buffer) => string): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += BYTES_OF_LINE) {
    const line = bytes.subarray(at, at + BYTES_OF_LINE);
    text += `${indent}0x${at.toString(16).padStart(4, '0')}: ${show(line)}`;
  }
  return text;
}

/** dumped(bytes, indent) -> lines of numbers and characters, each behind `indent`: -X. */
export function dumped(bytes: Buffer, indent: string): string {
  return lines(bytes, indent, (line) => {
    const characters = Array.from(line, (byte) => (is_graphic(byte) ? String.fromCharCode(byte) : '.'));
    return `${pairs(line).padEnd(HEXADECIMAL_WIDTH)}  ${characters.join('')}`;
  });
}

/** hexadecimal(bytes, indent) -> lines of numbers, each behind `indent`: -x. */
export function hexadecimal(bytes: Buffer, indent: string): string {
  return lines(bytes, indent, pairs);
}

const [TAB, LINE_FEED, CARRIAGE_RETURN, SPACE] = [0x09, 0x0a, 0x0d, 0x20];

/** characters(bytes) -> the bytes as text: -A. Other characters than printable ones, tabs and line feeds are dots. */
export function characters(bytes: Buffer): string {
  let text = '';
  for (const [at, byte] of bytes.entries()) {
    if (byte === CARRIAGE_RETURN) {
      // The one in front of a line feed is part of the end of the line.
      if (at + 2 < bytes.length && bytes[at + 1] !== LINE_FEED) text += '.';
    } else if (is_graphic(byte) || byte === TAB || byte === SPACE || byte === LINE_FEED) {
      text += String.fromCharCode(byte);
    } else text += '.';
  }
  return text;
}
