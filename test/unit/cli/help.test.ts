// The --help of the commands: it is complete and true beside the parser and the tables of docs/command.md, and fits the terminal.
import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, test } from 'vitest';
import type { Command } from '../../../lib/cli/terminal/command.js';

const root = new URL('../../../', import.meta.url);
const page = readFileSync(new URL('docs/command.md', root), 'utf8');
const names = readdirSync(new URL('lib/cli/commands/', root)).map((file) => file.replace('.ts', ''));
const commands: readonly { readonly name: string; readonly command: Command }[] = await Promise.all(
  names.map(async (name) => ({
    name: name.replaceAll('_', '-'),
    command: (await import(`../../../lib/cli/commands/${name}.ts`)) as Command,
  })),
);

interface Row {
  readonly short: string | undefined;
  readonly long: string;
  readonly value: string | undefined;
  readonly text: string;
}

const OPTION =
  /^ {2}(?:-(?<short>\S), | {4})--(?<long>[a-z0-9-]+)(?: (?<value>\S+))?(?: {2,}(?<text>\S.*))?$/;
const title = (name: string) => ({ name, summary: 'do something' });

/** The rows of the options in a help. */
function rows_of({ name, command }: (typeof commands)[number]): Row[] {
  return command
    .help(title(name))
    .split('\n')
    .flatMap((line) => {
      const { short, long, value, text = '' } = OPTION.exec(line)?.groups ?? {};
      return long === undefined ? [] : [{ short, long, value, text }];
    });
}

/** The section of a command in the page. */
function section_of(name: string): string {
  const [, text = ''] = page.split(`\n## ${name}\n`);
  return text.split('\n## ')[0] ?? '';
}

const columns = process.stdout.columns;
afterEach(() => {
  process.stdout.columns = columns;
});

describe.each(commands)('$name', (one) => {
  const { name, command } = one;

  test('each option that the help names is one that the parser knows', async () => {
    const rows = rows_of(one);
    expect(rows.length).toBeGreaterThan(1);
    for (const { short, long, value } of rows) {
      if (long === 'help' || long === 'version') continue;
      for (const form of [short === undefined ? undefined : `-${short}`, `--${long}`]) {
        if (form === undefined) continue;
        // An option without its value, or a flag in front of an option that is not there.
        const call = () =>
          command.main(value === undefined ? [form, '--no-such-option'] : [form], title(name));
        const expected = value === undefined ? /unknown option --no-such-option/ : `needs a value: ${value}`;
        await expect(call, form).rejects.toThrow(expected);
      }
    }
  });

  test('each option of the help has its line in the page', () => {
    const section = section_of(name);
    const words = new Set(
      [...section.matchAll(/`([^`\n]+)`/g)].flatMap(([, text = '']) => text.split(/[\s,]+/)),
    );
    for (const { short, long } of rows_of(one)) {
      if (long === 'help' || long === 'version') continue;
      // traceroute's page has the two letters that are used together: -UL.
      const forms = [`--${long}`, ...(short === undefined ? [] : [`-${short}`, `-U${short}`])];
      const is_told = forms.some((form) => words.has(form) || section.includes(` ${form} `));
      expect(is_told, `${name}: ${forms.join(', ')}`).toBe(true);
    }
  });

  test('each option that the page has as the original has it is one of the help', () => {
    const known = new Set(rows_of(one).flatMap(({ short, long }) => [`-${short}`, `--${long}`]));
    const table = section_of(name)
      .split('\n')
      .filter((line) => line.startsWith('| `-'));
    for (const line of table) {
      const [left = '', right = ''] = line.slice(2).split(' | ');
      if (/^(not there|missing|refused)/.test(right)) continue;
      // Another option that stands for one of the original.
      const cell = right.startsWith('`') ? right : left;
      for (const [, option = ''] of cell.matchAll(/(?<=[`\s])(--?[A-Za-z0-9#][A-Za-z-]*)/g))
        expect(known, `${name} ${line}`).toContain(
          /^-[A-Za-z]{2,}$/.test(option) ? option.slice(0, 2) : option,
        );
    }
  });

  test.each([40, 60, 80, 200])('fits a terminal of %i columns', (width) => {
    process.stdout.columns = width;
    const lines = command.help(title(name)).split('\n');
    const usage = lines.indexOf('');
    for (const line of lines.slice(usage)) {
      const is_one_word = line.trim().split(/\s+/).length <= 3;
      if (!is_one_word) expect([...line].length, line).toBeLessThanOrEqual(Math.min(width, 100));
    }
    // The texts of options begin in one column.
    const texts = lines.filter((line) => /^ {2}(-\S, | {4})--/.test(line) && /\S {2,}\S/.test(line.slice(6)));
    const starts = new Set(texts.map((line) => /^.{6}\S+(?: \S+)? {2,}/.exec(line)?.[0].length));
    expect(starts.size).toBeLessThanOrEqual(1);
  });
});
