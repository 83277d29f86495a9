// Commands about the server and the session: HELP, FEAT, OPTS, SITE, STAT, SYST, NOOP, CLNT, LANG, HOST.
import { decode_facts, encode_facts, feature_of_facts } from '../../protocol/facts.js';
import { printable, type Reply, reply } from '../../protocol/replies.js';
import { decode_time } from '../../protocol/times.js';
import type { HashName } from '../../store/types.js';
import type { Session } from '../session.js';
import { type Command, type Commands, shown_name } from './command.js';
import { list_lines, listed } from './listings.js';

const HASHES: readonly HashName[] = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'];
/** Lines of STAT of a directory: the control connection is not for more. */
const MAX_STAT_LINES = 1000;

function features({ parameters, arrival }: Session): string[] {
  const tls = arrival.listen.tls === 'none' ? [] : ['AUTH TLS', 'PBSZ', 'PROT'];
  return [
    ...tls,
    'CLNT',
    'EPRT',
    'EPSV',
    `HASH ${HASHES.map((name) => `${name}${name === parameters.hash ? '*' : ''}`).join(';')}`,
    'LANG EN*',
    'MDTM',
    'MFMT',
    feature_of_facts(parameters.facts),
    'MODE Z',
    'RANG STREAM',
    'REST STREAM',
    'SIZE',
    'TVFS',
    'UTF8',
  ];
}

function opts_hash({ parameters }: Session, argument: string): Reply {
  if (argument === '') return reply(200, parameters.hash);
  const name = HASHES.find((hash) => hash === argument.toUpperCase());
  if (name === undefined) return reply(504, `HASH is one of ${HASHES.join(', ')}.`);
  parameters.hash = name;
  return reply(200, name);
}

function opts_mode({ parameters }: Session, argument: string): Reply {
  const level = /^Z LEVEL (\d)$/i.exec(argument)?.[1];
  if (level === undefined) return reply(501, 'OPTS MODE Z LEVEL 0 to 9.');
  parameters.level = Number(level);
  return reply(200, `MODE Z LEVEL is ${level}.`);
}

const OPTIONS: Readonly<Record<string, (session: Session, argument: string) => Reply>> = {
  UTF8: (_session, argument) =>
    argument === '' || argument.toUpperCase() === 'ON'
      ? reply(200, 'UTF8 is always on.')
      : reply(504, 'UTF8 cannot be turned off.'),
  MLST: ({ parameters }, argument) => {
    parameters.facts = decode_facts(argument);
    return reply(200, `MLST OPTS ${encode_facts(parameters.facts)}`.trimEnd());
  },
  HASH: opts_hash,
  MODE: opts_mode,
};

/** Splits at the first space. */
function split(text: string): [word: string, rest: string] {
  const [word = ''] = text.split(' ', 1);
  return [word.toUpperCase(), text.slice(word.length).trim()];
}

/** SITE's own commands. */
const SITE: Commands = {
  CHMOD: {
    syntax: '<mode, octal> <path>',
    argument: 'required',
    async run(session, argument) {
      const found = /^([0-7]{3,4}) (.+)$/.exec(argument);
      if (found === null) return reply(501, 'SITE CHMOD needs a mode of octal digits, and a path.');
      session.need('modify');
      const [, mode = '', path = ''] = found;
      await session.files.set_mode(session.path(path), Number.parseInt(mode, 8));
      return reply(200, 'The mode is set.');
    },
  },
  UTIME: {
    syntax: '<YYYYMMDDHHMMSS> <path>, or <path> <atime> <mtime> <ctime> UTC',
    argument: 'required',
    async run(session, argument) {
      const short = /^(\d{14}|\d{12}) (.+)$/.exec(argument);
      const long = /^(.+) \d{14} (\d{14}) \d{14} UTC$/i.exec(argument);
      const [time, path] = long !== null ? [long[2], long[1]] : [short?.[1], short?.[2]];
      // The shorter form may leave the seconds out.
      const decoded = time === undefined ? undefined : decode_time(time.padEnd(14, '0'));
      if (decoded === undefined || path === undefined)
        return reply(501, 'SITE UTIME needs a time, YYYYMMDDHHMMSS, and a path.');
      session.need('modify');
      await session.files.set_modified(session.path(path), decoded);
      return reply(200, 'The time is set.');
    },
  },
  QUOTA: {
    syntax: '',
    argument: 'none',
    async run(session) {
      const { bytes, files, max_bytes, max_files } = await session.files.usage();
      const of = (most: number) => (Number.isFinite(most) ? String(most) : 'no limit');
      return reply(
        200,
        'What the home holds:',
        `bytes ${bytes} of ${of(max_bytes)}`,
        `files ${files} of ${of(max_files)}`,
        'End',
      );
    },
  },
  HELP: { syntax: '', argument: 'optional', run: () => site_help() },
};

function site_help(): Reply {
  const lines = Object.entries(SITE).map(([name, { syntax }]) => `SITE ${name} ${syntax}`.trimEnd());
  return reply(214, 'SITE has these:', ...lines, 'End');
}

/** The state of the session, or of the transfer that runs. */
export function status(session: Session): Reply {
  const { transfer, parameters, control, user, channel, arrival } = session;
  const { secure } = control;
  const of = transfer?.size === undefined ? '' : ` of ${transfer.size}`;
  return reply(
    211,
    'Status:',
    `Connected from ${arrival.address}`,
    user === undefined ? 'Not logged in' : `Logged in as ${user.name}, directory ${session.directory}`,
    `TYPE ${parameters.type}, MODE ${parameters.mode}, STRU F`,
    secure === undefined
      ? 'Control connection: plain'
      : `Control connection: ${secure.version()}, ${secure.cipher()[0]}`,
    `Data connections: ${session.protection === 'P' ? 'protected' : 'plain'}; ${channel?.description ?? 'none is open'}`,
    transfer === undefined
      ? 'No transfer runs'
      : `${transfer.direction} of ${transfer.path}: ${transfer.meter.bytes}${of} bytes in ${transfer.meter.seconds.toFixed(1)} s`,
    'End',
  );
}

async function status_of(session: Session, argument: string): Promise<Reply> {
  const { path, entries } = await listed(session, argument);
  const { type } = await session.files.stat(path);
  const lines: string[] = [];
  for await (const line of list_lines(entries)) {
    if (lines.length === MAX_STAT_LINES) {
      lines.push(`and more than these ${MAX_STAT_LINES}: use LIST`);
      break;
    }
    lines.push(line);
  }
  return reply(type === 'dir' ? 212 : 213, `Status of ${shown_name(path)}:`, ...lines, 'End');
}

const NOOP: Command = {
  syntax: '',
  argument: 'optional',
  before_login: true,
  run: () => reply(200, 'OK.'),
};

export const service: Commands = {
  NOOP,
  SYST: {
    syntax: '',
    argument: 'none',
    before_login: true,
    run: () => reply(215, 'UNIX Type: L8'),
  },
  FEAT: {
    syntax: '',
    argument: 'none',
    before_login: true,
    run: (session) => reply(211, 'Features:', ...features(session), 'End'),
  },
  OPTS: {
    syntax: '<name> [<value>]',
    argument: 'required',
    before_login: true,
    run(session, argument) {
      const [name, value] = split(argument);
      const set = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
      return set?.(session, value) ?? reply(501, `OPTS has no ${shown_name(name)}.`);
    },
  },
  SITE: {
    syntax: '<command>',
    argument: 'required',
    async run(session, argument) {
      const [name, value] = split(argument);
      const command = Object.hasOwn(SITE, name) ? SITE[name] : undefined;
      if (command === undefined) return reply(504, 'Unknown: SITE HELP tells what there is.');
      if (command.argument === 'required' && value === '')
        return reply(501, `SITE ${name} ${command.syntax}`);
      return command.run(session, value);
    },
  },
  STAT: {
    syntax: '[<path>]',
    argument: 'optional',
    refusal: 450,
    run: (session, argument) => (argument === '' ? status(session) : status_of(session, argument)),
  },
  CLNT: {
    syntax: '<name>',
    argument: 'required',
    before_login: true,
    run(session, argument) {
      session.client_name = printable(argument.slice(0, 100));
      return reply(200, 'Noted.');
    },
  },
  LANG: {
    syntax: '[<language>]',
    argument: 'optional',
    before_login: true,
    run: (_session, argument) =>
      /^(?:|en(?:-[a-z]+)?)$/i.test(argument.trim()) ? reply(200, 'English.') : reply(504, 'Only LANG EN.'),
  },
  HOST: {
    syntax: '<name>',
    argument: 'required',
    before_login: true,
    run: () => reply(502, 'All names have the same files.'),
  },
};
