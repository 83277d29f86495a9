// Shell completion: what is offered where, and real shells that complete a line which is then run.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complete } from '../../dist/cli/completion/complete.js';
import { line_of } from '../../dist/cli/completion/line.js';
import { OPTION_TEXTS } from '../../dist/cli/completion/texts.js';
import { OPTIONS } from '../../dist/cli/options.js';
import { Inventory } from '../../dist/index.js';
import { fleet, MAIN } from './fleet.js';

const HOSTS = {
  hosts: { 'web[1-3]': {}, db1: {} },
  groups: { web: 'web[1-3]', data: 'db1', 'all-web': '@web' },
};
const inventory = new Inventory(HOSTS, 'test');

/** Returns what is offered at the end of a line. */
async function offered(text: string): Promise<string[]> {
  const { words, current } = line_of(text);
  const { files, candidates } = await complete(words, current, async () => inventory);
  return files ? ['<files>'] : candidates.map((candidate) => candidate.text);
}

const HOST_NAMES = ['web1', 'web2', 'web3', 'db1'];
const GROUPS = ['@web', '@data', '@all-web', '@*'];

describe('what is completed', () => {
  it.each<[string, string[]]>([
    ['fleet r', ['run', 'retry']],
    ['fleet ', ['run', 'put', 'get', 'clean', 'retry', 'nodes', 'log', 'completion', 'help']],
    ['fleet nosuch ', []],
    ['fleet run ', [...GROUPS, ...HOST_NAMES]],
    ['fleet run w', ['web1', 'web2', 'web3']],
    ['fleet run @', GROUPS],
    ["fleet run 'web1,@d", ['@data']],
    ["fleet run 'web[1-3]!w", ['web1', 'web2', 'web3']],
    ["fleet run 'web[1-2],db1&@a", ['@all-web']],
    ["fleet run 'web1 - w", ['web1', 'web2', 'web3']],
    ["fleet run 'web[1-", []],
    ['fleet run web1 ', ['--']],
    ['fleet run web1 -- ', []],
    ['fleet run web1 -- cat --f', []],
    ['fleet run --fan', ['--fanout']],
    ['fleet run --fanout ', []],
    ['fleet run -f ', []],
    ['fleet run -f 8 w', ['web1', 'web2', 'web3']],
    ['fleet run -bf8 w', ['web1', 'web2', 'web3']],
    ['fleet run -x d', ['db1']],
    ['fleet run --exclude=w', ['web1', 'web2', 'web3']],
    ['fleet run -i ', ['<files>']],
    ['fleet run --config=/et', ['<files>']],
    ['fleet run --no-log --no-l', []],
    ['fleet put w', ['web1', 'web2', 'web3']],
    ['fleet put web1 ', ['<files>']],
    ['fleet put web1 file ', []],
    ['fleet put web1 --gat', []],
    ['fleet get web1 ', []],
    ['fleet get web1 file ', ['<files>']],
    ['fleet nodes web1 d', ['db1']],
    ['fleet nodes --f', ['--fold']],
    ['fleet retry --class unreachable,time', ['timed-out']],
    ['fleet log --class fai', ['failed']],
    ['fleet log v', ['verify']],
    ['fleet log --group a', ['all-web']],
    ['fleet log --action ', ['run', 'put', 'get', 'clean']],
    ['fleet clean w', ['web1', 'web2', 'web3']],
    ['fleet clean --here ', ['<files>']],
    ['fleet log verify ', ['<files>']],
    ['fleet completion z', ['zsh']],
  ])('%s', async (line, expected) => {
    expect((await offered(line)).sort()).toEqual([...expected].sort());
  });

  it('offers every option of every command, and knows what each is for', async () => {
    const { stdout } = await fleet(['--help']);
    expect(Object.keys(OPTIONS).sort()).toEqual(['clean', 'get', 'log', 'nodes', 'put', 'retry', 'run']);
    for (const [command, options] of Object.entries(OPTIONS)) {
      const long = Object.keys(options).map((name) => `--${name}`);
      expect((await offered(`fleet ${command} --`)).sort()).toEqual([...long, '--help'].sort());
      const short = Object.values(options).flatMap((option) => (option.short ? [`-${option.short}`] : []));
      const both = await offered(`fleet ${command} -`);
      expect(both).toEqual(expect.arrayContaining([...short, ...long]));
      for (const name of Object.keys(options)) {
        expect(OPTION_TEXTS[name]?.text, `the text of --${name}`).toBeTruthy();
        expect(stdout, `the help has no --${name}`).toContain(`--${name}`);
      }
    }
  });

  it('takes the inventory of the line, and says nothing if there is none that is right', async () => {
    const lines = [
      'fleet run -i here.json w',
      'fleet run --inventory=here.json w',
      'fleet run -bihere.json w',
    ];
    for (const line of lines) {
      const { words, current } = line_of(line);
      let asked: string | undefined;
      await complete(words, current, async (path) => {
        asked = path;
        return inventory;
      });
      expect(asked, line).toBe('here.json');
    }
    const wrong = await fleet(['__complete', 'bash', 'fleet run -i /nonexistent/i.json w']);
    expect([wrong.code, wrong.stdout]).toEqual([2, '']);
  });

  it('splits lines as a shell does', () => {
    expect(line_of(`a 'b c' "d\\"e" f\\ g h`)).toEqual({
      words: ['a', 'b c', 'd"e', 'f g'],
      current: 'h',
      typed: 'h',
    });
    expect(line_of('a ')).toMatchObject({ words: ['a'], current: '' });
    expect(line_of("a 'b,c")).toEqual({ words: ['a'], current: 'b,c', typed: 'b,c' });
    expect(line_of('a --x=b:c', '=:')).toEqual({ words: ['a'], current: '--x=b:c', typed: 'c' });
    expect(line_of('a --x=b@c', '=@')).toMatchObject({ typed: '@c' });
    expect(line_of("a 'b@c", '@')).toMatchObject({ typed: 'b@c' });
    expect(line_of("a 'b@c',d", '@')).toMatchObject({ current: 'b@c,d', typed: "'b@c',d" });
  });

  it('is of three shells', async () => {
    const { code, stderr } = await fleet(['completion', 'tcsh']);
    expect([code, stderr]).toEqual([2, 'fleet: a shell is needed: fleet completion bash|zsh|fish\n']);
  });
});

/** A shell in a terminal of its own, by script(1). */
class Shell {
  #text = '';
  readonly #child: ChildProcess;

  constructor(command: string, env: NodeJS.ProcessEnv) {
    const options = { env, stdio: ['pipe', 'pipe', 'ignore'] as ['pipe', 'pipe', 'ignore'] };
    this.#child = spawn('script', ['-qec', command, '/dev/null'], options);
    this.#child.stdout?.on('data', (data) => {
      this.#text += data;
    });
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Waits until the terminal has shown a text, and forgets what came up to it. */
  async shows(wanted: string): Promise<void> {
    for (let waited = 0; !this.#text.includes(wanted); waited += 50) {
      if (waited > 30_000)
        throw new Error(
          `the shell did not show ${JSON.stringify(wanted)}, but ${JSON.stringify(this.#text)}`,
        );
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    this.#text = this.#text.slice(this.#text.indexOf(wanted) + wanted.length);
  }

  /** Its input ends, and so does the shell. */
  async close(): Promise<void> {
    const ended = once(this.#child, 'close');
    this.#child.stdin?.end();
    await ended;
  }
}

/** `quote`: what is typed behind a name that was completed in quotes; bash and fish close them. */
const SHELLS = [
  { name: 'bash', command: 'bash --norc --noprofile -i', load: 'eval "$(fleet completion bash)"', quote: '' },
  { name: 'zsh', command: 'zsh -f -i', load: 'eval "$(fleet completion zsh)"', quote: "'" },
  {
    name: 'fish',
    command: 'fish --no-config --private -i',
    load: 'fleet completion fish | source',
    quote: '',
  },
];

describe.each(SHELLS)('in $name', ({ name, command, load, quote }) => {
  let folder: string;
  let shell: Shell | undefined;
  const is_there = spawnSync(name, ['--version']).status === 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fleet-completion-'));
    writeFileSync(join(folder, 'inventory.json'), JSON.stringify(HOSTS));
    writeFileSync(join(folder, 'fleet'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`);
    chmodSync(join(folder, 'fleet'), 0o755);
  });
  afterAll(async () => {
    await shell?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('completes lines that are then run', async ({ skip }) => {
    if (!is_there) skip(`needs ${name}`);
    shell = new Shell(command, {
      PATH: `${folder}:${process.env.PATH}`,
      HOME: folder,
      TERM: 'xterm',
      LANG: 'C.UTF-8',
      FLEET_INVENTORY: join(folder, 'inventory.json'),
    });
    // What is looked for must not be in what is typed, which the terminal shows, too.
    shell.type(`${load}; echo load''ed\n`);
    await shell.shows('loaded');
    // A command, an option and a host; a group behind a comma in quotes; a host behind an operator; a group without quotes.
    shell.type("fleet nod\t--fol\tdb1\necho e''nd1\n");
    await shell.shows('db1\r\n');
    await shell.shows('end1');
    shell.type(`fleet nodes --fold 'db1,@we\t${quote} \necho e''nd2\n`);
    await shell.shows('db1,web[1-3]');
    await shell.shows('end2');
    shell.type(`fleet nodes --fold '@web!web1,d\t${quote} \necho e''nd3\n`);
    await shell.shows('db1,web[2-3]');
    await shell.shows('end3');
    shell.type("fleet nodes --fold @al\t\necho e''nd4\n");
    await shell.shows('web[1-3]');
    await shell.shows('end4');
    shell.type("fleet nodes --fold --exclude=web1 @al\t\necho e''nd5\n");
    await shell.shows('web[2-3]');
    await shell.shows('end5');
    // Names of files are the shell's.
    shell.type(`fleet nodes --fold -i ${folder}/inv\tdb1\necho e''nd6\n`);
    await shell.shows('db1\r\n');
    await shell.shows('end6');
  });
});
