// Directories: CWD, CDUP, PWD, SMNT, and the old names that begin with X.
import { quoted, type Reply, reply } from '../../protocol/replies.js';
import type { Session } from '../session.js';
import type { Command, Commands } from './command.js';

async function change(session: Session, path: string): Promise<Reply> {
  // The home itself is always there, for users who may only drop files, too.
  if (path !== '/') {
    session.need('list');
    const entry = await session.files.stat(path);
    if (entry.type !== 'dir') return reply(550, 'Not a directory.');
  }
  session.directory = path;
  session.registry.update(session.id, { directory: path });
  return reply(250, `The directory is ${quoted(path)}.`);
}

const CWD: Command = {
  syntax: '<path>',
  argument: 'required',
  run: (session, argument) => change(session, session.path(argument)),
};

const CDUP: Command = {
  syntax: '',
  argument: 'none',
  run: (session) => change(session, session.path('..')),
};

const PWD: Command = {
  syntax: '',
  argument: 'none',
  run: (session) => reply(257, `${quoted(session.directory)} is the directory.`),
};

export const navigation: Commands = {
  CWD,
  CDUP,
  PWD,
  XCWD: CWD,
  XCUP: CDUP,
  XPWD: PWD,
  SMNT: {
    syntax: '<path>',
    argument: 'required',
    run: () => reply(502, 'There is nothing to mount.'),
  },
};
