// Listings of servers: MLSD and MLST (RFC 3659), and LIST in the two forms that servers have for it, that of `ls -l` and that of DOS. Lines are
// untrusted: what is no entry gives undefined, and names are as the server sent them (names.ts of the client says which are safe).

/** A file or folder of a server. What the server did not say is undefined. */
export interface RemoteEntry {
  readonly name: string;
  readonly type: 'file' | 'dir' | 'link' | 'other';
  /** bytes */
  readonly size: number | undefined;
  /** ms since 1970 */
  readonly modified_ms: number | undefined;
  /** whether `modified_ms` is exact and UTC (MLSD). LIST has minutes or days, in the server's time zone. */
  readonly is_exact_time: boolean;
  /** permission bits, as chmod's */
  readonly mode: number | undefined;
  readonly owner: string | undefined;
  readonly group: string | undefined;
  /** where a symbolic link leads */
  readonly target: string | undefined;
  /** MLSD's `perm` */
  readonly permissions: string | undefined;
}

/** Returns the time of MDTM, MFMT and facts, YYYYMMDDHHMMSS with a fraction, in ms since 1970; undefined if it is none. RFC 3659, section 2.3. */
export function parse_time(text: string): number | undefined {
  const found = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.(\d{1,9}))?$/.exec(text);
  if (found === null) return undefined;
  const [year, month, day, hour, minute, second] = found.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 60)
    return undefined;
  const fraction = found[7] === undefined ? 0 : Math.floor(Number(`0.${found[7]}`) * 1000);
  return Date.UTC(year, month - 1, day, hour, minute, second, fraction);
}

/** Returns a time in the form of MFMT, whole seconds. */
export function format_time(ms: number): string {
  return new Date(Math.floor(ms / 1000) * 1000).toISOString().replace(/[-:T]/g, '').slice(0, 14);
}

/** Returns the entry of one line of MLSD or MLST; undefined for the folder itself, the one above it, and what is no line of facts. */
export function parse_facts(line: string, options: { keep_self?: boolean } = {}): RemoteEntry | undefined {
  const space = line.indexOf(' ');
  if (space < 0 || space === line.length - 1) return undefined;
  const facts = new Map<string, string>();
  for (const fact of line.slice(0, space).split(';')) {
    const equals = fact.indexOf('=');
    if (equals > 0) facts.set(fact.slice(0, equals).toLowerCase(), fact.slice(equals + 1));
  }
  if (facts.size === 0) return undefined;
  const kind = facts.get('type') ?? 'file';
  const lower = kind.toLowerCase();
  if ((lower === 'cdir' || lower === 'pdir') && options.keep_self !== true) return undefined;
  const size = facts.get('size') ?? facts.get('sizd');
  const modified = facts.get('modify');
  const modified_ms = modified === undefined ? undefined : parse_time(modified);
  const mode = facts.get('unix.mode');
  const target = /^os\.unix=(?:slink|symlink):(.+)$/i.exec(kind)?.[1];
  return {
    name: line.slice(space + 1),
    type: type_of_fact(lower),
    size: size !== undefined && /^\d{1,16}$/.test(size) ? Number(size) : undefined,
    modified_ms,
    is_exact_time: modified_ms !== undefined,
    mode: mode !== undefined && /^[0-7]{3,6}$/.test(mode) ? Number.parseInt(mode, 8) & 0o7777 : undefined,
    owner: facts.get('unix.ownername') ?? facts.get('unix.owner') ?? facts.get('unix.uid'),
    group: facts.get('unix.groupname') ?? facts.get('unix.group') ?? facts.get('unix.gid'),
    target,
    permissions: facts.get('perm'),
  };
}

function type_of_fact(kind: string): RemoteEntry['type'] {
  if (kind === 'file') return 'file';
  if (kind === 'dir' || kind === 'cdir' || kind === 'pdir') return 'dir';
  return /^os\.unix=(slink|symlink)/.test(kind) ? 'link' : 'other';
}

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAY_MS = 24 * 3600 * 1000;

// The group is missing on some servers; device files have two numbers in place of a size. One space is before the name, the others are its own.
const UNIX =
  /^([-bcdlpsD])([-rwxsStTlL]{9})[.+@]?\s+\S+\s+(\S+)\s+(?:(\S+)\s+)??(?:(\d+),\s*\d+|(\d{1,16}))\s+([A-Za-z]{3})\s+(\d{1,2})\s+(?:(\d{1,2}):(\d{2})|(\d{4})) (.+)$/s;
const DOS =
  /^(\d{1,2})-(\d{1,2})-(\d{4}|\d{2})\s+(\d{1,2}):(\d{2})\s*([AaPp])?[Mm]?\s+(?:(<DIR>|<JUNCTION>|<SYMLINKD?>)\s{1,10}|([\d,.]{1,20}) )(.+)$/s;

/**
 * Returns the entry of one line of LIST; undefined if the line is none ("total 4", "." and "..").
 *
 * @param line without its end
 * @param now_ms the time now, by which a date without a year gets one
 */
export function parse_list_line(line: string, now_ms: number = Date.now()): RemoteEntry | undefined {
  const entry = unix_entry(line, now_ms) ?? dos_entry(line);
  return entry === undefined || entry.name === '.' || entry.name === '..' ? undefined : entry;
}

function unix_entry(line: string, now_ms: number): RemoteEntry | undefined {
  const found = UNIX.exec(line);
  if (found === null) return undefined;
  const [, kind, bits, owner, group, , size, month, day, hour, minute, year, rest] = found;
  const month_index = MONTHS.indexOf((month ?? '').toLowerCase());
  if (month_index < 0 || rest === undefined || bits === undefined) return undefined;
  const is_link = kind === 'l';
  const arrow = is_link ? rest.indexOf(' -> ') : -1;
  return {
    name: arrow < 0 ? rest : rest.slice(0, arrow),
    type: kind === '-' ? 'file' : kind === 'd' ? 'dir' : is_link ? 'link' : 'other',
    size: size === undefined ? undefined : Number(size),
    modified_ms:
      year === undefined
        ? recent(now_ms, month_index, Number(day), Number(hour), Number(minute))
        : Date.UTC(Number(year), month_index, Number(day)),
    is_exact_time: false,
    mode: mode_of(bits),
    owner,
    group,
    target: arrow < 0 ? undefined : rest.slice(arrow + 4),
    permissions: undefined,
  };
}

/** A date without a year is the last one there was, with a day's grace for time zones. */
function recent(now_ms: number, month: number, day: number, hour: number, minute: number): number {
  const year = new Date(now_ms).getUTCFullYear();
  const at = Date.UTC(year, month, day, hour, minute);
  return at > now_ms + DAY_MS ? Date.UTC(year - 1, month, day, hour, minute) : at;
}

function mode_of(bits: string): number {
  let mode = 0;
  for (const [index, bit] of [...bits].entries()) {
    if (!'-STL'.includes(bit) || (index % 3 === 2 && bit === 'x')) mode |= 0o400 >> index;
    if (index % 3 === 2 && 'sStTlL'.includes(bit)) mode |= 0o4000 >> ((index - 2) / 3);
  }
  return mode;
}

function dos_entry(line: string): RemoteEntry | undefined {
  const found = DOS.exec(line);
  if (found === null) return undefined;
  const [, month, day, short_year, hour, minute, half, mark, size, name] = found;
  let year = Number(short_year);
  if (year < 100) year += year < 70 ? 2000 : 1900;
  let hours = Number(hour);
  if (half !== undefined) hours = (hours % 12) + (half.toLowerCase() === 'p' ? 12 : 0);
  return {
    name: name ?? '',
    type: mark === undefined ? 'file' : mark === '<DIR>' ? 'dir' : 'link',
    size: size === undefined ? undefined : Number(size.replace(/[,.]/g, '')),
    modified_ms: Date.UTC(year, Number(month) - 1, Number(day), hours, Number(minute)),
    is_exact_time: false,
    mode: undefined,
    owner: undefined,
    group: undefined,
    target: undefined,
    permissions: undefined,
  };
}
