// show and hexdump: packets as text, every field on a line of its own, bytes as hexadecimal numbers with their characters.
import { printable } from '../util/printable.js';
import { type BytesLike, shown, bytes as to_bytes } from '../util/validate.js';
import type { AnyDraft } from './layer_types.js';
import { tcp } from './layers/tcp.js';
import { Packet } from './parse.js';
import { protocol_of_ethertype, protocol_of_ip } from './registry.js';

const ROW = 16;
/** The fields shown as hexadecimal numbers, and their number of digits. */
const HEXADECIMAL: Readonly<Record<string, number>> = {
  checksum: 4,
  extensions_checksum: 4,
  ethertype: 4,
  protocol_type: 4,
  flags: 1,
  flow_label: 5,
  spi: 8,
  key: 8,
};
const OK: Readonly<Record<string, string>> = {
  checksum: 'checksum_ok',
  extensions_checksum: 'extensions_ok',
};

/**
 * hexdump(bytes) -> text. Each row has the offset, 16 bytes, and their characters. As `tcpdump -XX` prints them, see tcpdump(8).
 *
 * @param bytes any view or buffer of memory
 * @returns the rows, separated by line feeds
 * @throws TypeError for anything else
 * @example
 * console.log(hexdump(Buffer.from('hello')).includes('68 65 6c 6c 6f')); // true
 */
export function hexdump(bytes: BytesLike): string {
  const data = to_bytes(bytes, 'bytes');
  const rows: string[] = [];
  for (let at = 0; at < data.length; at += ROW) {
    const row = data.subarray(at, at + ROW);
    const numbers = Array.from(row, (byte) => byte.toString(16).padStart(2, '0'));
    const halves = `${numbers.slice(0, 8).join(' ')}  ${numbers.slice(8).join(' ')}`;
    const text = Array.from(row, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.',
    ).join('');
    rows.push(`${at.toString(16).padStart(4, '0')}  ${halves.padEnd(ROW * 3)}  ${text}`);
  }
  return rows.join('\n');
}

/**
 * show(packet) -> text. Each field of a packet or of layers has a line, one layer stands behind the other. As a packet's show() in scapy.
 * Control characters in the texts of a packet are escaped (`\u001b`): nothing in it can steer a terminal or look like another line.
 *
 * @param packet a result of `parse`, or layers as `build` takes them
 * @returns the text, lengths in bytes and checksums in hexadecimal
 * @throws TypeError for anything else
 * @example
 * console.log(show([udp({ dst_port: 53 })]).includes('dst_port')); // true
 */
export function show(packet: Packet | AnyDraft | readonly AnyDraft[]): string {
  if (packet instanceof Packet) {
    const parts = [show_layers(packet.layers, '')];
    if (packet.trailer.length > 0)
      parts.push(`trailer  ${count(packet.trailer)}\n${indented(hexdump(packet.trailer), '  ')}`);
    if (packet.truncated) parts.push('truncated by the capture');
    for (const { layer, offset, message } of packet.problems)
      parts.push(`problem  ${layer} at byte ${offset}: ${printable(message)}`);
    return parts.join('\n');
  }
  const layers = is_list(packet) ? packet : [packet];
  for (const layer of layers) {
    if (typeof layer !== 'object' || layer === null || typeof layer.layer !== 'string') {
      throw new TypeError(`packet must be a parsed packet or layers, not ${shown(layer)}`);
    }
  }
  return show_layers(layers, '');
}

function is_list(packet: AnyDraft | readonly AnyDraft[]): packet is readonly AnyDraft[] {
  return Array.isArray(packet);
}

function show_layers(layers: readonly AnyDraft[], indent: string): string {
  return layers.map((layer) => show_object(title_of(layer), layer, indent)).join('\n');
}

/** Returns a title, and the fields of an object indented beneath it. */
function show_object(title: string, fields: object, indent: string): string {
  const entries = Object.entries(fields)
    .filter(([key, value]) => value !== undefined && !hidden(key, fields))
    .sort(([a], [b]) => Number(b === 'type') - Number(a === 'type'));
  const width = Math.max(0, ...entries.filter(([, value]) => !is_block(value)).map(([key]) => key.length));
  const lines = entries.map(([key, value]) => show_field(key, value, fields, `${indent}  `, width));
  return [`${indent}${title}`, ...lines].join('\n');
}

/** True for a field that the title already shows, or that says nothing. */
function hidden(key: string, fields: object): boolean {
  if (key === 'layer' || key === 'name' || Object.values(OK).includes(key)) return true;
  if (key === 'cut') return 'cut' in fields && ArrayBuffer.isView(fields.cut) && fields.cut.byteLength === 0;
  if (key === 'type' && 'name' in fields && !('layer' in fields)) return true;
  if (key !== 'data') return false;
  // Values say the same. An option without values, or a record of DNS whose type has none, has only data.
  const is_named = 'name' in fields && fields.name !== 'unknown' && fields.name !== 'malformed';
  const has_values = Object.keys(fields).some((name) => !['type', 'name', 'data'].includes(name));
  const is_empty = 'data' in fields && ArrayBuffer.isView(fields.data) && fields.data.byteLength === 0;
  return is_named && !('ttl' in fields) && (has_values || is_empty);
}

function is_block(value: unknown): boolean {
  return ArrayBuffer.isView(value)
    ? value.byteLength > 0
    : Array.isArray(value) && typeof value[0] === 'object';
}

function show_field(key: string, value: unknown, fields: object, indent: string, width: number): string {
  if (ArrayBuffer.isView(value)) {
    const data = to_bytes(value, key);
    return data.length === 0
      ? `${indent}${key.padEnd(width)}  empty`
      : `${indent}${key}  ${count(data)}\n${indented(hexdump(data), `${indent}  `)}`;
  }
  if (Array.isArray(value)) return show_list(key, value, indent, width);
  if (typeof value === 'object' && value !== null) return show_object(key, value, indent);
  return `${indent}${key.padEnd(width)}  ${show_value(key, value, fields)}`;
}

function show_list(key: string, values: readonly unknown[], indent: string, width: number): string {
  if (!is_block(values))
    return `${indent}${key.padEnd(width)}  ${values.length === 0 ? 'none' : values.map((value) => printable(String(value))).join(', ')}`;
  const items = values.map((item) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item))
      return `${indent}  ${printable(String(item))}`;
    return show_object(title_of(item), item, `${indent}  `);
  });
  return [`${indent}${key}`, ...items].join('\n');
}

/** Returns the title of a layer, an option or another item of a list. */
function title_of(item: object): string {
  if ('layer' in item) {
    const name = 'name' in item ? `${item.layer} ${item.name}` : String(item.layer);
    return 'cut' in item && item.cut !== undefined ? `${name}, cut short` : name;
  }
  const name = 'name' in item ? printable(String(item.name)) : '';
  return 'type' in item && name !== '' ? `${name} (${item.type})` : name || '-';
}

function show_value(key: string, value: unknown, fields: object): string {
  const layer = 'layer' in fields ? fields.layer : undefined;
  if (typeof value !== 'number') return printable(String(value));
  const digits = HEXADECIMAL[key];
  const text = digits === undefined ? String(value) : `0x${value.toString(16).padStart(digits, '0')}`;
  const meaning = meaning_of(key, value, layer, fields);
  return meaning === undefined ? text : `${text} (${meaning})`;
}

function meaning_of(key: string, value: number, layer: unknown, fields: object): string | undefined {
  const ok = OK[key];
  if (ok !== undefined) {
    const verdict: unknown = Object.entries(fields).find(([name]) => name === ok)?.[1];
    return verdict === undefined ? undefined : verdict ? 'correct' : 'wrong';
  }
  if (key === 'ethertype' || key === 'protocol_type') return protocol_of_ethertype(value)?.name;
  if (key === 'next_header' || (key === 'protocol' && layer === 'ipv4')) return protocol_of_ip(value)?.name;
  if (key === 'protocol') return protocol_of_ethertype(value)?.name;
  if (key === 'flags' && layer === 'tcp') return flag_names(value, tcp);
  if (key === 'flags' && layer === 'ipv4') return flag_names(value, { MF: 1, DF: 2 });
  return undefined;
}

function flag_names(value: number, flags: object): string | undefined {
  const set = Object.entries(flags).filter(([, bit]) => typeof bit === 'number' && (value & bit) !== 0);
  return set.length === 0 ? undefined : set.map(([name]) => name).join(', ');
}

function count(data: Uint8Array): string {
  return `${data.length} byte${data.length === 1 ? '' : 's'}`;
}

function indented(text: string, indent: string): string {
  return text.replaceAll(/^/gm, indent);
}
