// Layers into bytes: each layer's builder prepends it. A layer made by hand is refused if its maker would refuse its fields.
import { bytes, shown } from '../util/validate.js';
import { size_of_cut } from './bytes/cut.js';
import { known, message_title, type Names } from './bytes/fields.js';
import type { Output } from './bytes/output.js';
import type { AnyDraft } from './layer_types.js';
import { type Protocol, protocol_names, protocol_of_name } from './registry.js';

/** Prepends layers to the bytes in `output`, the last layer first. @throws TypeError, RangeError naming the layer */
export function write_layers(output: Output, layers: readonly AnyDraft[], name = 'layers'): void {
  output.layers = layers;
  for (output.index = layers.length - 1; output.index >= 0; output.index--) {
    const layer = layers[output.index];
    const protocol = protocol_of_name(layer?.layer ?? '');
    if (layer === undefined || protocol === undefined) throw no_layer(layer, `${name}[${output.index}]`);
    check_fields(layer, protocol);
    if ('cut' in layer && layer.cut !== undefined) write_cut(layer, layer.cut, protocol, output);
    else protocol.build(layer, output);
  }
}

/** Prepends a header that breaks off: the fields that are given, and the bytes `cut` behind them. */
function write_cut(layer: AnyDraft, cut: unknown, protocol: Protocol, output: Output): void {
  const header = output.apart(() => protocol.build(layer, output));
  output.prepend_bytes(bytes(cut, `${layer.layer}.cut`));
  output.prepend_bytes(header.subarray(0, size_of_cut(layer, protocol.ends(layer))));
}

function no_layer(value: unknown, name: string): Error {
  const known_names = protocol_names().join(', ');
  if (typeof value !== 'object' || value === null || !('layer' in value)) {
    return new TypeError(`${name} must be a layer such as ipv4({ … }), not ${shown(value)}`);
  }
  return new RangeError(`${name}.layer must be one of ${known_names}, not ${shown(value.layer)}`);
}

const TAGS = ['layer', 'cut'];
const MESSAGE_TAGS = [...TAGS, 'name'];

/** Throws if the maker of a layer would refuse its fields: the layer may be made by hand. */
function check_fields(layer: AnyDraft, { name, fields }: Protocol): void {
  if (is_list(fields)) {
    known(layer, name, fields, TAGS);
    return;
  }
  const message = ('name' in layer ? layer.name : undefined) ?? 'unknown';
  const names = Object.hasOwn(fields, message) ? fields[message] : undefined;
  if (names === undefined) {
    const all = Object.keys(fields).join(', ');
    throw new RangeError(`${name}.name must be one of ${all}, not ${shown(message)}`);
  }
  known(layer, message_title(name, message), names, MESSAGE_TAGS);
}

function is_list(fields: Protocol['fields']): fields is Names {
  return Array.isArray(fields);
}
