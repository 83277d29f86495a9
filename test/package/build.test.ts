// binding.gyp, which makes what users get, and CMakeLists.txt, which makes what developers debug, must agree on whatever
// changes the meaning of the code.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from './tarball.js';

const read = (name: string) => readFileSync(join(root, name), 'utf8');

interface Target {
  defines: string[];
  cflags_cc: string[];
  ldflags: string[];
}

// Both have comments, and what binding.gyp runs (`<!@(…)`) has no counterpart.
const gyp = read('binding.gyp').replace(/^ *#.*/gm, '');
const target = (JSON.parse(gyp) as { targets: [Target] }).targets[0];
const flags = [...target.cflags_cc, ...target.ldflags].filter((flag) => !flag.startsWith('<!'));
const cmake = read('CMakeLists.txt').replace(/#.*/g, '');

it.each(target.defines)('CMakeLists.txt defines %s', (name) => {
  expect(cmake.split(/[\s()]+/)).toContain(name);
});

it.each(flags)('CMakeLists.txt has the equivalent of %s', (flag) => {
  const said_otherwise: Record<string, string> = {
    '-std=c++17': 'set(CMAKE_CXX_STANDARD 17)',
    '-fvisibility=hidden': 'set(CMAKE_CXX_VISIBILITY_PRESET hidden)',
    // A matter of the build type there.
    '-O2': '',
  };
  expect(cmake).toContain(said_otherwise[flag] ?? flag);
});
