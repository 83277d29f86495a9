// The data of an echo reply beside that of its request: what is wrong with it, in the words of iputils' ping.

/** What is wrong with the data of a reply; empty if nothing is. */
export interface ReplyFaults {
  /** True: the reply has fewer bytes of data than the request. */
  readonly truncated?: true;
  /** The first wrong byte. */
  readonly wrong_byte?: { readonly index: number; readonly expected: number; readonly got: number };
}

/** iputils' ping writes the time of sending into the first bytes of its data, and does not compare them. */
const SKIPPED = 16;
/** Bytes on a line. */
const LINE = 32;

/** Compares the data of a reply with the data of the request. */
export function reply_faults(sent: Uint8Array, received: Uint8Array): ReplyFaults {
  const index = received.findIndex((byte, i) => i < sent.length && byte !== sent[i]);
  const wrong_byte =
    index < 0 ? undefined : { index, expected: sent[index] as number, got: received[index] as number };
  return { ...(received.length < sent.length && { truncated: true }), ...(wrong_byte && { wrong_byte }) };
}

/** Returns the lines that show a wrong byte and the data; none if no byte is wrong. */
export function wrong_byte_lines({ wrong_byte }: ReplyFaults, received: Uint8Array): string[] {
  if (wrong_byte === undefined) return [];
  const { index, expected, got } = wrong_byte;
  const lines = [
    `wrong data byte #${index} should be 0x${expected.toString(16)} but was 0x${got.toString(16)}`,
  ];
  for (let i = index < SKIPPED ? 0 : SKIPPED; i < received.length; i += LINE) {
    const bytes = Array.from(received.subarray(i, i + LINE), (byte) => `${byte.toString(16)} `);
    lines.push(`#${i}\t${bytes.join('')}`);
  }
  return lines;
}
