// A password, read from the terminal without an echo. Standard input belongs to the connection.
import { openSync } from 'node:fs';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { ReadStream } from 'node:tty';
import { Failure } from '../terminal/errors.js';
import { print_stderr, printable } from '../terminal/output.js';

function open_terminal(): ReadStream {
  try {
    return new ReadStream(openSync('/dev/tty', 'r'));
  } catch {
    throw new Failure('Unable to read proxy passphrase: there is no terminal');
  }
}

/** read_password(prompt, signal) -> the line that is typed. @throws Failure without a terminal; the signal's reason */
export async function read_password(prompt: string, signal: AbortSignal): Promise<string> {
  const input = open_terminal();
  const silence = new Writable({ write: (_chunk, _encoding, done) => done() });
  // With `terminal`, readline shows what is typed only on its output.
  const lines = createInterface({ input, output: silence, terminal: true });
  try {
    process.stderr.write(printable(prompt));
    // Without the terminal's own handling, Ctrl-C is a byte.
    lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'));
    return await lines.question('', { signal });
  } finally {
    print_stderr('');
    lines.close();
    input.destroy();
  }
}
