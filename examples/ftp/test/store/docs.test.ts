// docs/users_and_files.md names what there is: fields, permissions, metrics; and the numbers that it gives are those of the code.
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { METRICS } from '../../dist/guard/counters.js';
import { hash_password } from '../../dist/store/passwords.js';
import { PERMISSIONS, PRESETS } from '../../dist/store/permissions.js';
import { USER_FIELDS } from '../../dist/store/user_file.js';

const text = await readFile(new URL('../../docs/users_and_files.md', import.meta.url), 'utf8');

/** Words in code in the first column of a table with this head. */
function column(head: string): string[] {
  const rows = text.split(`| ${head} |`)[1]?.split('\n\n')[0]?.split('\n').slice(2) ?? [];
  return rows.flatMap((row) =>
    [...(row.split('|')[1] ?? '').matchAll(/`([a-z_]+)(\{[a-z]+\})?`/g)].map((match) => match[1] ?? ''),
  );
}

it('has all fields of a user, permissions and metrics, and no others', () => {
  expect(column('field').sort()).toEqual([...USER_FIELDS].sort());
  expect(column('permission').sort()).toEqual([...PERMISSIONS].sort());
  expect(column('metric').sort()).toEqual(Object.keys(METRICS).sort());
  for (const preset of Object.keys(PRESETS)) expect(text).toContain(`\`${preset}\``);
});

it('has the parameters of new passwords', async () => {
  const line = await hash_password('x');
  expect(text).toContain(line.split('$').slice(0, 4).join('$'));
});

it('its links lead somewhere', () => {
  const anchors = [...text.matchAll(/^## (.*)$/gm)].map((match) =>
    (match[1] ?? '').toLowerCase().replaceAll(' ', '-'),
  );
  for (const [, anchor] of text.matchAll(/\]\(#([^)]*)\)/g)) expect(anchors).toContain(anchor);
});
