import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { check_config } from '../../dist/config/config.js';

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../../${name}`, import.meta.url)), 'utf8');

/** The last names of all keys: those of objects are in front of their own. */
function keys(value: object): string[] {
  return Object.entries(value).flatMap(([key, inner]) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner) ? keys(inner) : [key],
  );
}

test('the example is right', () => {
  const config = check_config(JSON.parse(read('ftpd.json')), '/etc');
  expect(config).toMatchObject({ kind: 'loop', users: '/etc/users.json', limits: { max_connections: 1000 } });
});

test('README.md has every key of the configuration', () => {
  const text = read('README.md');
  const listen = [{ port: 21, tls: 'explicit' }];
  const tls = { key: 'k', cert: 'c' };
  const config = check_config({ listen, tls, users: 'u', proxy_protocol: { trusted: ['::1'] } }, '/etc');
  const missing = [...keys(config), ...keys(config.listen[0] ?? {})].filter(
    (key) => !new RegExp(`[\`.{ ]${key}\\b`).test(text),
  );
  expect(missing).toEqual([]);
});
