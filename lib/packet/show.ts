// show and hexdump: packets as text, every field on a line of its own, bytes as hexadecimal numbers with their characters.
import { printable } from '../util/printable.js';
import { type BytesLike, shown, bytes as to_bytes } from '../util/validate.js';
import type { AnyDraft } from './layer_types.js';
import { meaning_of } from './meanings/index.js';
import { Packet } from './parse.js';

const ROW = 16;
/** The fields shown as hexadecimal numbers, and their number of digits: in any layer, or in this one. */
const HEXADECIMAL: Readonly<Record<string, number>> = {
  checksum: 4,
  extensions_checksum: 4,
  ethertype: 4,
  protocol_type: 4,
  flags: 1,
  flow_label: 5,
  spi: 8,
  key: 8,
  'gre.protocol': 4,
  'geneve.protocol': 4,
  'snap.protocol': 4,
  'snap.oui': 6,
  'ppp.protocol': 4,
  'linux_sll.protocol': 4,
  'linux_sll2.protocol': 4,
  'llc.dsap': 2,
  'llc.ssap': 2,
  'llc.control': 2,
  'can.id': 3,
  'wlan.capabilities': 4,
  'radiotap.channel_flags': 4,
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
  return layers.map((layer) => show_object(title_of(layer), layer, indent, layer.layer)).join('\n');
}

/**
 * Returns a title, and the fields of an object indented beneath it.
 *
 * @param of the name of the layer, and for an item that of the item behind a dot
 */
function show_object(title: string, fields: object, indent: string, of: string): string {
  const entries = Object.entries(fields)
    .filter(([key, value]) => value !== undefined && !hidden(key, fields))
    .sort(([a], [b]) => Number(b === 'type') - Number(a === 'type'));
  const width = Math.max(0, ...entries.filter(([, value]) => !is_block(value)).map(([key]) => key.length));
  const lines = entries.map(([key, value]) => show_field(key, value, fields, `${indent}  `, width, of));
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

function show_field(
  key: string,
  value: unknown,
  fields: object,
  indent: string,
  width: number,
  of: string,
): string {
  if (ArrayBuffer.isView(value)) {
    const data = to_bytes(value, key);
    return data.length === 0
      ? `${indent}${key.padEnd(width)}  empty`
      : `${indent}${key}  ${count(data)}\n${indented(hexdump(data), `${indent}  `)}`;
  }
  if (Array.isArray(value)) return show_list(key, value, fields, indent, width, of);
  if (typeof value === 'object' && value !== null)
    return show_object(key, value, indent, item_name(value, key, of, fields));
  return `${indent}${key.padEnd(width)}  ${show_value(key, value, fields, of)}`;
}

function show_list(
  key: string,
  values: readonly unknown[],
  fields: object,
  indent: string,
  width: number,
  of: string,
): string {
  if (!is_block(values)) {
    const shown_values = values.map((value) => show_value(key, value, fields, of));
    return `${indent}${key.padEnd(width)}  ${values.length === 0 ? 'none' : shown_values.join(', ')}`;
  }
  const items = values.map((item) => {
    if (typeof item !== 'object' || item === null || Array.isArray(item))
      return `${indent}  ${printable(String(item))}`;
    return show_object(title_of(item), item, `${indent}  `, item_name(item, key, of, fields));
  });
  return [`${indent}${key}`, ...repetitions(items)].join('\n');
}

/** Returns texts, those of one line that stand several times one behind the other once, with their number: the padding of options. */
function repetitions(texts: readonly string[]): string[] {
  const found: string[] = [];
  for (let i = 0, next: number; i < texts.length; i = next) {
    const text = texts[i] ?? '';
    next = i + 1;
    while (next < texts.length && texts[next] === text && !text.includes('\n')) next++;
    found.push(next - i === 1 ? text : `${text}, ${next - i} times`);
  }
  return found;
}

/** Returns the name by which the meanings of an item's fields are found: of an option its name, of a record of DNS its type. */
function item_name(item: object, list: string, of: string, holder: object): string {
  const [layer = ''] = of.split('.');
  if ('layer' in item && typeof item.layer === 'string') return item.layer;
  if ('type' in item && typeof item.type === 'string') return `${layer}.${item.type}`;
  if ('name' in item && typeof item.name === 'string') return `${layer}.${item.name}`;
  // The messages of netlink are of its family.
  const is_route = layer === 'netlink' && 'family' in holder && holder.family === 0;
  return `${layer}.${list}${is_route ? ' of ROUTE' : ''}`;
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

function show_value(key: string, value: unknown, fields: object, of: string): string {
  if (typeof value !== 'number') return printable(String(value));
  const digits = HEXADECIMAL[`${of}.${key}`] ?? HEXADECIMAL[key];
  const text = digits === undefined ? String(value) : `0x${value.toString(16).padStart(digits, '0')}`;
  const meaning = verdict_of(key, fields) ?? meaning_of(places_of(key, fields, of), value, fields);
  return meaning === undefined ? text : `${text} (${meaning})`;
}

/** Returns the places in which the meaning of a field may stand: of a layer, its message and the layer itself. */
function places_of(key: string, fields: object, of: string): string[] {
  const message = 'layer' in fields && 'name' in fields ? [`${of}.${String(fields.name)}.${key}`] : [];
  return [...message, `${of}.${key}`];
}

/** Returns whether a checksum is right, in words. */
function verdict_of(key: string, fields: object): string | undefined {
  const ok = OK[key];
  const verdict: unknown = Object.entries(fields).find(([name]) => name === ok)?.[1];
  return verdict === undefined ? undefined : verdict ? 'correct' : 'wrong';
}

function count(data: Uint8Array): string {
  return `${data.length} byte${data.length === 1 ? '' : 's'}`;
}

function indented(text: string, indent: string): string {
  return text.replaceAll(/^/gm, indent);
}
