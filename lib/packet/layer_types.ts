// The types of all layers by name: as parsed (with every field) and as built (fields that are left out are worked out).
//
// protocols.ts adds the types of each protocol to LayerTypes (`declare module`). So the code that works with any layer, which the protocols
// import, imports no protocol. A payload is the layer that belongs to no protocol.
import type { BytesLike } from '../util/validate.js';

/** Data that no other layer describes, as parsed. */
export interface Payload {
  /** The name of the layer. */
  readonly layer: 'payload';
  /** a view of the packet's memory */
  data: Buffer;
}
/** Data to build. */
export interface PayloadDraft {
  /** The name of the layer. */
  readonly layer: 'payload';
  /** bytes; a string stands for its UTF-8 bytes */
  readonly data: BytesLike | string;
}

/**
 * The mark of a header that breaks off: quoted by an error, or cut by a capture. Its fields are those in front of the break; of the
 * others, lists are empty and all else is undefined.
 */
export interface Cut {
  /** the bytes behind the last whole field: mostly none */
  readonly cut?: Buffer | undefined;
}

/** The types of each layer: as parsed, and to build. */
export interface LayerTypes {
  payload: [parsed: Payload, draft: PayloadDraft];
}
/** The names of all layers: 'ethernet', 'ipv4', … */
export type LayerName = keyof LayerTypes;

/** The parsed form of each layer. */
export type Layers = { [Name in LayerName]: LayerTypes[Name][0] & Cut };

/** A parsed layer: `layer` names its type. */
export type Layer = Layers[LayerName];

/** A layer to build. */
export type Draft = LayerTypes[LayerName][1];

declare const own: unique symbol;
/** A layer to build that a maker of `define_layer` made. */
export interface OwnDraft {
  /** The name of the layer. */
  readonly layer: string;
  /** Exists for the compiler only. */
  readonly [own]: true;
}
/** A layer to build, of the library or of one's own. */
export type AnyDraft = Draft | OwnDraft;
