// What can go wrong for a client, as one class: `kind` says what failed, so that a program (and the exit code of ftpc) can tell the cases
// apart without reading texts.
import type { Reply } from '../protocol/reply_parser.js';

/**
 * - connect: no connection, or it was lost
 * - tls: TLS, or the server's certificate
 * - login: the name or the password
 * - not-found: the server has no such file or folder
 * - refused: another answer that says no
 * - transfer: a data connection that failed, or data that is not complete
 * - verify: what arrived is not what was sent
 * - protocol: an answer or a listing that is not FTP, or has no end
 * - timeout: the server is silent
 */
export type FailureKind =
  | 'connect'
  | 'tls'
  | 'login'
  | 'not-found'
  | 'refused'
  | 'transfer'
  | 'verify'
  | 'protocol'
  | 'timeout';

/** A failure of the connection, the server or a transfer. */
export class FTPError extends Error {
  override readonly name = 'FTPError';
  readonly kind: FailureKind;
  /** The answer that said so. */
  readonly reply: Reply | undefined;

  constructor(
    kind: FailureKind,
    message: string,
    options: { cause?: unknown; reply?: Reply | undefined } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.reply = options.reply;
  }
}

/** Returns the text of anything that was thrown. */
export function message_of(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Returns the error of an answer that says no to a command. */
export function refusal(command: string, reply: Reply, kind?: FailureKind): FTPError {
  const text = `${command}: ${reply.code} ${reply.lines.join(' ')}`;
  return new FTPError(kind ?? kind_of(reply), text, { reply });
}

// 550 stands for both "there is none" and "you may not". Most servers say which in words.
const MISSING = /no such (file|directory|folder)|not found|does not exist/i;
const FORBIDDEN = /permission|denied|not permitted|forbidden|privileges|read.?only|quota|exists|not empty/i;

function kind_of({ code, lines }: Reply): FailureKind {
  if (code === 530 || code === 532) return 'login';
  if (code === 421) return 'connect';
  if (code === 425 || code === 426 || code === 451 || code === 452 || code === 552) return 'transfer';
  // pyftpdlib says it with 501.
  if (code >= 500 && lines.some((line) => MISSING.test(line))) return 'not-found';
  if (code === 550 && !lines.some((line) => FORBIDDEN.test(line))) return 'not-found';
  return 'refused';
}
