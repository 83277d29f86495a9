// Listings over a data connection: LIST, NLST, MLSD. And their lines, which STAT sends over the control connection.
import { encode_entry } from '../../protocol/facts.js';
import { is_pattern, matcher } from '../../protocol/glob.js';
import { gather_lines, list_line } from '../../protocol/listing.js';
import { folder_of, name_of } from '../../protocol/paths.js';
import { printable, type Reply, refuse, reply } from '../../protocol/replies.js';
import type { Entry } from '../../store/types.js';
import type { Session } from '../session.js';
import { encoded, send_chunks } from '../transfer/download.js';
import { run_transfer } from '../transfer/transfer.js';
import { type Commands, shown_name } from './command.js';

/** What is listed: the path, and what is in front of each name that NLST shows. */
interface Listed {
  readonly path: string;
  readonly entries: AsyncIterable<Entry>;
  readonly prefix: string;
}

async function* one(entry: Entry): AsyncGenerator<Entry> {
  yield entry;
}

async function* matching(entries: AsyncIterable<Entry>, pattern: string): AsyncGenerator<Entry> {
  const matches = matcher(pattern);
  for await (const entry of entries) if (matches(entry.name)) yield entry;
}

/** Returns the argument without options of `ls`, which clients send and nobody needs. */
function without_options(argument: string): string {
  return argument.replace(/^(?:-[a-zA-Z1]*(?:\s+|$))+/, '');
}

/** Looks up what an argument of LIST means: a directory, a file, or a pattern within a directory. @throws as the files do */
export async function listed(session: Session, argument: string): Promise<Listed> {
  session.need('list');
  const wanted = without_options(argument);
  const path = session.path(wanted);
  const { files } = session;
  const found = await files.stat(path).catch((error: unknown) => error);
  const is_there = typeof found === 'object' && found !== null && 'type' in found;
  if (!is_there && is_pattern(name_of(path))) {
    const folder = folder_of(path);
    const { type } = await files.stat(folder);
    if (type !== 'dir') refuse(450, 'Not a directory.');
    const prefix = wanted.slice(0, wanted.lastIndexOf('/') + 1);
    return { path: folder, entries: matching(files.list(folder), name_of(path)), prefix };
  }
  if (!is_there) throw found;
  const entry = found as Entry;
  if (entry.type === 'dir')
    return { path, entries: files.list(path), prefix: wanted === '' ? '' : wanted.replace(/\/*$/, '/') };
  const slash = wanted.lastIndexOf('/') + 1;
  return { path, entries: one({ ...entry, name: name_of(path) }), prefix: wanted.slice(0, slash) };
}

export async function* list_lines(entries: AsyncIterable<Entry>): AsyncGenerator<string> {
  const now = Date.now();
  for await (const entry of entries) yield list_line(entry, now);
}

async function* names(entries: AsyncIterable<Entry>, prefix: string): AsyncGenerator<string> {
  for await (const { name } of entries) yield printable(`${prefix}${name}`);
}

/** The facts of a directory, of the one above and of all that is in it. */
async function* fact_lines(session: Session, path: string): AsyncGenerator<string> {
  const { parameters, user, files } = session;
  const permissions = user?.permissions ?? new Set<never>();
  const line = (entry: Entry, name: string, type?: string) =>
    encode_entry(entry, printable(name), parameters.facts, permissions, type);
  yield line(await files.stat(path), '.', 'cdir');
  if (path !== '/') yield line(await files.stat(folder_of(path)), '..', 'pdir');
  for await (const entry of files.list(path)) yield line(entry, entry.name);
}

/** Sends lines over the data connection. Listings are text, whatever TYPE is: their lines end with CR LF. */
function send_lines(session: Session, path: string, lines: AsyncIterable<string>): Promise<Reply> {
  const channel = session.check_channel();
  const opening = `The listing of ${shown_name(path)} follows.`;
  return run_transfer(session, channel, { direction: 'download', path, size: undefined, opening }, (moving) =>
    send_chunks(moving, encoded(session, gather_lines(lines), false), undefined),
  );
}

export const listings: Commands = {
  LIST: {
    syntax: '[<path>]',
    argument: 'optional',
    refusal: 450,
    async run(session, argument) {
      const { path, entries } = await listed(session, argument);
      return send_lines(session, path, list_lines(entries));
    },
  },
  NLST: {
    syntax: '[<path>]',
    argument: 'optional',
    refusal: 450,
    async run(session, argument) {
      const { path, entries, prefix } = await listed(session, argument);
      return send_lines(session, path, names(entries, prefix));
    },
  },
  MLSD: {
    syntax: '[<path>]',
    argument: 'optional',
    async run(session, argument) {
      session.need('list');
      const path = session.path(argument);
      const { type } = await session.files.stat(path);
      if (type !== 'dir') return reply(501, 'Not a directory: MLST is for one file.');
      return send_lines(session, path, fact_lines(session, path));
    },
  },
};
