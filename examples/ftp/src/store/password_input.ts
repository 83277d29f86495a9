// Passwords as a person or a program gives them: typed at a terminal, without an echo, or as the first line of a descriptor.
import { createReadStream } from 'node:fs';
import type { CommandIO } from '../guard/command.js';

/** Longer ones are none: a file was given by mistake. */
const LONGEST = 1024;

/** Ctrl-C and Ctrl-D at the prompt. */
export class Cancelled extends Error {
  override readonly name = 'Cancelled';
}

/**
 * Reads a password, typed twice if it is a new one.
 *
 * @param fd to read its first line from; undefined: the terminal, or the first line of stdin if that is no terminal
 * @param again whether a typed one is asked for twice
 * @throws Error if there is none, or if the two differ; Cancelled
 */
export async function read_password(io: CommandIO, fd: number | undefined, again: boolean): Promise<string> {
  if (fd !== undefined) return first_line(createReadStream('', { fd, autoClose: false }));
  const { stdin } = io;
  if (!('setRawMode' in stdin) || !stdin.isTTY) return first_line(stdin);
  const password = checked(await prompt(stdin, io, 'Password: '));
  if (again && (await prompt(stdin, io, 'Again: ')) !== password) throw new Error('the two passwords differ');
  return password;
}

function checked(password: string): string {
  if (password === '') throw new Error('a password has at least one character');
  if (password.includes('\0')) throw new Error('a password has no NUL');
  if (password.length > LONGEST) throw new Error(`a password has at most ${LONGEST} characters`);
  return password;
}

async function first_line(stream: NodeJS.ReadableStream): Promise<string> {
  let text = '';
  stream.setEncoding('utf8');
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes('\n') || text.length > LONGEST) break;
  }
  return checked(text.split(/\r?\n/, 1)[0] ?? '');
}

/** Reads a line in raw mode, in which the terminal shows nothing and leaves editing and Ctrl-C to the program. */
function prompt(stdin: NodeJS.ReadStream, io: CommandIO, text: string): Promise<string> {
  // Raw before the prompt: who types at once, as a program does, is not echoed either.
  stdin.setRawMode(true);
  io.stderr.write(text);
  stdin.setEncoding('utf8');
  stdin.resume();
  return new Promise((resolve, reject) => {
    let typed = '';
    const done = (settle: () => void) => {
      stdin.off('data', on_data);
      stdin.off('end', on_end);
      stdin.setRawMode(false);
      stdin.pause();
      io.stderr.write('\n');
      settle();
    };
    const on_end = () => done(() => reject(new Cancelled('no password was given')));
    const on_data = (chunk: string) => {
      for (const character of chunk) {
        if (character === '\r' || character === '\n') return done(() => resolve(typed));
        if (character === '\x03' || character === '\x04') return on_end();
        if (character === '\x7f' || character === '\b') typed = [...typed].slice(0, -1).join('');
        else if (character === '\x15') typed = '';
        else typed += character;
      }
    };
    stdin.on('data', on_data);
    stdin.once('end', on_end);
  });
}
