// Facts about one file: SIZE, MDTM, MLST, HASH.
import { encode_entry } from '../../protocol/facts.js';
import { reply } from '../../protocol/replies.js';
import { encode_time } from '../../protocol/times.js';
import type { Entry } from '../../store/types.js';
import type { Session } from '../session.js';
import { type Commands, shown_name } from './command.js';

async function plain_file(session: Session, path: string): Promise<Entry | undefined> {
  session.need('list');
  const entry = await session.files.stat(path);
  return entry.type === 'file' ? entry : undefined;
}

export const facts: Commands = {
  SIZE: {
    syntax: '<path>',
    argument: 'required',
    async run(session, argument) {
      const entry = await plain_file(session, session.path(argument));
      if (entry === undefined) return reply(550, 'Not a plain file.');
      // RFC 3659 wants the bytes of the transfer, and those of TYPE A are known when all lines have been counted.
      return session.parameters.type === 'A'
        ? reply(550, 'SIZE is for TYPE I.')
        : reply(213, String(entry.size));
    },
  },
  MDTM: {
    syntax: '<path>',
    argument: 'required',
    async run(session, argument) {
      const entry = await plain_file(session, session.path(argument));
      return entry === undefined
        ? reply(550, 'Not a plain file.')
        : reply(213, encode_time(entry.modified_ms));
    },
  },
  MLST: {
    syntax: '[<path>]',
    argument: 'optional',
    async run(session, argument) {
      session.need('list');
      const path = session.path(argument);
      const entry = await session.files.stat(path);
      const { permissions } = session.user ?? { permissions: new Set<never>() };
      const line = encode_entry(entry, path, session.parameters.facts, permissions);
      return reply(250, 'The facts:', line, 'End');
    },
  },
  HASH: {
    syntax: '<path>',
    argument: 'required',
    async run(session, argument) {
      session.need('read');
      const path = session.path(argument);
      const entry = await plain_file(session, path);
      if (entry === undefined) return reply(553, 'Not a plain file.');
      const { hash, range } = session.parameters;
      session.parameters.range = undefined;
      const start = range?.start ?? 0;
      const end = range === undefined ? entry.size : range.end;
      if (range !== undefined && end > entry.size)
        return reply(501, `The range is behind the end, byte ${entry.size}.`);
      const digest = await session.files.hash(path, hash, { start, end, signal: session.signal });
      return reply(213, `${hash} ${start}-${Math.max(start, end - 1)} ${digest} ${shown_name(argument)}`);
    },
  },
};
