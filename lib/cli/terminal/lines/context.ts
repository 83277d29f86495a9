// What the text of a layer on a line depends on beside the layer.

/** The surroundings of a layer in UDP or TCP. */
export interface Surroundings {
  /** bytes of the data of UDP or TCP */
  readonly length: number;
  /** the ports, the source first */
  readonly ports: readonly [src: number, dst: number];
  /** the text of the packet in a tunnel; undefined without one */
  readonly carried: string | undefined;
}
