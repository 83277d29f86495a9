// The commands that take URLs, by name. shell.ts runs them, too.
import type { CommandName } from './arguments.js';
import type { Context } from './context.js';
import { mirror, verify } from './mirror.js';
import { get, put } from './moving.js';
import { cat, hash, ls, mkdir, mv, rm, rmdir } from './simple.js';

type Command = (context: Context, given: readonly string[]) => Promise<void>;

export const RUN: Readonly<Record<Exclude<CommandName, 'shell'>, Command>> = {
  get,
  put,
  mirror: (context, [from = '', to = '']) => mirror(context, from, to),
  verify: (context, [local = '', url = '']) => verify(context, local, url),
  ls,
  cat,
  rm,
  mkdir,
  rmdir,
  mv,
  hash,
};
