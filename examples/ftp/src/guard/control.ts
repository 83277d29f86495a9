// The control socket of a server: a UNIX socket of mode 0600, where `ftpd who` and `ftpd metrics` ask. A client sends a line of JSON,
// {"command": "who"}, gets a line of JSON, {"answer": …} or {"error": "…"}, and the connection ends.
//
// The socket gets its path when its mode is right, and replaces what a killed server has left there.
import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { chmod, lstat, rename, unlink } from 'node:fs/promises';
import { AF_UNIX, type ConnectedSocket, SOCK_STREAM, socket } from 'bsd-sockets/promises';
import { AsyncUnixStreamServer } from 'bsd-sockets/socketserver';
import { code_of } from '../store/errors.js';
import type { Registry } from './types.js';

/** Seconds that a question and its answer may take. */
const TIMEOUT_S = 10;
const LONGEST_QUESTION = 4096;
/** The kernel's for a path, with its end: sun_path. */
const LONGEST_PATH = 107;

/** What can be asked; each has its answer as JSON. */
const COMMANDS = {
  who: (registry: Registry) => registry.who(),
  metrics: (registry: Registry) => registry.metrics(),
} as const;

type Command = keyof typeof COMMANDS;

function is_command(name: unknown): name is Command {
  return typeof name === 'string' && Object.hasOwn(COMMANDS, name);
}

/** A control socket that is served. */
export interface ControlSocket {
  readonly path: string;
  /**
   * Ends it.
   *
   * @param has_successor another server takes its path, at this very moment perhaps: it stays. Otherwise it is removed, if it is still this one's
   */
  close(has_successor?: boolean): Promise<void>;
}

/**
 * Serves a control socket.
 *
 * @param path of the machine; `replace`: also in place of that of a server that lives, which this one follows
 * @throws Error EADDRINUSE if a server listens there, EEXIST if there is something else
 */
export async function serve_control(
  path: string,
  registry: Pick<Registry, Command>,
  { replace = false }: { replace?: boolean | undefined } = {},
): Promise<ControlSocket> {
  await make_way(path, replace);
  const temporary = `${path}.${randomUUID().slice(0, 8)}`;
  check_length(temporary, path);
  const server = new AsyncUnixStreamServer(temporary, (connection) => serve(connection, registry), {
    bind_and_activate: false,
    handler_timeout: TIMEOUT_S,
    max_handlers: 16,
  });
  let own: Stats;
  try {
    server.server_bind();
    // Before listen() nobody can connect.
    await chmod(temporary, 0o600);
    server.server_activate();
    own = await lstat(temporary);
    await rename(temporary, path);
  } catch (error) {
    await server.server_close();
    await unlink_quietly(temporary);
    throw error;
  }
  const served = server.serve_forever();
  return {
    path,
    close: async (has_successor = false) => {
      const now = has_successor ? undefined : await lstat(path).catch(() => undefined);
      if (now?.ino === own.ino && now.dev === own.dev) await unlink_quietly(path);
      await server.shutdown();
      await served;
      await server.server_close();
    },
  };
}

/** Leaves a path that is free, or that of a socket which may be replaced. */
async function make_way(path: string, replace: boolean): Promise<void> {
  let stats: Stats;
  try {
    stats = await lstat(path);
  } catch (error) {
    if (code_of(error) === 'ENOENT') return;
    throw error;
  }
  if (!stats.isSocket())
    throw Object.assign(new Error(`${path} exists, and is no socket`), { code: 'EEXIST' });
  if (!replace && (await is_served(path))) {
    throw Object.assign(new Error(`a server has its control socket at ${path}`), { code: 'EADDRINUSE' });
  }
}

async function is_served(path: string): Promise<boolean> {
  const sock = new socket(AF_UNIX, SOCK_STREAM);
  try {
    await sock.connect(path, { timeout: TIMEOUT_S });
    return true;
  } catch (error) {
    return code_of(error) !== 'ECONNREFUSED';
  } finally {
    sock.close();
  }
}

function check_length(bound: string, path: string): void {
  if (Buffer.byteLength(bound) > LONGEST_PATH) {
    const most = LONGEST_PATH - (Buffer.byteLength(bound) - Buffer.byteLength(path));
    throw new RangeError(`the path of a control socket has at most ${most} bytes: ${path}`);
  }
}

async function unlink_quietly(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (code_of(error) !== 'ENOENT') throw error;
  }
}

async function serve(connection: ConnectedSocket, registry: Pick<Registry, Command>): Promise<void> {
  connection.settimeout(TIMEOUT_S);
  const reply = (message: object) => connection.sendall(`${JSON.stringify(message)}\n`);
  const file = connection.makefile('rb', { limit: LONGEST_QUESTION });
  try {
    const line = await file.readline();
    const command = command_of(line.toString());
    if (command === undefined) {
      await reply({ error: `the commands are ${Object.keys(COMMANDS).join(', ')}` });
    } else {
      await reply({ answer: await answer(command, registry) });
    }
  } catch (error) {
    // A client that goes away, or sends no line, is none of the server's troubles.
    if (error instanceof Error) await reply({ error: error.message }).catch(() => undefined);
  } finally {
    await file.close();
  }
}

function answer(command: Command, registry: Pick<Registry, Command>): Promise<unknown> {
  return command === 'who' ? registry.who() : registry.metrics();
}

function command_of(line: string): Command | undefined {
  try {
    const question: unknown = JSON.parse(line);
    const asked =
      typeof question === 'object' && question !== null && 'command' in question && question.command;
    return is_command(asked) ? asked : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Asks the server of a control socket.
 *
 * @returns the answer as it came
 * @throws Error with the server's words, or what it means that nobody answers
 */
export async function ask_control(path: string, command: Command): Promise<unknown> {
  const sock = new socket(AF_UNIX, SOCK_STREAM);
  try {
    sock.settimeout(TIMEOUT_S);
    await connect(sock, path);
    await sock.sendall(`${JSON.stringify({ command })}\n`);
    const file = sock.makefile('rb');
    const line = (await file.readline()).toString();
    await file.close();
    return read_answer(line, path);
  } finally {
    sock.close();
  }
}

async function connect(sock: socket<typeof AF_UNIX>, path: string): Promise<void> {
  try {
    await sock.connect(path);
  } catch (error) {
    const code = code_of(error);
    if (code === 'ENOENT')
      throw new Error(`there is no control socket at ${path}: is the server running?`, { cause: error });
    if (code === 'ECONNREFUSED') throw new Error(`no server listens at ${path} any more`, { cause: error });
    if (code === 'EACCES') throw new Error(`${path} is for the server's own user`, { cause: error });
    throw error;
  }
}

function read_answer(line: string, path: string): unknown {
  const message: unknown = line === '' ? undefined : JSON.parse(line);
  if (typeof message !== 'object' || message === null)
    throw new Error(`the server at ${path} gave no answer`);
  if ('error' in message) throw new Error(String(message.error));
  return 'answer' in message ? message.answer : undefined;
}
