// DiskFileSystem and a model of it (model.ts) do the same things, in any order, with any names and links; and then have the same files.
import { mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { LocalRegistry } from '../../dist/guard/registry.js';
import { DiskFileSystem } from '../../dist/store/disk.js';
import { code_of } from '../../dist/store/errors.js';
import { encode_name } from '../../dist/store/names.js';
import { entries, get, make_home, open_below } from './home.js';
import { Model, type ModelUpload, Refusal } from './model.js';

const name = fc.constantFrom('a', 'b', 'c', 'é', '\udcff');
/** Paths of up to four names, with all that a client may write between them. */
const path = fc
  .array(fc.oneof({ weight: 6, arbitrary: name }, fc.constantFrom('..', '.', '')), { maxLength: 4 })
  .map((names) => `/${names.join('/')}`);
const target = fc.oneof(
  {
    weight: 4,
    arbitrary: fc
      .array(fc.oneof(name, fc.constantFrom('..', '.')), { minLength: 1, maxLength: 3 })
      .map((names) => names.join('/')),
  },
  fc.array(name, { maxLength: 2 }).map((names) => `@/${names.join('/')}`),
  fc.constantFrom('/etc/passwd', '/', '@', '@/../home', '@2/a'),
);
const upload: fc.Arbitrary<ModelUpload> = fc.record({
  options: fc.oneof(
    fc.constant({}),
    fc.constant({ append: true }),
    fc.integer({ min: 0, max: 12 }).map((offset) => ({ offset })),
  ),
  content: fc.string({ unit: fc.constantFrom('1', '2', '3'), maxLength: 8 }),
  end: fc.constantFrom('commit', 'commit', 'keep', 'drop'),
});

const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('upload' as const), path, upload }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('mkdir' as const), path }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('symlink' as const), path, target }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), path, to: path }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('remove' as const, 'rmdir' as const), path }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constantFrom('get' as const, 'stat' as const, 'list' as const), path }),
  },
);
type Operation = typeof operation extends fc.Arbitrary<infer T> ? T : never;

function expected(model: Model, home: string, op: Operation): unknown {
  switch (op.do) {
    case 'upload':
      return model.upload(op.path, op.upload);
    case 'mkdir':
      return model.make_directory(op.path);
    case 'symlink':
      return model.symlink(op.path, op.target.replace('@', home));
    case 'rename':
      return model.rename(op.path, op.to);
    case 'remove':
      return model.remove(op.path);
    case 'rmdir':
      return model.remove_directory(op.path);
    default:
      return model[op.do](op.path);
  }
}

async function real(files: DiskFileSystem, op: Operation): Promise<unknown> {
  switch (op.do) {
    case 'upload': {
      const { options, content, end } = op.upload;
      const begun = await files.upload(op.path, options);
      await begun.write(Buffer.from(content));
      return end === 'commit' ? begun.commit() : begun.abort(end === 'keep');
    }
    case 'mkdir':
      return files.make_directory(op.path);
    case 'rename':
      return files.rename(op.path, op.to);
    case 'remove':
      return files.remove(op.path);
    case 'rmdir':
      return files.remove_directory(op.path);
    case 'get':
      return get(files, op.path);
    case 'stat': {
      const { type, size } = await files.stat(op.path);
      return type === 'file' ? size : type;
    }
    case 'list':
      return (await entries(files, op.path)).map((entry) => `${entry.name} ${entry.type}`).sort();
    case 'symlink':
      throw new Error('a client makes no links');
  }
}

/** The path of the machine for a place where the model has made a link: a link in it leads where it leads, as for the kernel. */
function machine_path(home: string, client_path: string): Buffer {
  return bytes_of(join(home, join('/', client_path)).replace(/\/$/, ''));
}

function bytes_of(text: string): Buffer {
  return encode_name(text) ?? Buffer.alloc(0);
}

function outcome_of_model(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

async function outcome(call: Promise<unknown>): Promise<unknown> {
  try {
    return await call;
  } catch (error) {
    const code = code_of(error);
    if (code === undefined) throw error;
    return code;
  }
}

it('does as the model does', async () => {
  const { home: parent } = await make_home();
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(operation, { minLength: 1, maxLength: 40 }),
      fc.constantFrom(3, 1000),
      async (ops, in_place_bytes) => {
        const home = join(parent, String(run++));
        await mkdir(home);
        const limits = { home, max_bytes: Infinity, max_files: Infinity };
        const quota = new LocalRegistry().quota(limits);
        const files = new DiskFileSystem(home, { sync: false, quota, in_place_bytes });
        await quota.usage();
        const model = new Model(home);
        for (const op of ops) {
          const wanted = outcome_of_model(() => expected(model, home, op));
          if (op.do === 'symlink') {
            if (wanted !== true) continue;
            await symlink(bytes_of(op.target.replace('@', home)), machine_path(home, op.path));
            quota.settle({ bytes: 0, files: 0 }, { bytes: 0, files: 1 });
          } else {
            expect([op, await outcome(real(files, op))]).toEqual([op, wanted]);
          }
        }
        // The count has gone along with all of it.
        expect(await quota.usage()).toEqual(await new LocalRegistry().quota(limits).usage());
        expect(await open_below(home)).toEqual([]);
      },
    ),
    { numRuns: Number(process.env.FTP_MODEL_RUNS ?? 200) },
  );
});
