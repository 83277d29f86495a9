// The loop of a session: lines become commands, commands become replies, one after the other and in their order. Two things do not wait for
// their turn: ABOR ends the transfer that runs when its line comes (its reply has its turn), and STAT tells of it.
import { OSError } from 'bsd-sockets/promises';
import { type Reply, ReplyError, reply } from '../protocol/replies.js';
import { split_command } from '../protocol/telnet.js';
import { type Command, file_refusal, shown_name } from './commands/command.js';
import { status } from './commands/service.js';
import { table } from './commands/table.js';
import type { Input } from './control.js';
import type { Session } from './session.js';
import { aborted } from './transfer/transfer.js';

/** The verb, whatever Telnet or a client has put before it: some send ABOR behind bytes of a Synch. */
const is_verb = (text: string, verb: string) => split_command(text).verb.trimEnd() === verb;

function watch(session: Session): void {
  session.control.events = {
    on_line(text, number, is_next) {
      if (is_verb(text, 'ABOR')) {
        session.abort_before = number;
        session.transfer?.abort(aborted());
        return false;
      }
      if (session.transfer === undefined || !is_next || text.trim().toUpperCase() !== 'STAT') return false;
      return session.tell(() => status(session));
    },
    on_end(waiting) {
      // A client that has said QUIT may end its side, and waits for what it has begun. What that means for an upload: transfer/upload.ts.
      if (waiting.some((input) => input.kind === 'line' && is_verb(input.text, 'QUIT'))) return;
      session.lose(new Error('The control connection has ended.'));
    },
  };
}

/** Returns what is wrong with how a command was said; undefined if nothing is. */
function misuse(
  session: Session,
  verb: string,
  command: Command | undefined,
  argument: string,
): Reply | undefined {
  if (command === undefined) {
    const text = `${shown_name(verb.slice(0, 20))} is not known: HELP names all commands.`;
    return reply(500, text);
  }
  if (command.before_login !== true && session.user === undefined)
    return reply(530, 'Log in with USER and PASS first.');
  if (command.argument === 'none' && argument.trim() !== '') return reply(501, `${verb} takes no argument.`);
  if (command.argument === 'required' && argument === '')
    return reply(501, `Syntax: ${verb} ${command.syntax}`);
  return undefined;
}

/** Runs a command. Returns its reply; undefined if it has been sent. */
async function run(session: Session, command: Command, argument: string): Promise<Reply | undefined> {
  try {
    return await command.run(session, argument);
  } catch (error) {
    if (error instanceof ReplyError) return error.reply;
    const refusal = file_refusal(error, command.refusal ?? 550);
    if (refusal !== undefined) return refusal;
    // TLS of the control connection has failed, or the session was ended from outside.
    if (session.control.is_ended || session.is_destroyed) return undefined;
    if (!(error instanceof OSError)) session.shared.report(error);
    return reply(451, 'The server could not do it.');
  }
}

async function execute(session: Session, text: string): Promise<void> {
  const { verb, argument } = split_command(text);
  const command = table.get(verb);
  const { registry, parameters } = session;
  const shown = command?.is_secret === true ? '***' : argument;
  // A client makes up what it likes: the counter has the commands that there are.
  registry.count('ftp_commands_total', { name: command === undefined ? 'unknown' : verb });
  registry.update(session.id, { command: `${verb} ${shown}`.trim().slice(0, 300) });
  // RNTO has to follow RNFR at once.
  if (verb !== 'RNTO') parameters.rename_from = undefined;
  const answer =
    misuse(session, verb, command, argument) ??
    (command === undefined ? undefined : await run(session, command, argument));
  if (answer !== undefined) await session.send(answer);
  session.audit('command', { name: verb.slice(0, 20), argument: shown.slice(0, 1000), code: answer?.code });
  registry.update(session.id, { command: 'idle' });
}

/** Takes what has come. Returns false at the end of the session. */
async function take(session: Session, input: Input): Promise<boolean> {
  switch (input.kind) {
    case 'line':
      await execute(session, input.text);
      return true;
    case 'too long':
      await session.send(reply(500, 'Line too long.'));
      return true;
    case 'malformed':
      await session.send(reply(501, 'The line has a NUL.'));
      return true;
    case 'flood':
      await session.send(reply(421, 'Line too long: the connection is closed.'));
      return false;
    case 'timeout':
      await session.send(reply(421, 'Timeout: the connection is closed.'));
      return false;
    case 'end':
      return false;
  }
}

/** Seconds until the session ends if nothing comes. @param began_ms when it began */
function patience(session: Session, began_ms: number): number {
  const { idle, login, session: total, drain_idle } = session.config.timeouts;
  const age = (performance.now() - began_ms) / 1000;
  const waits = [idle];
  if (session.is_draining) waits.push(drain_idle);
  if (session.user === undefined) waits.push(login - age);
  if (total !== null) waits.push(total - age);
  return Math.max(0, Math.min(...waits));
}

/** Reads and runs commands until the session ends. */
async function converse(session: Session): Promise<void> {
  const began_ms = performance.now();
  const { session: total } = session.config.timeouts;
  const limit =
    total === null
      ? undefined
      : setTimeout(
          () => session.transfer?.abort(new Error('The time of the session is over.')),
          total * 1000,
        );
  try {
    for (;;) {
      if (session.ending !== undefined) return;
      const was_draining = session.is_draining;
      const input = session.is_drained ? undefined : await session.control.next(patience(session, began_ms));
      if (input?.kind === 'timeout' && session.is_draining && !was_draining) continue;
      if (input === undefined || (input.kind === 'timeout' && session.is_draining)) {
        await session.send(reply(421, 'The server ends its sessions: connect again.'));
        return;
      }
      if (!(await take(session, input))) return;
    }
  } finally {
    clearTimeout(limit);
  }
}

/** Greets a client, and serves it to the end of its session. */
export async function serve_session(session: Session): Promise<void> {
  const { registry, arrival, config } = session;
  const entered = await registry.enter(arrival.address, arrival.port);
  if ('refused' in entered) {
    registry.audit({ event: 'refused', session: '', address: arrival.address, reason: entered.refused });
    await session.control.send(reply(421, `Service not available: ${entered.refused}.`));
    await session.control.close();
    return;
  }
  session.id = entered.id;
  session.audit('connect', { port: arrival.port });
  session.shared.join(session);
  watch(session);
  try {
    if (arrival.listen.tls === 'implicit') {
      await session.start_tls();
      session.protection = 'P';
      session.has_pbsz = true;
    } else session.control.begin();
    await session.send(reply(220, ...config.welcome.split(/\r?\n/)));
    await converse(session);
    await session.control.close(session.ending === 'quit');
  } catch (error) {
    if (!(error instanceof OSError)) throw error;
  } finally {
    session.shared.leave(session);
    session.destroy();
    session.audit('disconnect', {});
    registry.leave(session.id);
  }
}
