// Runs the command on a terminal: python3 makes a pseudo-terminal, passes on what the command writes, and does what lines on its standard
// input say: keys, a new size, a signal.
import { spawn } from 'node:child_process';
import { program } from './run.js';

const PYTHON = `
import fcntl, os, pty, select, signal, struct, sys, termios
rows, columns = int(sys.argv[1]), int(sys.argv[2])
pid, fd = pty.fork()
if pid == 0:
    os.read(0, 1)
    os.execvp(sys.argv[3], sys.argv[3:])
def size(rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
size(rows, columns)
before = termios.tcgetattr(fd)
os.write(fd, b'\\n')
commands = [0]
while True:
    ready = select.select([fd] + commands, [], [])[0]
    if 0 in ready:
        line = os.read(0, 1000)
        if not line: commands = []
        for word in line.decode().splitlines():
            what, *rest = word.split()
            if what == 'keys': os.write(fd, bytes.fromhex(rest[0]))
            if what == 'size': size(int(rest[0]), int(rest[1]))
            if what == 'signal': os.kill(pid, int(rest[0]))
    if fd in ready:
        try: data = os.read(fd, 65536)
        except OSError: break
        if not data: break
        os.write(1, data)
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) & 255)
`;

const ESCAPE = '\u001b';
/** The milliseconds after which a command counts as hung. */
const HUNG_MS = 60_000;

/** A terminal that has colours, whatever the tests themselves run in: Node asks all of these, and believes a CI machine to have none. */
export const COLOURS = {
  TERM: 'xterm-256color',
  NO_COLOR: undefined,
  FORCE_COLOR: undefined,
  NODE_DISABLE_COLORS: undefined,
  CI: undefined,
  TMUX: undefined,
};

export interface TerminalOptions {
  readonly behind?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly rows?: number;
  readonly columns?: number;
}

/** A command on a terminal. */
export class OnTerminal {
  /** What the command wrote, with all control sequences. */
  output = '';
  readonly #child;
  readonly #ended: Promise<number | null>;

  constructor(args: readonly string[], { behind = [], env, rows = 24, columns = 80 }: TerminalOptions = {}) {
    const command = [...behind, process.execPath, program, ...args];
    this.#child = spawn('python3', ['-c', PYTHON, String(rows), String(columns), ...command], {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, ...COLOURS, ...env },
    });
    const watch = setTimeout(() => this.#child.kill('SIGKILL'), HUNG_MS);
    this.#child.stdin.on('error', () => {});
    this.#child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
    this.#ended = new Promise((resolve) => {
      this.#child.on('close', (code) => {
        clearTimeout(watch);
        resolve(code);
      });
    });
  }

  /** Waits until what came since `from` matches. @returns the length of the output */
  async shows(pattern: RegExp, from = 0): Promise<number> {
    for (const until = Date.now() + HUNG_MS; Date.now() < until; ) {
      if (pattern.test(this.output.slice(from))) return this.output.length;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error(`no ${pattern} in ${JSON.stringify(this.output.slice(from))}`);
  }

  keys(text: string): void {
    this.#child.stdin.write(`keys ${Buffer.from(text).toString('hex')}\n`);
  }

  resize(rows: number, columns: number): void {
    this.#child.stdin.write(`size ${rows} ${columns}\n`);
  }

  signal(number: number): void {
    this.#child.stdin.write(`signal ${number}\n`);
  }

  /** Returns the exit code; -N as 256 - N for a signal. */
  ended(): Promise<number | null> {
    return this.#ended;
  }

  /** Returns the lines of the pictures that were drawn since `from`, without colours. */
  pictures(from = 0): string[][] {
    const colours = new RegExp(`${ESCAPE}\\[[\\d;]*m`, 'g');
    return this.output
      .slice(from)
      .split('\u001b[H')
      .slice(1)
      .flatMap((frame) => {
        const end = frame.indexOf('\u001b[J');
        if (end < 0) return [];
        return [frame.slice(0, end).replaceAll(colours, '').replaceAll('\u001b[K', '').split(/\r*\n/)];
      });
  }
}
