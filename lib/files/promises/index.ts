// makefile() of sockets of promises: it chooses the class of the file. binary.ts and text.ts hold the classes, file.ts their
// base, direction.ts the order of the calls on one file.

import { type FileOf, parse_arguments } from '../mode.js';
import { text_settings } from '../text_settings.js';
import { BufferedFile, SocketIO } from './binary.js';
import { type MakefileSocket, OpenFile } from './file.js';
import { TextFile } from './text.js';

export { BufferedFile, SocketIO, TextFile };

interface Classes {
  unbuffered: SocketIO;
  reader: BufferedFile;
  writer: BufferedFile;
  pair: BufferedFile;
  text: TextFile;
}

/** The class of file that a mode and a buffering (0: none) choose; all classes if they are not known. */
export type SocketFile<Mode extends string, Buffering extends number | bigint | null> = FileOf<
  Classes,
  Mode,
  Buffering
>;

/** See Socket.makefile. */
export function makefile(sock: MakefileSocket, rest: unknown[]): SocketFile<string, null> {
  const { letters, reading, writing, binary, size, limit, options } = parse_arguments(rest);
  // Wrong options throw here, before the socket has one more open file.
  if (!binary) text_settings(options);
  const file = new OpenFile(sock, letters, reading, writing, limit);
  if (size === 0) return new SocketIO(file);
  if (binary) return new BufferedFile(file, size);
  return new TextFile(file, size, options);
}
