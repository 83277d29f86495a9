// The tables of the C headers for systems without the addon: on 64-bit Linux they are those of the addon.
import { endianness } from 'node:os';
import { expect, test } from 'vitest';
import { addon } from '../../../lib/native/addon.js';
import { common_constants, common_structs } from '../../../lib/native/tables.js';
import { is_glibc } from '../../machine.js';

const is_common = ['x64', 'arm64', 'riscv64', 'loong64'].includes(process.arch) && endianness() === 'LE';

test('lib/native/linux64.ts is as node scripts/linux64.mjs writes it', (ctx) => {
  if (!is_common || !is_glibc) ctx.skip('needs glibc and a processor with the common layouts');
  expect(common_structs()).toEqual(addon.structs());
  expect(common_constants()).toEqual(addon.constants());
});
