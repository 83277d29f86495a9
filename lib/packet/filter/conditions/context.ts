// What the parts of the compiler share while one expression is read: the options, the values, the paths, and where the headers are at this
// point of the expression.

import { type Value, Values } from '../code/value.js';
import { FilterError } from '../error.js';
import type { Token } from '../language/lexer.js';
import { SCRATCH_WORDS } from '../opcodes.js';
import { type Condition, NEVER } from './condition.js';
import { type Headers, type Path, Place, type Tunnel } from './place.js';

/** Looks a host name up: its addresses. */
export type Resolve = (name: string) => string | readonly string[];

export interface Options {
  readonly linktype: number;
  /** Whether the program is for a packet socket. */
  readonly live: boolean;
  /** The netmask for `ip broadcast`, as a number; undefined if it is not known. */
  readonly netmask: number | undefined;
  readonly resolve: Resolve | undefined;
}

export class Context {
  readonly expression: string;
  readonly options: Options;
  readonly values = new Values();
  readonly paths: Path[] = [{ number: 0, tag_size: 0, tunnel: undefined, has_inner_link: false }];
  /** Where the headers are: without a tunnel, and in each tunnel. */
  readonly #headers = new Map<Tunnel | undefined, Headers>();
  /** The tunnel that the expression entered last. */
  #inner: Tunnel | undefined;
  #words = 0;
  /** Where the part of the expression begins that is being compiled. */
  #column = 1;

  constructor(expression: string, headers: Headers, options: Options) {
    this.expression = expression;
    this.options = options;
    this.#headers.set(undefined, headers);
  }

  /** Sets the part of the expression to which errors belong. */
  at(token: Token): void {
    this.#column = token.at + 1;
  }

  /** Returns the error of that part. */
  error(reason: string, token?: Token): FilterError {
    return new FilterError(reason, this.expression, token === undefined ? this.#column : token.at + 1);
  }

  /** The headers that the expression speaks of at this point. */
  get headers(): Headers {
    return this.#headers_of(this.#inner);
  }

  #headers_of(tunnel: Tunnel | undefined): Headers {
    const headers = this.#headers.get(tunnel);
    if (headers === undefined) throw new Error('a path of no headers');
    return headers;
  }

  /**
   * Returns a condition for each path. On a path that did not enter the last tunnel, the condition is false if it makes no sense there.
   *
   * @throws FilterError
   */
  on_each_path(condition_at: (place: Place) => Condition, paths: readonly Path[] = this.paths): Condition {
    const [only, ...others] = paths;
    if (only !== undefined && others.length === 0) return condition_at(this.#place(only));
    const of = new Map<number, Condition>();
    for (const path of paths) {
      try {
        of.set(path.number, condition_at(this.#place(path)));
      } catch (error) {
        if (!(error instanceof FilterError) || path.tunnel === this.#inner) throw error;
        of.set(path.number, NEVER);
      }
    }
    return { kind: 'by_path', of };
  }

  #place(path: Path): Place {
    return new Place(this.#headers_of(path.tunnel), path, this.values);
  }

  /** Moves the headers for the rest of the expression, on all paths. */
  move(moved: (headers: Headers, tunnel: Tunnel | undefined) => Headers): void {
    for (const [tunnel, headers] of this.#headers) this.#headers.set(tunnel, moved(headers, tunnel));
  }

  /** Returns the number of a path, which is made if there is none. */
  path(tag_size: number, tunnel: Tunnel | undefined, has_inner_link: boolean): number {
    const same = (path: Path) =>
      path.tag_size === tag_size && path.tunnel === tunnel && path.has_inner_link === has_inner_link;
    const known = this.paths.find(same);
    if (known !== undefined) return known.number;
    const number = this.paths.length;
    this.paths.push({ number, tag_size, tunnel, has_inner_link });
    return number;
  }

  /** Makes a tunnel. */
  tunnel(): Tunnel {
    return { start: this.values.stored(this.word()), protocol: this.values.stored(this.word()) };
  }

  /** Enters a tunnel for the rest of the expression. */
  enter(tunnel: Tunnel, headers: Headers): void {
    this.#headers.set(tunnel, headers);
    this.#inner = tunnel;
  }

  /** Returns a word of scratch memory that nothing else uses. */
  word(): number {
    // Some words are left for arithmetic.
    if (this.#words === SCRATCH_WORDS - 4) throw this.error('the expression needs too much scratch memory');
    return this.#words++;
  }

  number(number: number): Value {
    return this.values.number(number);
  }

  /** Returns the bits of a value that a mask selects. */
  masked(value: Value, mask: number): Value {
    return this.values.binary('&', value, this.number(mask));
  }
}
