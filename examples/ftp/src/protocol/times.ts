// Times in commands, replies and listings: those of RFC 3659 (YYYYMMDDHHMMSS.sss, UTC), and of `ls -l`. Pure functions.

/** Returns a time as RFC 3659 writes it. @param time_ms ms since 1970 @param fraction true for milliseconds behind a point */
export function encode_time(time_ms: number, fraction = false): string {
  const digits = new Date(time_ms).toISOString().replace(/[^\d]/g, '');
  return fraction ? `${digits.slice(0, 14)}.${digits.slice(14, 17)}` : digits.slice(0, 14);
}

/** Returns the ms since 1970 of a time of RFC 3659; undefined if it is none. */
export function decode_time(text: string): number | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?$/.exec(text);
  if (found === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map(Number);
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60) return undefined;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  if (date.getUTCDate() !== day) return undefined;
  date.setUTCHours(hour, minute, second, Math.floor(Number(`0.${found[7] ?? 0}`) * 1000));
  return date.getTime();
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const HALF_A_YEAR_MS = 182 * 86_400_000;

/** Returns the time of a line of `ls -l`, UTC: with the hour, or with the year if it is more than half a year away. */
export function list_time(time_ms: number, now_ms: number): string {
  const date = new Date(time_ms);
  const day = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  if (time_ms > now_ms + 86_400_000 || now_ms - time_ms > HALF_A_YEAR_MS)
    return `${day}  ${String(date.getUTCFullYear()).padStart(4, '0')}`;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}
