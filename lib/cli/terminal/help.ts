// The text of --help, as wide as the terminal: the options in two columns, and where these have no room, each above its text.
import type { Definition, OptionTable, Title } from './options.js';
import { columns_of, wrapped } from './output.js';

/** The least and the most columns that are used of a terminal. */
const [LEAST, MOST] = [40, 100];
/** Columns for the texts of options; with less, each is below its option. */
const TEXT_LEAST = 36;
const INDENT = 8;

function terminal_columns(): number {
  return Math.min(MOST, Math.max(LEAST, columns_of(process.stdout)));
}

/** two_columns(rows) -> lines with the names and their texts. */
export function two_columns(rows: readonly (readonly [name: string, text: string])[]): string {
  const columns = terminal_columns();
  const width = Math.max(...rows.map(([name]) => name.length)) + 2;
  const is_narrow = columns - width < TEXT_LEAST;
  const indent = is_narrow ? INDENT : width;
  const lines = rows.flatMap(([name, text]) => {
    const [first = '', ...rest] = wrapped(text, columns - indent).map((line) => ' '.repeat(indent) + line);
    return is_narrow ? [name, first, ...rest] : [name + first.slice(name.length), ...rest];
  });
  return lines.join('\n');
}

/** paragraphs(text) -> the text with its lines broken anew; an empty line in it begins a new line. */
export function paragraphs(text: string): string {
  const columns = terminal_columns();
  return text
    .trim()
    .split('\n\n')
    .flatMap((each) => wrapped(each, columns))
    .join('\n');
}

const capitalized = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
const long_name = (name: string) => `--${name.replaceAll('_', '-')}`;

/** help_text(title, definition, options) -> the text of --help. @param options those of the command and of all commands */
export function help_text(
  { name, summary }: Title,
  { detail, usage, notes }: Definition<OptionTable>,
  options: OptionTable,
): string {
  const usage_lines = usage.map((form, i) => `${i === 0 ? 'Usage:' : '      '} bsd-sockets ${name} ${form}`);
  const rows = Object.entries(options).map(([long, { short, value, help, standard }]) => {
    const standard_text = standard === undefined || value === undefined ? '' : ` (${standard})`;
    const left = `  ${short ? `-${short}, ` : '    '}${long_name(long)}${value ? ` ${value}` : ''}`;
    return [left, help + standard_text] as const;
  });
  const parts = [
    usage_lines.join('\n'),
    paragraphs(capitalized(detail === undefined ? summary : `${summary}, ${detail}`)),
    `Options:\n${two_columns(rows)}`,
    notes === undefined ? '' : paragraphs(notes),
  ];
  return `${parts.filter(Boolean).join('\n\n')}\n`;
}
