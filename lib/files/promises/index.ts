// makefile() of promises: which of the files it gives. Calls on one file are made in order.

import type { Socket } from '../../promises/socket.js';
import { options_of } from '../../util/validate.js';
import { parse_mode, type TextOptions } from '../blocking/index.js';
import { TEXT_OPTIONS, text_settings } from '../text_settings.js';
import { BufferedFile, SocketIO } from './binary.js';
import { Opened } from './file.js';
import { TextFile } from './text.js';

export { BufferedFile, SocketIO, TextFile };

type Has<Mode extends string, Letter extends string> = Mode extends `${string}${Letter}${string}`
  ? true
  : false;

/** The class of file that a mode and a buffering (0: none) give; all of them where these are not known. */
export type SocketFile<Mode extends string, Buffering extends number | bigint | null> = string extends Mode
  ? SocketIO | BufferedFile | TextFile
  : Has<Mode, 'b'> extends false
    ? TextFile
    : Buffering extends 0 | 0n
      ? SocketIO
      : number extends Buffering
        ? SocketIO | BufferedFile
        : BufferedFile;

/** See Socket.makefile. */
export function makefile<const Mode extends string, const Buffering extends number | bigint | null>(
  sock: Socket<number>,
  mode?: Mode | null,
  buffering?: Buffering | null,
  options?: TextOptions,
): SocketFile<Mode, Buffering>;
export function makefile(
  sock: Socket<number>,
  mode?: string | null,
  buffering?: number | bigint | null,
  options: TextOptions = {},
): SocketFile<string, null> {
  const { letters, reading, writing, binary, size } = parse_mode(mode, buffering);
  options_of(options, TEXT_OPTIONS);
  // Wrong options are found out before the socket has one more file.
  if (!binary) text_settings(options);
  const opened = new Opened(sock, letters, reading, writing);
  if (size === 0) return new SocketIO(opened);
  if (binary) return new BufferedFile(opened, size);
  return new TextFile(opened, size, options);
}
