// Events and outcomes as JSON lines (`--json`).

import { isUtf8 } from 'node:buffer';
import { json_text } from '../json.js';
import type { FleetEvent } from '../types.js';

/** Returns the line, without its end, of an event. Output that is no UTF-8 is in `base64` instead of `text`. */
export function json_line(event: FleetEvent): string {
  if (event.type !== 'output') return json_text(event);
  const { data, ...rest } = event;
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const content = isUtf8(buffer) ? { text: buffer.toString('utf8') } : { base64: buffer.toString('base64') };
  return json_text({ ...rest, ...content });
}
