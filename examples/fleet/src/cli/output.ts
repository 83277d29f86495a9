// Output: what a command prints on both streams, in one order. Nothing here blocks: a reader that is slow lets the texts wait, and who prints them
// sees that they do (`room`). So a terminal that was stopped by ^S, or a pager, stops neither time-outs nor ^C.

import { write } from 'node:fs';

export type OutputStream = 'stdout' | 'stderr';
/** Writes a text, and tells when it was taken; fails if there is no reader any more. */
export type Sink = (text: string) => Promise<void>;

interface Entry {
  readonly stream: OutputStream;
  readonly text: string;
}

/** Characters that wait before those who print are asked to wait, too. */
const MOST = 1 << 20;

export class Output {
  readonly #sinks: Readonly<Record<OutputStream, Sink>>;
  readonly #on_gone: () => void;
  readonly #gone = new Set<OutputStream>();
  #waiting: Entry[] = [];
  #length = 0;
  #is_writing = false;
  #room: Promise<void> | undefined;
  #on_room: () => void = () => {};
  #on_flushed: (() => void)[] = [];

  /** @param on_gone is called when nobody reads standard output any more */
  constructor(on_gone: () => void, sinks: Readonly<Record<OutputStream, Sink>> = sinks_of_process()) {
    this.#on_gone = on_gone;
    this.#sinks = sinks;
  }

  write(stream: OutputStream, text: string): void {
    if (text === '' || this.#gone.has(stream)) return;
    this.#waiting.push({ stream, text });
    this.#length += text.length;
    if (!this.#is_writing) void this.#write_all();
  }

  /** Whether something waits for its reader. */
  get is_waiting(): boolean {
    return this.#length > 0;
  }

  /** If too much waits, a promise that is settled when it has been taken. */
  get room(): Promise<void> | undefined {
    if (this.#length <= MOST) return undefined;
    this.#room ??= new Promise((resolve) => {
      this.#on_room = resolve;
    });
    return this.#room;
  }

  /** Waits until all that was printed has been taken. */
  flushed(): Promise<void> {
    if (!this.#is_writing) return Promise.resolve();
    return new Promise((resolve) => this.#on_flushed.push(resolve));
  }

  async #write_all(): Promise<void> {
    this.#is_writing = true;
    for (let [first] = this.#waiting; first; [first] = this.#waiting) {
      const { stream } = first;
      // Lines that came meanwhile are one write.
      const until = this.#waiting.findIndex((entry) => entry.stream !== stream);
      const texts = this.#waiting.splice(0, until < 0 ? this.#waiting.length : until);
      const text = texts.map((entry) => entry.text).join('');
      try {
        if (!this.#gone.has(stream)) await this.#sinks[stream](text);
      } catch {
        this.#gone.add(stream);
        if (stream === 'stdout') this.#on_gone();
      }
      this.#length -= text.length;
      if (this.#length <= MOST && this.#room) {
        this.#room = undefined;
        this.#on_room();
      }
    }
    this.#is_writing = false;
    for (const resolve of this.#on_flushed.splice(0)) resolve();
  }
}

function sinks_of_process(): Record<OutputStream, Sink> {
  return { stdout: sink_of(process.stdout), stderr: sink_of(process.stderr) };
}

/** Node's stream of a terminal blocks the program, its other streams do not. */
function sink_of(stream: NodeJS.WriteStream & { readonly fd: number }): Sink {
  // The callbacks tell of errors; without a listener they would end the program, when its terminal is closed.
  stream.on('error', () => {});
  if (stream.isTTY) return (text) => write_whole(stream.fd, Buffer.from(text));
  return (text) =>
    new Promise((resolve, reject) => {
      stream.write(text, (error) => (error ? reject(error) : resolve()));
    });
}

/** Writes on a thread of Node's pool. */
async function write_whole(fd: number, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    at += await new Promise<number>((resolve, reject) => {
      write(fd, bytes, at, bytes.length - at, null, (error, count) => {
        if (!error) resolve(count);
        // Another program has made the terminal non-blocking.
        else if (error.code === 'EAGAIN') setTimeout(resolve, 20, 0);
        else reject(error);
      });
    });
  }
}
