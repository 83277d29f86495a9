// Times in names of files, by the conversions of strftime(3): x-%Y%m%d-%H%M%S.pcap.

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const DAY_MS = 86_400_000;

const padded = (value: number, width = 2, fill = '0') => String(value).padStart(width, fill);
const day_of_year = (date: Date) =>
  Math.round(
    (Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) - Date.UTC(date.getFullYear(), 0, 1)) /
      DAY_MS,
  ) + 1;
const hour12 = (date: Date) => date.getHours() % 12 || 12;
/** Returns the week of the year; the first one begins with the first `first` (0: Sunday) of the year. */
const week = (date: Date, first: number) =>
  Math.floor((day_of_year(date) + 6 - ((date.getDay() - first + 7) % 7)) / 7);

/** Returns the difference from UTC as "+0100". */
function zone_offset(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${padded(Math.floor(size / 60))}${padded(size % 60)}`;
}

/** Returns the week that ISO 8601 counts, and its year. */
function iso_week(date: Date): readonly [year: number, week: number] {
  // The week belongs to the year of its Thursday.
  const thursday = new Date(date.getFullYear(), date.getMonth(), date.getDate() + 4 - (date.getDay() || 7));
  return [thursday.getFullYear(), Math.floor((day_of_year(thursday) - 1) / 7) + 1];
}

/** The text of each conversion; those of a string stand for other conversions. */
const CONVERSIONS: Readonly<Record<string, string | ((date: Date) => string)>> = {
  '%': () => '%',
  n: () => '\n',
  t: () => '\t',
  a: (date) => (DAYS[date.getDay()] ?? '').slice(0, 3),
  A: (date) => DAYS[date.getDay()] ?? '',
  b: (date) => (MONTHS[date.getMonth()] ?? '').slice(0, 3),
  B: (date) => MONTHS[date.getMonth()] ?? '',
  C: (date) => padded(Math.floor(date.getFullYear() / 100)),
  d: (date) => padded(date.getDate()),
  e: (date) => padded(date.getDate(), 2, ' '),
  g: (date) => padded(iso_week(date)[0] % 100),
  G: (date) => String(iso_week(date)[0]),
  H: (date) => padded(date.getHours()),
  I: (date) => padded(hour12(date)),
  j: (date) => padded(day_of_year(date), 3),
  k: (date) => padded(date.getHours(), 2, ' '),
  l: (date) => padded(hour12(date), 2, ' '),
  m: (date) => padded(date.getMonth() + 1),
  M: (date) => padded(date.getMinutes()),
  p: (date) => (date.getHours() < 12 ? 'AM' : 'PM'),
  P: (date) => (date.getHours() < 12 ? 'am' : 'pm'),
  s: (date) => String(Math.floor(date.getTime() / 1000)),
  S: (date) => padded(date.getSeconds()),
  u: (date) => String(date.getDay() || 7),
  U: (date) => padded(week(date, 0)),
  V: (date) => padded(iso_week(date)[1]),
  w: (date) => String(date.getDay()),
  W: (date) => padded(week(date, 1)),
  y: (date) => padded(date.getFullYear() % 100),
  Y: (date) => String(date.getFullYear()),
  z: zone_offset,
  Z: (date) =>
    /\(([A-Z]{1,5})\)|\b([A-Z]{3,5})$/.exec(zone_name(date))?.slice(1).find(Boolean) ?? zone_offset(date),
  c: '%a %b %e %H:%M:%S %Y',
  D: '%m/%d/%y',
  F: '%Y-%m-%d',
  h: '%b',
  r: '%I:%M:%S %p',
  R: '%H:%M',
  T: '%H:%M:%S',
  x: '%m/%d/%y',
  X: '%H:%M:%S',
};

const zone_name = (date: Date) => date.toLocaleTimeString('en-US', { timeZoneName: 'short' });

/**
 * with_time(pattern, date) -> the pattern with its conversions replaced by the local time, as strftime(3) does in the C locale. What is
 * no conversion stays.
 */
export function with_time(pattern: string, date: Date): string {
  return pattern.replace(/%([%a-zA-Z])/g, (all, letter: string) => {
    const conversion = CONVERSIONS[letter];
    if (conversion === undefined) return all;
    return typeof conversion === 'string' ? with_time(conversion, date) : conversion(date);
  });
}
