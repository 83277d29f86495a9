// The layout and the build id: neither half can have another layout than the other.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, type TestContext, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'bsd-sockets-layout-'));
afterAll(() => rmSync(folder, { recursive: true }));

// A copy of all that the generator reads and writes.
for (const name of ['native', 'scripts', 'lib/native']) {
  cpSync(join(root, name), join(folder, name), { recursive: true });
}

const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const generate = () =>
  spawnSync(process.execPath, ['scripts/generate.mjs'], { cwd: folder, encoding: 'utf8' });
const sides = () => ['native/layout.h', 'lib/native/layout.ts'].map(read);

/** Runs `check` while a file of the copy has `to` in place of `from`. */
function with_change(name: string, from: string, to: string, check: () => void): void {
  const text = read(name);
  expect(text.split(from), `${from} stands once in ${name}`).toHaveLength(2);
  writeFileSync(join(folder, name), text.replace(from, to));
  try {
    check();
  } finally {
    writeFileSync(join(folder, name), text);
  }
}

describe('a change of the list', () => {
  test.each([
    {
      what: 'two fields of ReceivedRow swapped',
      from: '  int32 control_length\n  int32 flags\n  uint8 address',
      to: '  int32 flags\n  int32 control_length\n  uint8 address',
    },
    { what: 'a longer ticket', from: '  uint8 token[16]', to: '  uint8 token[20]' },
    { what: 'another number', from: '  NOT_FOUND |', to: '  NOT_FOUND = 5 |' },
    { what: 'one more cell', from: '  CELL_COUNT |', to: '  ANOTHER\n  CELL_COUNT |' },
  ])('is one of both halves: $what', ({ from, to }) => {
    with_change('native/layout.txt', from, to, () => {
      const before = sides();
      expect(generate()).toMatchObject({ status: 0, stderr: '' });
      for (const [index, text] of sides().entries()) expect(text).not.toBe(before[index]);
    });
    generate();
  });

  test.each([
    { what: 'an unknown type', from: '  int32 waiting', to: '  int waiting' },
    { what: 'a name that stands twice', from: '  NOT_FOUND |', to: '  NO_FAILURE |' },
    { what: 'a constant without a value', from: '  BATCH_LIMIT = 1024', to: '  BATCH_LIMIT' },
    { what: 'an unknown length', from: '  int32 cells[CELL_COUNT]', to: '  int32 cells[CELLS]' },
  ])('is refused: $what', ({ from, to }) => {
    with_change('native/layout.txt', from, to, () => {
      const before = sides();
      const { status, stderr } = generate();
      expect(status).toBe(1);
      expect(sides()).toEqual(before);
      expect(stderr).toContain('Error: native/layout.txt:');
    });
  });
});

describe('a change of one half alone', () => {
  const header = 'native/layout.h';
  /** @returns what the compiler says */
  function compile(ctx: TestContext): string {
    const compiler = process.env.CXX ?? 'g++';
    const options = ['-std=c++17', '-fsyntax-only', '-xc++', join(folder, header)];
    const { error, stderr } = spawnSync(compiler, options, { encoding: 'utf8' });
    if (error) ctx.skip(`${compiler} is not installed`);
    return stderr;
  }

  test.for([
    {
      what: 'two fields of ReceivedRow swapped',
      from: '  int32_t control_length;\n  int32_t flags;\n  std::array',
      to: '  int32_t flags;\n  int32_t control_length;\n  std::array',
    },
    { what: 'a longer ticket', from: 'std::array<uint8_t, 16> token', to: 'std::array<uint8_t, 20> token' },
    { what: 'a cell more', from: 'kCellCount = 11', to: 'kCellCount = 13' },
  ])('does not compile: $what', ({ from, to }, ctx) => {
    with_change(header, from, to, () => expect(compile(ctx)).toContain('static assertion failed'));
  });

  test('compiles as it is', (ctx) => {
    expect(compile(ctx)).toBe('');
  });
});

describe('the build id', async () => {
  const script = new URL('../../../scripts/build_id.mjs', import.meta.url).href;
  const { build_id } = (await import(script)) as { build_id(root: string): string };

  test('is that of the sources, in both halves', () => {
    expect(generate()).toMatchObject({ status: 0, stderr: '' });
    for (const name of ['native/build_id.h', 'lib/native/build_id.ts']) {
      expect(read(name)).toContain(build_id(folder));
    }
  });

  test.each([
    {
      what: 'two fields of ReceivedRow swapped',
      name: 'native/layout.h',
      from: '  int32_t control_length;\n  int32_t flags;\n  std::array',
      to: '  int32_t flags;\n  int32_t control_length;\n  std::array',
    },
    {
      what: 'a longer ticket',
      name: 'native/layout.h',
      from: 'uint8_t, 16> token',
      to: 'uint8_t, 20> token',
    },
    { what: 'another call', name: 'native/calls.h', from: 'X(sum_words,', to: 'X(sum,' },
    {
      what: 'another constant',
      name: 'native/constants/constants.inc',
      from: '{"SO_DEBUG",',
      to: '{"DEBUG",',
    },
    {
      what: 'fields of an address in another order',
      name: 'native/address_linux.cc',
      from: 'vsock->svm_cid = fields.Uint(0);',
      to: 'vsock->svm_cid = fields.Uint(1);',
    },
  ])('is another one after a change: $what', ({ name, from, to }) => {
    const before = build_id(folder);
    with_change(name, from, to, () => expect(build_id(folder)).not.toBe(before));
    expect(build_id(folder)).toBe(before);
  });

  test('is another one after a source is added', () => {
    const before = build_id(folder);
    writeFileSync(join(folder, 'native/added.cc'), '');
    expect(build_id(folder)).not.toBe(before);
    rmSync(join(folder, 'native/added.cc'));
    expect(build_id(folder)).toBe(before);
  });
});
