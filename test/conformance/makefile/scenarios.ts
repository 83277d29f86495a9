/**
 * The scenarios of makefile.test.ts: what is run in CPython and here, and must come out the same.
 */
import type { Plan } from '../../unit/files/makefile_socket.js';

export type Operation = [name: string, ...args: unknown[]];

export interface Scenario {
  title: string;
  /** The minor version of Python 3 that is the first to have it so. */
  since?: number;
  makefile: unknown[];
  options?: Record<string, unknown>;
  /** What arrives, hexadecimal. */
  input?: string;
  /** More may arrive: the input is not followed by the end of the stream. */
  open?: boolean;
  receives?: Plan;
  sends?: Plan;
  do: Operation[];
}

/** Bytes as argument. */
export interface BytesArgument {
  bytes: string;
}

const hex = (data: string | readonly number[]): string =>
  (typeof data === 'string' ? Buffer.from(data) : Buffer.from(data)).toString('hex');
const bytes = (data: string | readonly number[]): BytesArgument => ({ bytes: hex(data) });

const scenarios: Scenario[] = [];

function add(title: string, scenario: Omit<Scenario, 'title'>): void {
  scenarios.push({ title, ...scenario });
}

/** A write that fills the buffer is sent at once. */
const FILLED_IS_SENT = 13;
/** A utf-16 stream without a byte order mark is a UnicodeDecodeError. */
const NO_BOM_IS_DECODE_ERROR = 13;

/** A write leaves the text that was decoded already. */
const WRITE_KEEPS_WHAT_WAS_READ = 13;

const times = (count: number, ...operation: Operation): Operation[] => Array(count).fill(operation);
const gets = (...names: string[]): Operation[] => names.map((name) => ['get', name]);

// Modes and arguments.
for (const mode of [
  'r',
  'w',
  'rw',
  'wr',
  'b',
  'rb',
  'br',
  'wb',
  'bw',
  'rwb',
  'wbr',
  'bwr',
  '',
  'rr',
  'x',
  'rU',
  'r+',
  'a',
  'R',
]) {
  for (const buffering of [null, -1, -5, 0, 1, 7]) {
    const calls: Operation[] = [['readable'], ['writable'], ['seekable'], ['isatty']];
    add(`makefile('${mode}', ${buffering})`, {
      makefile: [mode, buffering],
      do: mode.match(/[^rwb]/) ? [] : calls,
    });
  }
}
add('a mode that is no string', { makefile: [5], do: [] });
add('a fraction as buffering', { makefile: ['rb', 1.5], do: [] });
add('a string as buffering', { makefile: ['rb', '1'], do: [] });
const odd_options: Record<string, unknown>[] = [
  { encoding: 'no-such-encoding' },
  { encoding: '' },
  { encoding: 5 },
  { errors: 5 },
  { newline: 'x' },
  { newline: '\n\r' },
  { newline: 5 },
];
for (const options of odd_options) {
  add(`text with ${JSON.stringify(options)}`, { makefile: ['r'], options, do: [] });
  add(`bytes with ${JSON.stringify(options)}`, { makefile: ['rb'], options, do: [['read']] });
}
for (const mode of ['r', 'w', 'rw']) {
  add(`attributes in mode ${mode}`, {
    makefile: [mode],
    do: [...gets('encoding', 'errors', 'newlines', 'line_buffering', 'write_through', 'mode', 'closed')],
  });
}
for (const mode of ['rb', 'wb'])
  add(`attributes in mode ${mode}`, { makefile: [mode], do: gets('mode', 'closed') });
for (const mode of ['rb', 'wb', 'rwb'])
  add(`raw attributes in mode ${mode}`, { makefile: [mode, 0], do: gets('mode', 'closed') });

// What a file of each mode cannot do, what it does once closed, and once detached.
const everything = (mode: string): Operation[] => [
  ['read'],
  ['read', 0],
  ['read', 3],
  ['readline'],
  ['readlines'],
  ['list'],
  ['next'],
  ['write', mode.includes('b') ? bytes('x') : 'x'],
  ['writelines', []],
  ['flush'],
  ['readable'],
  ['writable'],
  ['seekable'],
  ['isatty'],
  ['tell'],
  ['seek', 0],
  ['truncate'],
  ...((mode.includes('b')
    ? [
        ['read1', 2],
        ['fill', 'readinto', 4],
        ['fill', 'readinto1', 4],
      ]
    : [['reconfigure', {}]]) satisfies Operation[]),
];
for (const mode of ['r', 'w', 'rw', 'rb', 'wb', 'rwb']) {
  const all = everything(mode);
  add(`everything in mode ${mode}`, { makefile: [mode], input: hex('one\ntwo\nthree\n'), do: all });
  add(`everything in mode ${mode}, closed`, {
    makefile: [mode],
    do: [['close'], ['close'], ...all, ['detach'], ...gets('closed')],
  });
  if (mode !== 'rwb') {
    add(`everything in mode ${mode}, detached`, {
      makefile: [mode],
      do: [['detach'], ...all, ['detach'], ['close'], ...gets('closed')],
    });
  }
  add(`a socket closed before its file in mode ${mode}`, {
    makefile: [mode],
    do: [['socket', 'close'], ['descriptor'], ['close'], ['descriptor'], ['close']],
  });
}
for (const mode of ['rb', 'wb', 'rwb']) {
  const all = everything(mode).filter(([name]) => name !== 'read1' && name !== 'fill');
  add(`everything in raw mode ${mode}`, { makefile: [mode, 0], input: hex('one\ntwo\nthree\n'), do: all });
  add(`everything in raw mode ${mode}, closed`, {
    makefile: [mode, 0],
    do: [['close'], ['close'], ...all, ...gets('name', 'closed')],
  });
}
add('writelines', {
  makefile: ['w'],
  do: [['writelines', ['a\n', 'b', '']], ['received'], ['flush'], ['received']],
});
add('writelines of bytes', {
  makefile: ['wb'],
  do: [['writelines', [bytes('a\n'), bytes('b')]], ['close'], ['received']],
});
add('text to a binary file', {
  makefile: ['wb'],
  do: [
    ['write', 'text'],
    ['write', 5],
    ['write', null],
    ['writelines', ['a']],
  ],
});
add('bytes to a text file', {
  makefile: ['w'],
  do: [
    ['write', bytes('a')],
    ['write', 5],
    ['write', null],
    ['writelines', [bytes('a')]],
  ],
});
add('text to a raw file', {
  makefile: ['wb', 0],
  do: [['write', 'text'], ['write', bytes('ab')], ['received']],
});

// Sizes that are no sizes.
for (const size of [-2, 1.5, '1']) {
  for (const [mode, names] of [
    ['rb', ['read', 'read1', 'peek', 'readline', 'readlines']],
    ['r', ['read', 'readline', 'readlines']],
  ] as const) {
    for (const name of names) {
      const title = `${name}(${JSON.stringify(size)}) in mode ${mode}`;
      add(title, { makefile: [mode], input: hex('one\ntwo\n'), do: [[name, size], ['read']] });
    }
  }
}

// Reading bytes, with arrivals cut in pieces and buffers of several sizes.
const text = 'one\ntwo\n\nthree is longer\nfour\nthe end';
const plans: Plan[] = [[], Array(60).fill(1), Array(30).fill(3), [5, 1, 9], [4, 4, 1, 16]];
const reads: Operation[][] = [
  [['list']],
  [['read'], ['read']],
  [...times(8, 'readline')],
  [...times(14, 'readline', 4)],
  [...times(4, 'readline', 0), ['readline', 1], ['read', 2], ['readline']],
  [
    ['readlines', 1],
    ['readlines', 4],
    ['readlines', 5],
    ['readlines', 17],
    ['readlines', 0],
  ],
  [
    ['read', 0],
    ['read', 1],
    ['read', 5],
    ['read', 12],
    ['read', 100],
    ['read', 1],
  ],
  [['read', 3], ['readline'], ['read']],
  [['next'], ['read', 2], ['next'], ['list'], ['next']],
];
const byte_reads: Operation[][] = [
  [
    ['peek'],
    ['read', 2],
    ['peek', 1],
    ['read', 4],
    ['peek', 100],
    ['readline'],
    ['peek'],
    ['read'],
    ['peek'],
  ],
  [['read1'], ['read1', 3], ['read1', 0], ['read1', 100], ['readline'], ['read1', 1], ['read']],
  [
    ['fill', 'readinto', 3],
    ['fill', 'readinto', 6],
    ['fill', 'readinto', 0],
    ['fill', 'readinto', 50],
    ['fill', 'readinto', 2],
  ],
  [
    ['fill', 'readinto1', 3],
    ['fill', 'readinto1', 6],
    ['readline'],
    ['fill', 'readinto1', 50],
    ['fill', 'readinto1', 50],
  ],
];
for (const [p, receives] of plans.entries()) {
  for (const buffering of [-1, 1, 5, 16]) {
    for (const [r, operations] of [...reads, ...byte_reads].entries()) {
      for (const mode of ['rb', 'rwb']) {
        // CPython's BufferedRWPair.readline(size) gives more than `size` bytes where a line arrives in pieces.
        if (mode === 'rwb' && operations.some(([name, size]) => name === 'readline' && Number(size) > 0))
          continue;
        add(`reads ${r} of bytes, plan ${p}, buffer ${buffering}, mode ${mode}`, {
          makefile: [mode, buffering],
          input: hex(text),
          receives,
          do: operations,
        });
      }
    }
  }
  for (const [r, operations] of reads.entries()) {
    add(`reads ${r} of a raw file, plan ${p}`, {
      makefile: ['rb', 0],
      input: hex(text),
      receives,
      do: operations,
    });
  }
}

// Sockets that do not block, and time-outs.
const gaps: Plan[] = [
  ['block'],
  [2, 'block'],
  [4, 'block', 1, 'block', 'block', 9],
  ['block', 'block', 'block', 'block', 3, 'block'],
];
for (const [g, receives] of gaps.entries()) {
  for (const [r, operations] of [...reads, ...byte_reads].entries()) {
    add(`reads ${r} of bytes, not blocking ${g}`, {
      makefile: ['rb'],
      input: hex(text),
      receives,
      do: operations,
    });
    add(`reads ${r} of bytes, not blocking ${g}, small buffer`, {
      makefile: ['rb', 4],
      input: hex(text),
      receives,
      do: operations,
    });
  }
  for (const operations of [
    [['readline'], ['readline'], ['readline']],
    [
      ['read', 4],
      ['read', 4],
    ],
    [['list']],
  ] as Operation[][]) {
    add(`text, not blocking ${g}: ${operations[0]?.[0]}`, {
      makefile: ['r'],
      input: hex(text),
      receives,
      do: operations,
    });
  }
}
for (const mode of ['rb', 'r', 'rwb', 'rw']) {
  add(`a time-out in mode ${mode}`, {
    makefile: [mode],
    input: hex(text),
    receives: [6, 'timeout', 7],
    do: [['readline'], ['read', 20], ['readline'], ['readline'], ['read', 1000]],
  });
}
add('a time-out of a raw file', {
  makefile: ['rb', 0],
  input: hex(text),
  receives: [2, 'timeout'],
  do: [...times(4, 'read', 3)],
});

// Writing bytes.
const writes: Operation[][] = [
  [['write', bytes('ab')], ['received'], ['write', bytes('cdef')], ['received'], ['flush'], ['received']],
  [...'abcdefghijkl'].flatMap((c): Operation[] => [['write', bytes(c)], ['received']]),
  [
    ['write', bytes('abcdefgh')],
    ['received'],
    ['write', bytes('i')],
    ['received'],
    ['write', bytes('jklmnopqrst')],
    ['received'],
    ['close'],
    ['received'],
  ],
  [
    ['write', bytes('')],
    ['flush'],
    ['write', bytes('abcdefg')],
    ['received'],
    ['write', bytes('h')],
    ['received'],
    ['write', bytes('')],
    ['received'],
    ['flush'],
    ['received'],
  ],
  [['write', bytes('0123456789abcdef0123456789abcdef')], ['received'], ['detach'], ['received']],
];
const send_plans: Plan[] = [
  [],
  Array(40).fill(1),
  [3, 5, 2],
  ['block', 'block'],
  [2, 'block', 'block', 1, 'block'],
  [3, 'block', 4, 'block', 9, 'block'],
];
for (const [w, operations] of writes.entries()) {
  for (const [p, sends] of send_plans.entries()) {
    for (const buffering of [-1, 1, 2, 4, 8, 9]) {
      const finish: Operation[] = [['flush'], ['received'], ['close'], ['received']];
      add(`writes ${w}, plan ${p}, buffer ${buffering}`, {
        since: FILLED_IS_SENT,
        makefile: ['wb', buffering],
        sends,
        do: [...operations, ...finish],
      });
    }
    if (w < 4)
      add(`writes ${w}, plan ${p}, both ways`, {
        since: FILLED_IS_SENT,
        makefile: ['rwb', 5],
        sends,
        do: [...operations, ['close'], ['received']],
      });
  }
}
for (const mode of ['wb', 'w', 'rw', 'rwb']) {
  add(`close() that cannot flush, mode ${mode}`, {
    makefile: [mode],
    sends: ['block', 'block', 'block'],
    do: [
      ['write', mode.includes('b') ? bytes('ab') : 'ab'],
      ['socket', 'close'],
      ['close'],
      ['get', 'closed'],
      ['descriptor'],
      ['close'],
      ['received'],
    ],
  });
}

// Text: newlines in reading.
const lines = 'one\ntwo\r\nthree\rfour\r\n\r\n\n\rfive\r\r\nsix';
for (const newline of [null, '', '\n', '\r', '\r\n']) {
  for (const [p, receives] of [
    [],
    Array(80).fill(1),
    Array(30).fill(3),
    [8, 1, 7, 5, 1],
    Array(20).fill(8),
  ].entries()) {
    for (const [r, operations] of reads.entries()) {
      add(`reads ${r} of text, newline ${JSON.stringify(newline)}, plan ${p}`, {
        makefile: ['r'],
        options: { newline },
        input: hex(lines),
        receives: receives as Plan,
        do: [...operations, ['get', 'newlines']],
      });
    }
  }
}
for (const tail of ['a\r', 'a\r\n', 'a\n', '\r', '', 'a\r\r']) {
  for (const newline of [null, '', '\n', '\r', '\r\n']) {
    add(`text that ends in ${JSON.stringify(tail)}, newline ${JSON.stringify(newline)}`, {
      makefile: ['r'],
      options: { newline },
      input: hex(tail),
      receives: [1, 1, 1],
      do: [['readline'], ['get', 'newlines'], ['readline'], ['readline', 1], ['get', 'newlines'], ['read']],
    });
  }
}

// Text: characters.
const characters = 'a\u00e9\u20ac\ud83d\ude00z\n\ud83d\ude00\ud83d\ude00\n\u00fc\n\ufeff';
for (const [p, receives] of [[], Array(80).fill(1), Array(80).fill(2), [3, 3, 3, 1, 1]].entries()) {
  for (const [r, operations] of reads.entries()) {
    add(`reads ${r} of characters, plan ${p}`, {
      makefile: ['r'],
      input: hex(characters),
      receives: receives as Plan,
      do: operations,
    });
  }
  add(`single characters, plan ${p}`, {
    makefile: ['r'],
    input: hex(characters),
    receives: receives as Plan,
    do: times(16, 'read', 1),
  });
  add(`characters of short lines, plan ${p}`, {
    makefile: ['r'],
    input: hex(characters),
    receives: receives as Plan,
    do: times(16, 'readline', 2),
  });
}

// Encodings and error handlers: every byte, and bytes that are wrong in each way.
const handlers = ['strict', 'ignore', 'replace', 'backslashreplace', 'surrogateescape', 'xmlcharrefreplace'];
const wrong: number[][] = [
  [0x61, 0xff, 0x62],
  [0x80, 0x81, 0xc0, 0xaf, 0xc1, 0xbf],
  [0xe0, 0x80, 0x80, 0x61, 0xed, 0xa0, 0x80, 0xf0, 0x80, 0x80, 0x80],
  [0xe2, 0x82, 0x61, 0xe2, 0x61, 0xf0, 0x9f, 0x98, 0x61, 0xf0, 0x9f, 0x61, 0xf0, 0x61],
  [0xf4, 0x90, 0x80, 0x80, 0xf5, 0x80, 0xf8, 0xfe],
  [0x61, 0xc3],
  [0x61, 0xe2, 0x82],
  [0x61, 0xf0, 0x9f, 0x98],
  [0xe0, 0x80],
  [0xef, 0xbb, 0xbf, 0x61, 0xef, 0xbb, 0xbf],
  [0xef, 0xbb],
  [0xef],
  [0xc3, 0xa9, 0xff, 0x0a, 0x61, 0x0a, 0x62],
];
for (const encoding of ['utf-8', 'utf-8-sig', 'ascii', 'latin-1', 'cp1252']) {
  for (const errors of handlers) {
    for (const [i, input] of wrong.entries()) {
      const cuts: Plan[] = [[], Array(30).fill(1), Array(30).fill(2)];
      for (const receives of encoding.startsWith('utf') ? cuts : [[]]) {
        add(`${encoding}, ${errors}, wrong bytes ${i}, pieces of ${receives[0] ?? 'any size'}`, {
          makefile: ['r'],
          options: { encoding, errors },
          input: hex(input),
          receives,
          do: receives.length === 0 ? [['read'], ['read']] : times(6, 'readline'),
        });
      }
    }
  }
}
const wide: number[][] = [
  [0x61, 0, 0x3d, 0xd8, 0x00, 0xde, 0x0a, 0],
  [0xff, 0xfe, 0x61, 0, 0x0a, 0],
  [0xfe, 0xff, 0, 0x61, 0, 0x0a],
  [0xff, 0xfe, 0, 0, 0x61, 0, 0, 0, 0x0a, 0, 0, 0],
  [0, 0, 0xfe, 0xff, 0, 0, 0, 0x61],
  [0x00, 0xd8, 0x61, 0x00, 0x00, 0xdc, 0x62, 0x00],
  [0xd8, 0x00, 0x00, 0x61, 0xdc, 0x00, 0x00, 0x62],
  [0x61, 0, 0x62],
  [0x61, 0, 0x3d, 0xd8],
  [0x00, 0xd8, 0, 0, 0, 0, 0x11, 0, 0x61, 0, 0, 0],
  [0xff],
  [],
];
for (const encoding of ['utf-16', 'utf-16-le', 'utf-16-be', 'utf-32', 'utf-32-le', 'utf-32-be']) {
  for (const errors of ['strict', 'replace', 'backslashreplace', 'surrogateescape']) {
    for (const [i, input] of wide.entries()) {
      for (const receives of [[], Array(30).fill(3)] as Plan[]) {
        add(`${encoding}, ${errors}, bytes ${i}, pieces of ${receives[0] ?? 'any size'}`, {
          since: NO_BOM_IS_DECODE_ERROR,
          makefile: ['r'],
          options: { encoding, errors },
          input: hex(input),
          receives,
          do: receives.length === 0 ? [['read'], ['read']] : times(5, 'readline'),
        });
      }
    }
  }
}
const CHARMAP_NAMES =
  'cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 cp437 cp850 cp852 cp866 cp874 iso8859-2 iso8859-3 iso8859-4 iso8859-5 iso8859-6 iso8859-7 iso8859-8 iso8859-9 iso8859-10 iso8859-11 iso8859-13 iso8859-14 iso8859-15 iso8859-16 koi8-r koi8-u mac-roman mac-cyrillic tis-620 kz1048 hp-roman8'.split(
    ' ',
  );
const all_bytes = hex(Array.from({ length: 256 }, (_, byte) => byte));
for (const encoding of ['ascii', 'latin-1', ...CHARMAP_NAMES]) {
  for (const errors of ['replace', 'backslashreplace']) {
    add(`all bytes of ${encoding}, ${errors}`, {
      makefile: ['r'],
      options: { encoding, errors, newline: '\n' },
      input: all_bytes,
      do: [['read']],
    });
  }
}
for (const encoding of [
  'UTF8',
  'utf 8',
  'Utf_8',
  'U8',
  'ISO-8859-1',
  'latin_1',
  'L1',
  'Latin-1',
  '8859',
  'windows-1252',
  'CP1252',
  '1252',
  'us-ascii',
  'ASCII',
  '646',
  'ISO8859-15',
  'iso-8859-15',
  'latin9',
  'utf16',
  'UTF-16LE',
  'utf_32be',
  'koi8_r',
  'csKOI8R',
  'macroman',
  'cp65001',
  'utf-8-',
  '-utf-8',
  'utf--8',
  'utf.8',
  'locale',
  'ebcdic',
  'utf-9',
  'iso8859',
  'latin',
]) {
  add(`the name ${encoding}`, {
    ...(/16$/.test(encoding) ? { since: NO_BOM_IS_DECODE_ERROR } : {}),
    makefile: ['r'],
    options: { encoding },
    input: hex('a\0b\0\0\0\0\0'),
    do: [['get', 'encoding'], ['readline']],
  });
}

// Writing text.
const written = [
  'plain\n',
  'a\u00e9\u20ac\ud83d\ude00\n',
  '\ud800',
  'x\udc80\udcffy',
  'x\ud83d',
  '\u0152\u2019 caf\u00e9',
  '',
];
for (const encoding of [
  'utf-8',
  'utf-8-sig',
  'ascii',
  'latin-1',
  'cp1252',
  'koi8-r',
  'utf-16',
  'utf-16-be',
  'utf-32',
  'utf-32-le',
]) {
  for (const errors of handlers) {
    add(`writes in ${encoding}, ${errors}`, {
      makefile: ['w'],
      options: { encoding, errors },
      do: written.flatMap((part): Operation[] => [['write', part], ['flush'], ['received']]),
    });
  }
}
for (const newline of [null, '', '\n', '\r', '\r\n']) {
  add(`writes with newline ${JSON.stringify(newline)}`, {
    makefile: ['w'],
    options: { newline },
    do: [['write', 'a\nb\r\nc\rd\n\n'], ['write', '\ud83d\ude00\n'], ['received'], ['flush'], ['received']],
  });
}
for (const settings of [
  { line_buffering: true },
  { write_through: true },
  { line_buffering: true, write_through: true },
  {},
]) {
  add(`writes with ${JSON.stringify(settings)}`, {
    makefile: ['w'],
    do: [
      ['reconfigure', settings],
      ...gets('line_buffering', 'write_through'),
      ...['a', 'b\n', 'c\r', 'd', '\r\n'].flatMap((part): Operation[] => [['write', part], ['received']]),
      ['below', 'flush'],
      ['received'],
      ['flush'],
      ['received'],
    ],
  });
}
for (const size of [100, 4000, 8000, 8191, 8192, 8193, 20000]) {
  add(`writes of ${size} characters`, {
    since: FILLED_IS_SENT,
    makefile: ['w'],
    do: [
      ['write', 'a'],
      ['write', 'b'.repeat(size)],
      ['received'],
      ['write', 'c'],
      ['write', 'd'.repeat(size)],
      ['received'],
      ['write', '\u00e9'.repeat(size)],
      ['received'],
      ['flush'],
      ['received'],
    ],
  });
}
add('text between the bytes below', {
  makefile: ['w'],
  do: [['write', 'a'], ['below', 'write', bytes('b')], ['write', 'c'], ['flush'], ['received']],
});
add('text in both directions', {
  since: WRITE_KEEPS_WHAT_WAS_READ,
  makefile: ['rw'],
  input: hex('one\ntwo\nthree'),
  do: [
    ['write', 'ask\n'],
    ['received'],
    ['readline'],
    ['received'],
    ['flush'],
    ['received'],
    ['write', 'x'],
    ['read', 2],
    ['close'],
    ['received'],
  ],
});

// Reconfiguring and detaching.
add('reconfigure before reading', {
  makefile: ['r'],
  input: hex([0x61, 0xe9, 0x0d, 0x0a, 0x62]),
  do: [
    ['reconfigure', { encoding: 'latin-1', newline: '' }],
    ...gets('encoding', 'errors'),
    ['readline'],
    ['reconfigure', { encoding: 'utf-8' }],
    ['reconfigure', { newline: null }],
    ['reconfigure', { errors: 'ignore' }],
    ['reconfigure', { line_buffering: true }],
    ['get', 'line_buffering'],
    ['readline'],
    ['readline'],
    ['reconfigure', { encoding: 'utf-8' }],
    ['get', 'encoding'],
  ],
});
add('reconfigure while writing', {
  makefile: ['w'],
  options: { errors: 'replace' },
  do: [
    ['write', '\u20ac\n'],
    ['reconfigure', { encoding: 'ascii' }],
    ...gets('encoding', 'errors'),
    ['received'],
    ['write', '\u20ac'],
    ['reconfigure', { errors: 'ignore' }],
    ['write', '\u20ac\n'],
    ['reconfigure', { newline: '\r\n' }],
    ['write', '\n'],
    ['reconfigure', { newline: 'x' }],
    ['reconfigure', { encoding: 'x' }],
    ['reconfigure', { encoding: 5 }],
    ['reconfigure', { errors: 5 }],
    ['reconfigure', { newline: 5 }],
    ['flush'],
    ['received'],
  ],
});
add('detach and read on', {
  makefile: ['r'],
  input: hex(text),
  receives: [20],
  do: [['readline'], ['swap'], ['readline'], ['swap'], ['read', 5], ['close']],
});
add('detach and write on', {
  makefile: ['w'],
  do: [
    ['write', 'text'],
    ['received'],
    ['swap'],
    ['received'],
    ['write', bytes('bytes')],
    ['swap'],
    ['received'],
    ['write', bytes('raw')],
    ['received'],
  ],
});

export { scenarios };
