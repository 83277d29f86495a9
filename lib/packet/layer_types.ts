// The types of all layers, by name: as they are parsed (every field is there) and as they are built (what is left out is worked out).
//
// The file of each protocol adds its own types to the two interfaces (`declare module '../layer_types.js'`), so that what works with
// any layer, and is imported by the protocols, imports none of them. A payload is the layer that belongs to no protocol.
import type { BytesLike } from '../util/validate.js';

export interface Payload {
  readonly layer: 'payload';
  /** a view of the packet's memory */
  data: Buffer;
}
export interface PayloadDraft {
  readonly layer: 'payload';
  /** a string stands for its UTF-8 bytes */
  readonly data: BytesLike | string;
}

/** The parsed form of each layer. */
export interface Layers {
  payload: Payload;
}

/** The form of each layer that can be built. */
export interface Drafts {
  payload: PayloadDraft;
}

export type LayerName = keyof Layers;

/** A parsed layer: `layer` says which. */
export type Layer = Layers[LayerName];

/** A layer to build. */
export type Draft = Drafts[keyof Drafts];
