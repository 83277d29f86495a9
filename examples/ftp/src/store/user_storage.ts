// The user file on the disk: read only if it is nobody else's, and changed by one process at a time, so that readers see the old file or the
// new one.
import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, readFile, realpath, rename, stat, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AF_UNIX, SOCK_STREAM, socket } from 'bsd-sockets/socket';
import { code_of } from './errors.js';
import { parse_user_file, print_user_file, UserFileError, type UserRecords } from './user_file.js';

/** How long a change waits for another one, ms. */
const LOCK_WAIT_MS = 10_000;

/**
 * Reads a user file.
 *
 * @throws UserFileError if others than its owner may read or write it, or if it is wrong; errors of the kernel
 */
export async function read_user_file(path: string): Promise<UserRecords> {
  const { mode, uid } = await stat(path);
  if ((mode & 0o077) !== 0) {
    throw new UserFileError(
      `${path} is open to others: chmod 600 ${path} (it has mode ${(mode & 0o777).toString(8)})`,
    );
  }
  const self = process.geteuid?.() ?? 0;
  if (uid !== self && uid !== 0)
    throw new UserFileError(`${path} belongs to user ${uid}, neither to ${self} nor to root`);
  return parse_user_file(await readFile(path, 'utf8'));
}

/** Replaces the user file: readers see the old one or the new one, also after a failure of the machine. */
async function write_user_file(path: string, records: UserRecords): Promise<void> {
  const temporary = `${path}.${randomUUID()}`;
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(print_user_file(records));
      await keep_owner(path, file);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  const folder = await open(dirname(path), 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Root may have changed the file of a server that runs as another user. */
async function keep_owner(path: string, file: FileHandle): Promise<void> {
  try {
    const { uid, gid } = await stat(path);
    await file.chown(uid, gid);
  } catch (error) {
    const code = code_of(error);
    if (code !== 'ENOENT' && code !== 'EPERM') throw error;
  }
}

/**
 * Changes the user file.
 *
 * @param path of the file; one that is missing is as one without users
 * @param change gets the users, and changes them
 * @throws UserFileError if another change takes longer than ten seconds; what read_user_file() and `change` throw
 */
export async function change_user_file(
  path: string,
  change: (users: UserRecords) => void | Promise<void>,
): Promise<void> {
  // The file itself, and not a link to it, is replaced; and it has one lock under all its names.
  const file = await real_file(path);
  using _lock = await lock(file);
  const users = await read_or_none(file);
  await change(users);
  await write_user_file(file, users);
}

async function real_file(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    if (code_of(error) !== 'ENOENT') throw error;
    return join(await realpath(dirname(path)), basename(path));
  }
}

async function read_or_none(path: string): Promise<UserRecords> {
  try {
    return await read_user_file(path);
  } catch (error) {
    if (code_of(error) === 'ENOENT') return new Map();
    throw error;
  }
}

/**
 * Takes the lock of a file: an abstract UNIX address, which the kernel frees when the process ends, however it ends. No file is left over, and
 * nobody has to guess whether a lock is still somebody's.
 */
async function lock(path: string): Promise<Disposable> {
  const name = `\0ftpd-users-${createHash('sha256').update(path).digest('hex').slice(0, 32)}`;
  const until = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const sock = new socket(AF_UNIX, SOCK_STREAM);
    try {
      sock.bind(name);
      return { [Symbol.dispose]: () => sock.close() };
    } catch (error) {
      sock.close();
      if (code_of(error) !== 'EADDRINUSE') throw error;
      if (performance.now() > until)
        throw new UserFileError(`another process is changing ${path}`, { cause: error });
    }
    await sleep(20);
  }
}
