// @ts-check
// The texts of native/layout.h and lib/native/layout.ts, made of the one list, native/layout.txt (its form: at the head
// of that file). scripts/generate.mjs writes them.
//
// The offsets are computed here. layout.h has the structs themselves, and for each field a static_assert that the
// compiler computes the same offset: a binary whose layout differs from that of lib/ does not compile.
/**
 * @typedef {{ name: string, value: number, doc: string }} Constant
 * @typedef {{ type: string, name: string, count: string, align: number, offset: number, place: number, size: number,
 *   doc: string }} Field `count` as it stands in the list: '', a number or a name, or '*' for the rest
 * @typedef {{ kind: string, name: string, type: string, doc: string, header: string, size: number, alignment: number,
 *   constants: Constant[], fields: Field[] }} Block
 */

/** Size and C++ type of each plain type. @type {Record<string, [number, string]>} */
const TYPES = {
  uint8: [1, 'uint8_t'],
  int16: [2, 'int16_t'],
  uint16: [2, 'uint16_t'],
  int32: [4, 'int32_t'],
  uint32: [4, 'uint32_t'],
  float64: [8, 'double'],
};

const BLOCK = /^(numbers|enum|struct) (\w+)(?: (\w+))?(?: (\w+) (\S+))?$/;
const CONSTANT = /^([A-Z][A-Z0-9_]*)(?: = (-?\d+))?$/;
const FIELD = /^(\w+) (\w+)(?:\[(\w*)\])?(?: align (\d+))?$/;

/** @param {number} number @param {number} step */
const round_up = (number, step) => Math.ceil(number / step) * step;

/**
 * Reads the list.
 *
 * @param {string} text
 * @returns {Block[]}
 */
export function read_layout(text) {
  /** @type {Block[]} */
  const blocks = [];
  /** @type {Map<string, number>} */
  const constants = new Map();
  text.split('\n').forEach((line, index) => {
    if (line.trim() === '' || line.startsWith('#')) return;
    const [head = '', doc = ''] = line.split(' | ').map((part) => part.trim());
    const fail = () => {
      throw new Error(`native/layout.txt:${index + 1}: not as its head says: ${line}`);
    };
    const block = blocks.at(-1);
    if (!line.startsWith('  ')) {
      blocks.push(new_block(BLOCK.exec(head) ?? fail(), doc));
    } else if (block?.kind === 'struct') {
      add_field(block, FIELD.exec(head) ?? fail(), doc, blocks, constants);
    } else if (block !== undefined) {
      const [, name = '', value] = CONSTANT.exec(head) ?? fail();
      if (constants.has(name) || (block.kind === 'numbers' && value === undefined)) fail();
      const number = value === undefined ? block.constants.length : Number(value);
      constants.set(name, number);
      block.constants.push({ name, value: number, doc });
    } else fail();
  });
  for (const block of blocks) block.size = round_up(block.size, block.alignment);
  return blocks;
}

/** @param {RegExpExecArray} match @param {string} doc @returns {Block} */
function new_block([, kind = '', name = '', type = '', c_name = '', header = ''], doc) {
  const common = { kind, doc, header, size: 0, alignment: 1, constants: [], fields: [] };
  if (kind === 'numbers') return { ...common, name: '', type: name };
  return { ...common, name, type: type === 'of' ? c_name : type };
}

/**
 * @param {Block} block
 * @param {RegExpExecArray} match
 * @param {string} doc
 * @param {Block[]} blocks
 * @param {Map<string, number>} constants
 */
function add_field(block, [, type = '', name = '', count, align], doc, blocks, constants) {
  const struct = blocks.find((other) => other.kind === 'struct' && other.name === type);
  const unit = struct ? round_up(struct.size, struct.alignment) : TYPES[type]?.[0];
  if (unit === undefined) throw new Error(`native/layout.txt: ${block.name}.${name} is of no type: ${type}`);
  const alignment = Number(align ?? struct?.alignment ?? unit);
  const length = count === undefined ? 1 : count === '' ? 0 : (constants.get(count) ?? Number(count));
  if (Number.isNaN(length))
    throw new Error(`native/layout.txt: ${block.name}.${name}: no such length: ${count}`);
  const offset = round_up(block.size, alignment);
  const size = unit * length;
  block.fields.push({
    type,
    name,
    count: count === '' ? '*' : (count ?? ''),
    align: Number(align ?? 0),
    offset,
    place: struct ? offset : offset / unit,
    size,
    doc,
  });
  block.size = offset + size;
  block.alignment = Math.max(block.alignment, alignment);
}

/** @param {string} name NAME_OF @returns {string} NameOf */
const camel = (name) => name.toLowerCase().replace(/(?:^|_)([a-z0-9])/g, (_, letter) => letter.toUpperCase());
/** @param {string} name NameOf @returns {string} NAME_OF */
const screaming = (name) => name.replace(/(?<=[a-z])(?=[A-Z])/g, '_').toUpperCase();
/** @param {string} indent @param {string} doc @returns {string} */
const comment = (indent, doc) => (doc === '' ? '' : `${indent}// ${doc}\n`);

/** @param {Block[]} blocks @returns {string} native/layout.h */
export function make_header(blocks) {
  const headers = blocks.flatMap(({ header }) => (header === '' ? [] : [`#include <${header}>\n`]));
  return `// clang-format off
//
// The numbers and the memory that pass between native/ and lib/. lib/native/layout.ts has the same for TypeScript.
#ifndef BSD_SOCKETS_LAYOUT_H_
#define BSD_SOCKETS_LAYOUT_H_

${headers.join('')}#include <array>
#include <cstddef>
#include <cstdint>

namespace bsd_sockets {
${blocks.map(cpp_block).join('')}
}  // namespace bsd_sockets

#endif  // BSD_SOCKETS_LAYOUT_H_
`;
}

/** @param {Block} block @returns {string} */
function cpp_block({ kind, name, type, doc, constants, fields, header, size }) {
  const title = `\n${comment('', doc)}`;
  if (kind === 'numbers') {
    const lines = constants.map(
      (c) => `${comment('', c.doc)}constexpr ${type} k${camel(c.name)} = ${c.value};\n`,
    );
    return `${title}\n${lines.join('')}`;
  }
  if (kind === 'enum') {
    const lines = constants.map((c) => `${comment('  ', c.doc)}  k${camel(c.name)} = ${c.value},\n`);
    return `${title}enum ${name}${type === '' ? '' : ` : ${type}`} {\n${lines.join('')}};\n`;
  }
  const c_name = header === '' ? name : type;
  const asserts = fields.map(
    (f) =>
      `static_assert(offsetof(${c_name}, ${f.name}) == ${f.offset}${f.count === '*' ? '' : ` && sizeof(${c_name}::${f.name}) == ${f.size}`});\n`,
  );
  const declared = header === '' ? `struct ${name} {\n${fields.map(cpp_field).join('')}};\n` : '';
  return `${title}${declared}${asserts.join('')}static_assert(sizeof(${c_name}) == ${size});\n`;
}

/** @param {Field} field @returns {string} */
function cpp_field({ type, name, count, align, doc }) {
  const plain = TYPES[type]?.[1] ?? type;
  const length = /^\d+$/.test(count) ? count : `k${camel(count)}`;
  const of = count === '' || count === '*' ? plain : `std::array<${plain}, ${length}>`;
  return `${comment('  ', doc)}  ${align > 0 ? `alignas(${align}) ` : ''}${of} ${name}${count === '*' ? '[]' : ''};\n`;
}

/** @param {Block[]} blocks @returns {string} lib/native/layout.ts */
export function make_module(blocks) {
  return `//
// The numbers and the memory that pass between native/ and lib/. native/layout.h has the same for C++. The place of a
// field is its index in an array of its type; that of a struct is its offset in bytes.
${blocks.map(ts_block).join('')}`;
}

/** @param {Block} block @returns {string} */
function ts_block({ kind, name, doc, constants, fields, size }) {
  if (kind !== 'struct') {
    const lines = constants.map((c) => {
      const about = c.doc === '' ? '' : `/** ${c.doc} */\n`;
      return `${about}export const ${c.name} = ${c.value};\n`;
    });
    return `\n// ${name === '' ? '' : `${name}: `}${doc}\n\n${lines.join('')}`;
  }
  const places = fields.map((f) => {
    const length = f.count === '' ? '' : f.count === '*' ? '[]' : `[${f.count}]`;
    return `  /** ${f.type}${length}${f.doc === '' ? '' : `: ${f.doc}`} */\n  ${f.name}: ${f.place},\n`;
  });
  const upper = screaming(name);
  return `\n/** ${doc} */\nexport const ${upper} = {\n${places.join('')}} as const;\nexport const ${upper}_SIZE = ${size};\n`;
}
