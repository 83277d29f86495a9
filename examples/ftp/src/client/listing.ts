// Folders and entries of a server: MLSD and MLST if it has them, else LIST, SIZE, MDTM and CWD.
import { parse_facts, parse_list_line, parse_time, type RemoteEntry } from '../protocol/listing_parser.js';
import { quoted_path } from '../protocol/reply_parser.js';
import { inflate } from './compression.js';
import { FTPError, refusal } from './errors.js';
import type { Link } from './link.js';
import { is_plain_name, remote_base } from './names.js';
import type { ListOptions } from './options.js';
import type { Session } from './session.js';

/** Bytes of a listing, and of one line of it. A folder with a million files has some 100 MB. */
const MAX_LISTING = 256 * 1024 * 1024;
const MAX_LINE = 64 * 1024;

/** Returns the entries of a folder, without itself and the one above it. @throws (rejects) FTPError */
export async function listing(session: Session, path: string, options: ListOptions): Promise<RemoteEntry[]> {
  const entries =
    session.has('MLST') || session.has('MLSD')
      ? await by_mlsd(session, path, options)
      : await by_list(session, path, options);
  const seen = new Set<string>();
  return entries.filter(({ name }) => {
    if (!is_plain_name(name)) {
      if (name !== '.' && name !== '..') options.on_bad_name?.(name);
      return false;
    }
    const is_new = !seen.has(name);
    seen.add(name);
    return is_new;
  });
}

async function by_mlsd(session: Session, path: string, { signal }: ListOptions): Promise<RemoteEntry[]> {
  const entries: RemoteEntry[] = [];
  const bad = { count: 0 };
  await lines_of(session, path === '' ? 'MLSD' : `MLSD ${path}`, signal, (line) => {
    const entry = parse_facts(line);
    if (entry !== undefined) entries.push(entry);
    else if (!/type=[cp]dir;/i.test(line)) bad.count++;
  });
  if (entries.length === 0 && bad.count > 0)
    throw new FTPError('protocol', 'the listing of MLSD has no line of facts');
  return entries;
}

async function by_list(
  session: Session,
  path: string,
  { signal, hidden = true }: ListOptions,
): Promise<RemoteEntry[]> {
  // Servers take options and patterns in the argument of LIST. With such a name the folder becomes the current one for a moment.
  if (/^[-~]|[*?[\]{}\\]|^\s|\s$/.test(path)) {
    const before = quoted_path(await session.ask('PWD', signal));
    await session.ask(`CWD ${path}`, signal);
    try {
      return await by_list(session, '', { hidden });
    } finally {
      if (before !== undefined) await session.ask(`CWD ${before}`, undefined);
    }
  }
  await session.set_type('A', signal);
  const argument = path === '' ? '' : ` ${path}`;
  let found: Listed | undefined;
  if (hidden)
    try {
      found = await list_entries(session, `LIST -a${argument}`, signal);
    } catch (error) {
      // A server to which "-a" is a name. Not found by both is said by the second.
      if (!(error instanceof FTPError) || (error.kind !== 'not-found' && error.kind !== 'refused'))
        throw error;
    }
  found ??= await list_entries(session, `LIST${argument}`, signal);
  // Many servers list a folder that is not there as if it were empty, which would have a mirror delete all.
  if (found.is_silent && path !== '') await check_folder(session, path, signal);
  return found.entries;
}

/** @throws (rejects) FTPError if there is no such folder */
async function check_folder(session: Session, path: string, signal: AbortSignal | undefined): Promise<void> {
  const before = quoted_path(await session.ask('PWD', signal));
  await session.ask(`CWD ${path}`, signal);
  if (before !== undefined) await session.ask(`CWD ${before}`, undefined);
}

interface Listed {
  readonly entries: RemoteEntry[];
  /** not a line came, not even those of the folder itself and the one above it */
  readonly is_silent: boolean;
}

async function list_entries(
  session: Session,
  command: string,
  signal: AbortSignal | undefined,
): Promise<Listed> {
  const entries: RemoteEntry[] = [];
  let is_silent = true;
  let lines = 0;
  let first = '';
  const now = Date.now();
  await lines_of(session, command, signal, (line) => {
    if (line === '') return;
    is_silent = false;
    if (/^total\b/i.test(line)) return;
    const entry = parse_list_line(line, now);
    if (entry !== undefined) entries.push(entry);
    else if (!/\s\.{1,2}$/.test(line)) {
      lines++;
      first ||= line;
    }
  });
  if (entries.length === 0 && lines > 0) {
    // Some say in a line of the listing what others say in an answer.
    if (/no such file|not found/i.test(first)) throw new FTPError('not-found', `${command}: ${first}`);
    throw new FTPError(
      'protocol',
      `${command}: no line of the listing is understood: ${JSON.stringify(first.slice(0, 200))}`,
    );
  }
  return { entries, is_silent };
}

/** Calls `take` with each line of a listing. */
async function lines_of(
  session: Session,
  command: string,
  signal: AbortSignal | undefined,
  take: (line: string) => void,
): Promise<void> {
  const { encoding, data_timeout } = session.settings;
  let rest = Buffer.alloc(0);
  let total = 0;
  const push = (chunk: Uint8Array) => {
    total += chunk.length;
    if (total > MAX_LISTING) throw new FTPError('protocol', `${command}: more than ${MAX_LISTING} bytes`);
    const bytes = Buffer.concat([rest, chunk]);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      take(bytes.toString(encoding, from, end > from && bytes[end - 1] === 13 ? end - 1 : end));
      from = end + 1;
    }
    rest = bytes.subarray(from);
    if (rest.length > MAX_LINE)
      throw new FTPError('protocol', `${command}: a line has no end within ${MAX_LINE} bytes`);
  };
  const body = async (link: Link, stop: AbortSignal) => {
    const waits = { timeout: data_timeout, signal: stop };
    async function* chunks() {
      for (let chunk = await link.read(waits); chunk !== undefined; chunk = await link.read(waits))
        yield chunk;
    }
    if (session.is_mode_z) await inflate(chunks(), push, stop);
    else for await (const chunk of chunks()) push(chunk);
    if (rest.length > 0) take(rest.toString(encoding));
    if (!link.is_end_authentic)
      throw new FTPError('transfer', `${command}: the TLS connection was cut, entries may be missing`);
  };
  try {
    await session.transfer({ direction: 'download', command, offset: 0, signal }, body);
  } catch (error) {
    // 450 and 226 without a data connection: some servers' way to say that there is nothing.
    if (error instanceof FTPError && error.reply?.code === 450 && /no files/i.test(error.message)) return;
    throw error;
  }
}

/** Returns the entry of one path. @throws (rejects) FTPError 'not-found' */
export async function stat_of(
  session: Session,
  path: string,
  signal: AbortSignal | undefined,
): Promise<RemoteEntry> {
  if (session.has('MLST')) {
    const reply = await session.ask(`MLST ${path}`, signal);
    const entry = reply.lines
      .slice(1, -1)
      .map((line) => parse_facts(line.replace(/^ /, ''), { keep_self: true }))
      .find((found) => found !== undefined);
    if (entry === undefined) throw new FTPError('protocol', 'MLST: no facts in the answer', { reply });
    return { ...entry, name: remote_base(path) };
  }
  return by_probing(session, path, signal);
}

async function by_probing(
  session: Session,
  path: string,
  signal: AbortSignal | undefined,
): Promise<RemoteEntry> {
  const base = {
    name: remote_base(path),
    mode: undefined,
    owner: undefined,
    group: undefined,
    target: undefined,
    permissions: undefined,
  };
  await session.set_type('I', signal);
  const size = await session.control.command(`SIZE ${path}`, { signal });
  if (size.code === 213) {
    const time = await session.control.command(`MDTM ${path}`, { signal });
    const modified_ms = time.code === 213 ? parse_time((time.lines[0] ?? '').trim()) : undefined;
    return {
      ...base,
      type: 'file',
      size: Number(size.lines[0]),
      modified_ms,
      is_exact_time: modified_ms !== undefined,
    };
  }
  const before = quoted_path(await session.ask('PWD', signal));
  const folder = await session.control.command(`CWD ${path}`, { signal });
  if (folder.code >= 400) throw refusal(`stat ${path}`, size.code === 550 ? size : folder, 'not-found');
  if (before !== undefined) await session.ask(`CWD ${before}`, signal);
  return { ...base, type: 'dir', size: undefined, modified_ms: undefined, is_exact_time: false };
}
