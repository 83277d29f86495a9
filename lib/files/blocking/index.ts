// makefile() of blocking sockets: Python's io classes over a socket. raw.ts is the unbuffered file, buffered.ts the buffered
// files, text.ts the text file. Their logic is in the folder above, shared with files of promises: read_buffer.ts,
// write_buffer.ts, text_reader.ts, text_writer.ts and codecs/ do no I/O (steps.ts says how).
import { type FileOf, parse_arguments } from '../mode.js';
import type { TextOptions } from '../text_settings.js';
import { BufferedReader, BufferedRWPair, BufferedWriter } from './buffered.js';
import { type MakefileSocket, SocketIO } from './raw.js';
import { TextIOWrapper } from './text.js';

export type { BytesLike, Size } from '../iobase.js';
export type { MakefileOptions } from '../mode.js';
export type { Newlines } from '../newlines.js';
export type { TextIOWrapperOptions, TextOptions } from '../text_settings.js';
export { BufferedIOBase, BufferedReader, BufferedRWPair, BufferedWriter } from './buffered.js';
export { type MakefileSocket, SocketIO } from './raw.js';
export { TextIOWrapper } from './text.js';

interface Classes {
  unbuffered: SocketIO;
  reader: BufferedReader;
  writer: BufferedWriter;
  pair: BufferedRWPair;
  text: TextIOWrapper;
}

/** The class of file that a mode and a buffering (0: none) choose; all classes if they are not known. */
export type SocketFile<Mode extends string, Buffering extends number | bigint | null> = FileOf<
  Classes,
  Mode,
  Buffering
>;

/** See Socket.makefile. */
export function makefile(socket: MakefileSocket, rest: unknown[]): SocketFile<string, null> {
  const { letters, reading, writing, binary, size, limit, options } = parse_arguments(rest);
  const raw = new SocketIO(socket, `${reading ? 'r' : ''}${writing ? 'w' : ''}`, limit);
  try {
    if (size === 0) return raw;
    const buffered = writing
      ? reading
        ? new BufferedRWPair(raw, raw, size)
        : new BufferedWriter(raw, size)
      : new BufferedReader(raw, size);
    if (binary) return buffered;
    const { encoding, errors, newline }: TextOptions = options;
    const text = new TextIOWrapper(buffered, { encoding, errors, newline });
    text.mode = letters;
    return text;
  } catch (error) {
    raw.close();
    throw error;
  }
}
