// The protocols by which the ends of PPP authenticate each other: PAP, RFC 1334, and CHAP, RFC 1994.
import { bytes } from '../../../util/validate.js';
import { type FieldNames, type Fields, field_names, maker } from '../../bytes/fields.js';
import type { Input } from '../../bytes/input.js';
import { header } from '../../define/header.js';
import { field, type Sizes } from '../../define/own_fields.js';
import { counted, raw_bytes, text } from '../../options/option_values.js';
import type { Protocol } from '../../registry.js';

interface Authentication {
  code: number;
  /** tells the request that a message answers */
  id: number;
  /** of the whole message, in bytes */
  length: number;
  /** of the answers that accept and refuse: text for people */
  message: string | undefined;
  /** what is behind the other fields, or cannot be understood: mostly empty */
  data: Buffer;
}
/** A message of PAP, RFC 1334. */
export interface Pap extends Authentication {
  /** The name of the layer. */
  readonly layer: 'pap';
  /** of requests */
  peer_id: string | undefined;
  /** the password of a request */
  password: string | undefined;
}
/** A message of CHAP, RFC 1994. */
export interface Chap extends Authentication {
  /** The name of the layer. */
  readonly layer: 'chap';
  /** of challenges and responses: bytes to hash, or their hash */
  value: Buffer | undefined;
  /** of challenges and responses: who sends them */
  sender: string | undefined;
}
/** The fields of a PAP message to build: what is left out is worked out, or has a default. */
export interface PapFields extends Fields<Pap, { data: Uint8Array }> {}
/** A PAP message to build. */
export type PapDraft = { readonly layer: 'pap' } & PapFields;
/** The fields of a CHAP message to build: what is left out is worked out, or has a default. */
export interface ChapFields extends Fields<Chap, { value: Uint8Array; data: Uint8Array }> {}
/** A CHAP message to build. */
export type ChapDraft = { readonly layer: 'chap' } & ChapFields;

const PAP_FIELDS: FieldNames<keyof PapFields> = field_names('code id length peer_id password message data');
const CHAP_FIELDS: FieldNames<keyof ChapFields> = field_names('code id length value sender message data');

/**
 * Makes a message of PAP; it stands behind `ppp`.
 *
 * @param fields code is pap.REQUEST unless given, with peer_id and password; the other codes have a message; length is worked out
 * @throws TypeError for a field that PAP does not have
 */
export const pap = Object.assign(maker<'pap', PapFields>('pap', PAP_FIELDS), {
  REQUEST: 1,
  ACK: 2,
  NAK: 3,
} as const);

/**
 * Makes a message of CHAP; it stands behind `ppp`.
 *
 * @param fields code is chap.CHALLENGE unless given, which has value and sender, as chap.RESPONSE has; the other codes have a
 *   message; length is worked out
 * @throws TypeError for a field that CHAP does not have
 */
export const chap = Object.assign(maker<'chap', ChapFields>('chap', CHAP_FIELDS), {
  CHALLENGE: 1,
  RESPONSE: 2,
  SUCCESS: 3,
  FAILURE: 4,
} as const);

const rows = {
  code: field.uint(8, 1),
  id: field.uint(8),
  length: field.uint(16, ({ header: own, data }: Sizes) => own + data),
};
const NONE = Buffer.alloc(0);
const short_text = counted(text);
const short_bytes = counted(raw_bytes);

function ends_at(layer: 'pap' | 'chap', input: Input, start: number, length: number): void {
  if (length >= 4) input.limit(layer, start + 2, 'length', start + length);
  else if (!input.partial) input.problem(layer, start + 2, `length is ${length}, less than the header`);
}

/** Returns the size of a group of bytes behind its length; 0 if it is not whole. */
function size_at({ view, end }: Input, at: number): number {
  const size = at < end ? 1 + view.getUint8(at) : 0;
  return at + size <= end ? size : 0;
}

export const pap_protocol: Protocol = header<Pap, PapDraft>('pap', PAP_FIELDS, rows, {
  read({ code, length }, input, start) {
    ends_at('pap', input, start, length);
    const { at, view } = input;
    const first = size_at(input, at);
    const second = first === 0 ? 0 : size_at(input, at + first);
    const is_request = code === pap.REQUEST;
    const peer_id = is_request ? short_text.read(view, at, first) : undefined;
    const password = is_request ? short_text.read(view, at + first, second) : undefined;
    const message = is_request ? undefined : short_text.read(view, at, first);
    if (message !== undefined) input.at += first;
    const is_whole = peer_id !== undefined && password !== undefined;
    if (is_whole) input.at += first + second;
    const data = input.take(input.end - input.at);
    return {
      peer_id: is_whole ? peer_id : undefined,
      password: is_whole ? password : undefined,
      message,
      data,
    };
  },
  write({ code = pap.REQUEST, peer_id, password, message, data }, output) {
    output.prepend_bytes(bytes(data ?? NONE, 'pap.data'));
    const is_request = code === pap.REQUEST && data === undefined;
    if (is_request || peer_id !== undefined || password !== undefined) {
      output.prepend_bytes(short_text.write(password, 'pap.password'));
      output.prepend_bytes(short_text.write(peer_id, 'pap.peer_id'));
    }
    if (message !== undefined || (code !== pap.REQUEST && data === undefined))
      output.prepend_bytes(short_text.write(message, 'pap.message'));
    return undefined;
  },
});

export const chap_protocol: Protocol = header<Chap, ChapDraft>('chap', CHAP_FIELDS, rows, {
  read({ code, length }, input, start) {
    ends_at('chap', input, start, length);
    const { at, view } = input;
    if (code > chap.RESPONSE || code === 0) {
      const message = text.read(view, at, input.end - at);
      if (message !== undefined) input.at = input.end;
      return { value: undefined, sender: undefined, message, data: input.take(input.end - input.at) };
    }
    const size = size_at(input, at);
    const value = short_bytes.read(view, at, size);
    const sender = value === undefined ? undefined : text.read(view, at + size, input.end - at - size);
    if (sender !== undefined) input.at = input.end;
    return {
      value: sender === undefined ? undefined : value,
      sender,
      message: undefined,
      data: input.take(input.end - input.at),
    };
  },
  write({ code = chap.CHALLENGE, value, sender, message, data }, output) {
    output.prepend_bytes(bytes(data ?? NONE, 'chap.data'));
    const has_value = (code === chap.CHALLENGE || code === chap.RESPONSE) && data === undefined;
    if (has_value || value !== undefined || sender !== undefined) {
      output.prepend_bytes(text.write(sender, 'chap.sender'));
      output.prepend_bytes(short_bytes.write(value ?? NONE, 'chap.value'));
    }
    if (message !== undefined) output.prepend_bytes(text.write(message, 'chap.message'));
    return undefined;
  },
});
