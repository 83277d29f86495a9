// What `socket.makefile()` returns: Python's io classes over a socket. raw.ts is the unbuffered file, buffered.ts the
// buffered ones, text.ts the text file; read_buffer.ts, write_buffer.ts, text_reader.ts, text_writer.ts and codecs/ hold
// their logic, which does no I/O (steps.ts says how) and serves files of promises as well.
import { integer, options_of, shown } from '../../util/validate.js';
import { TEXT_OPTIONS, type TextOptions } from '../text_settings.js';
import { BufferedReader, BufferedRWPair, BufferedWriter, DEFAULT_BUFFER_SIZE } from './buffered.js';
import { type MakefileSocket, SocketIO } from './raw.js';
import { TextIOWrapper } from './text.js';

export {
  LookupError,
  UnicodeDecodeError,
  UnicodeEncodeError,
  UnicodeError,
  UnsupportedOperation,
} from '../errors.js';
export type { BytesLike, Size } from '../iobase.js';
export type { Newlines } from '../newlines.js';
export type { TextOptions } from '../text_settings.js';
export {
  BufferedIOBase,
  BufferedReader,
  BufferedRWPair,
  BufferedWriter,
} from './buffered.js';
export { type MakefileSocket, SocketIO } from './raw.js';
export { TextIOWrapper, type TextIOWrapperOptions } from './text.js';

type Has<Mode extends string, Letter extends string> = Mode extends `${string}${Letter}${string}`
  ? true
  : false;

type BufferedFile<Mode extends string> =
  Has<Mode, 'w'> extends true
    ? Has<Mode, 'r'> extends true
      ? BufferedRWPair
      : BufferedWriter
    : BufferedReader;

type BinaryFile<Mode extends string, Buffering> = Buffering extends 0 | 0n
  ? SocketIO
  : number extends Buffering
    ? SocketIO | BufferedFile<Mode>
    : BufferedFile<Mode>;

/** The class of file that a mode and a buffering (0: none) give; all of them where these are not known. */
export type SocketFile<Mode extends string, Buffering extends number | bigint | null> = string extends Mode
  ? SocketIO | BufferedReader | BufferedWriter | BufferedRWPair | TextIOWrapper
  : Mode extends string
    ? Has<Mode, 'b'> extends true
      ? BinaryFile<Mode, Buffering>
      : TextIOWrapper
    : never;

/**
 * makefile(mode = 'r', buffering = null, { encoding, errors, newline }) of a socket: a file that reads from it and writes
 * to it. See Python's socket.makefile().
 *
 * @param socket the socket, which stays open until its files are closed
 * @param mode 'r' (the default), 'w', 'b', in any order and combination
 * @param buffering the size of the buffer in bytes; null or negative: 8192; 0: none, in binary mode only
 * @param options of text mode; as in Python, binary mode does not look at their values
 * @throws RangeError on another mode, or on text without a buffer; LookupError on an encoding that does not exist
 */
export function makefile<
  const Mode extends string = 'r',
  const Buffering extends number | bigint | null = null,
>(
  socket: MakefileSocket,
  mode?: Mode | null,
  buffering?: Buffering | null,
  options?: TextOptions,
): SocketFile<Mode, Buffering>;
export function makefile(
  socket: MakefileSocket,
  mode?: string | null,
  buffering?: number | bigint | null,
  options: TextOptions = {},
): SocketFile<string, null> {
  const { letters, reading, writing, binary, size } = parse_mode(mode, buffering);
  options_of(options, TEXT_OPTIONS);
  const raw = new SocketIO(socket, `${reading ? 'r' : ''}${writing ? 'w' : ''}`);
  try {
    if (size === 0) return raw;
    const buffered = writing
      ? reading
        ? new BufferedRWPair(raw, raw, size)
        : new BufferedWriter(raw, size)
      : new BufferedReader(raw, size);
    if (binary) return buffered;
    const text = new TextIOWrapper(buffered, options);
    text.mode = letters;
    return text;
  } catch (error) {
    raw.close();
    throw error;
  }
}

/** What a mode and a buffering say; the size is 0 for a file without a buffer. */
export interface Mode {
  readonly letters: string;
  readonly reading: boolean;
  readonly writing: boolean;
  readonly binary: boolean;
  readonly size: number;
}

/** Checks what makefile() was given. @throws TypeError, RangeError */
export function parse_mode(mode: unknown, buffering: unknown): Mode {
  const letters = mode ?? 'r';
  if (typeof letters !== 'string') throw new TypeError(`mode must be a string, not ${shown(letters)}`);
  if (/[^rwb]/.test(letters)) throw new RangeError(`invalid mode '${letters}' (only r, w, b allowed)`);
  const writing = letters.includes('w');
  const reading = letters.includes('r') || !writing;
  const binary = letters.includes('b');
  const given = integer(buffering ?? -1, 'buffering', -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  if (given === 0 && !binary) throw new RangeError('unbuffered streams must be binary');
  return { letters, reading, writing, binary, size: given < 0 ? DEFAULT_BUFFER_SIZE : given };
}
