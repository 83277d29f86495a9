// Parameters of transfers: TYPE, STRU, MODE, REST, RANG, ALLO, ABOR.
import { reply } from '../../protocol/replies.js';
import type { Commands } from './command.js';

const MAX_OFFSET = Number.MAX_SAFE_INTEGER;

/** Returns a number of bytes; undefined if the text is none. */
function bytes_of(text: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value <= MAX_OFFSET ? value : undefined;
}

/** TYPE's arguments: what they set, or undefined for what RFC 959 knows and this server does not do. */
const TYPES: Readonly<Record<string, 'A' | 'I' | undefined>> = {
  A: 'A',
  'A N': 'A',
  I: 'I',
  'L 8': 'I',
  'A T': undefined,
  'A C': undefined,
  E: undefined,
  'E N': undefined,
  'E T': undefined,
  'E C': undefined,
};

export const parameters: Commands = {
  TYPE: {
    syntax: 'A | A N | I | L 8',
    argument: 'required',
    run({ parameters }, argument) {
      const wanted = argument.toUpperCase().trim().replace(/\s+/g, ' ');
      const type = TYPES[wanted];
      if (type === undefined) {
        const is_known = wanted in TYPES || /^L \d{1,3}$/.test(wanted);
        return is_known
          ? reply(504, 'This type is not supported: use A, I or L 8.')
          : reply(501, 'TYPE A, I or L 8.');
      }
      parameters.type = type;
      return reply(200, `Type is ${type === 'A' ? 'ASCII' : 'image'}.`);
    },
  },
  STRU: {
    syntax: 'F',
    argument: 'required',
    run(_session, argument) {
      const structure = argument.toUpperCase().trim();
      if (structure === 'F') return reply(200, 'Structure is file.');
      return structure === 'R' || structure === 'P'
        ? reply(504, 'Only structure F is supported.')
        : reply(501, 'STRU F.');
    },
  },
  MODE: {
    syntax: 'S | Z',
    argument: 'required',
    run({ parameters }, argument) {
      const mode = argument.toUpperCase().trim();
      if (mode === 'S' || mode === 'Z') {
        parameters.mode = mode;
        return reply(200, `Mode is ${mode === 'S' ? 'stream' : 'deflate'}.`);
      }
      return mode === 'B' || mode === 'C'
        ? reply(504, 'Only modes S and Z are supported.')
        : reply(501, 'MODE S or Z.');
    },
  },
  REST: {
    syntax: '<bytes>',
    argument: 'required',
    run({ parameters }, argument) {
      const offset = bytes_of(argument.trim());
      if (offset === undefined) return reply(501, 'REST needs a number of bytes.');
      if (offset > 0 && parameters.type === 'A')
        return reply(501, 'A position counts bytes of the file: use TYPE I.');
      parameters.restart = offset;
      parameters.range = undefined;
      return reply(350, `The next transfer begins at byte ${offset}.`);
    },
  },
  RANG: {
    syntax: '<first> <last>',
    argument: 'required',
    run({ parameters }, argument) {
      const [first, last] = argument.trim().split(/\s+/).map(bytes_of);
      if (first === undefined || last === undefined)
        return reply(501, 'RANG needs the first and the last byte.');
      if (first === 1 && last === 0) {
        parameters.range = undefined;
        return reply(350, 'The next transfer is of the whole file.');
      }
      if (first > last) return reply(501, 'The first byte is behind the last.');
      if (parameters.type === 'A') return reply(501, 'A range counts bytes of the file: use TYPE I.');
      parameters.range = { start: first, end: last + 1 };
      parameters.restart = 0;
      return reply(350, `The next transfer is of bytes ${first} to ${last}.`);
    },
  },
  ALLO: {
    syntax: '<bytes> [R <bytes>]',
    argument: 'required',
    async run(session, argument) {
      const found = /^(\d{1,16})(?: R \d{1,16})?$/i.exec(argument.trim());
      if (found === null) return reply(501, 'ALLO needs a number of bytes.');
      const announced = Number(found[1]);
      const { bytes, max_bytes } = await session.files.usage();
      if (bytes + announced > max_bytes) {
        const left = Math.max(0, max_bytes - bytes);
        return reply(504, `There is no room for so much: the quota leaves ${left} bytes.`);
      }
      session.parameters.announced = announced;
      return reply(202, 'No storage has to be allocated.');
    },
  },
  ABOR: {
    syntax: '',
    argument: 'none',
    // The transfer that ran was ended when the line came; its own reply has gone out before this one.
    run(session) {
      const had_channel = session.channel !== undefined;
      session.close_channel();
      session.parameters.restart = 0;
      session.parameters.range = undefined;
      session.parameters.announced = undefined;
      return reply(226, had_channel ? 'The data connection is closed.' : 'Abort done.');
    },
  },
};
