// Changes of files and directories: DELE, MKD, RMD, RNFR, RNTO, MFMT.
import { quoted, reply } from '../../protocol/replies.js';
import { decode_time, encode_time } from '../../protocol/times.js';
import { type Command, type Commands, shown_name } from './command.js';

const MKD: Command = {
  syntax: '<path>',
  argument: 'required',
  async run(session, argument) {
    session.need('mkdir');
    const path = session.path(argument);
    await session.files.make_directory(path);
    return reply(257, `${quoted(path)} is created.`);
  },
};

const RMD: Command = {
  syntax: '<path>',
  argument: 'required',
  async run(session, argument) {
    session.need('rmdir');
    const path = session.path(argument);
    if (path === '/') return reply(550, 'The home stays.');
    await session.files.remove_directory(path);
    return reply(250, 'The directory is removed.');
  },
};

export const changes: Commands = {
  DELE: {
    syntax: '<path>',
    argument: 'required',
    async run(session, argument) {
      session.need('delete');
      await session.files.remove(session.path(argument));
      return reply(250, 'The file is removed.');
    },
  },
  MKD,
  RMD,
  XMKD: MKD,
  XRMD: RMD,
  RNFR: {
    syntax: '<path>',
    argument: 'required',
    async run(session, argument) {
      session.need('rename');
      const path = session.path(argument);
      if (path === '/') return reply(550, 'The home keeps its name.');
      await session.files.stat(path);
      session.parameters.rename_from = path;
      return reply(350, 'Send the new name by RNTO.');
    },
  },
  RNTO: {
    syntax: '<path>',
    argument: 'required',
    refusal: 553,
    async run(session, argument) {
      const { rename_from } = session.parameters;
      if (rename_from === undefined) return reply(503, 'Send RNFR first.');
      session.parameters.rename_from = undefined;
      await session.files.rename(rename_from, session.path(argument));
      return reply(250, 'The file is renamed.');
    },
  },
  MFMT: {
    syntax: '<YYYYMMDDHHMMSS> <path>',
    argument: 'required',
    async run(session, argument) {
      const space = argument.indexOf(' ');
      const time = decode_time(argument.slice(0, Math.max(0, space)));
      if (time === undefined || space === argument.length - 1)
        return reply(501, 'MFMT needs a time, YYYYMMDDHHMMSS, and a path.');
      session.need('modify');
      const name = argument.slice(space + 1);
      await session.files.set_modified(session.path(name), time);
      return reply(213, `Modify=${encode_time(time)}; ${shown_name(name)}`);
    },
  },
};
