// Commands of access: USER, PASS, ACCT, REIN, QUIT.
import { setTimeout as sleep } from 'node:timers/promises';
import { type Reply, reply } from '../../protocol/replies.js';
import type { User } from '../../store/types.js';
import type { Session } from '../session.js';
import type { Commands } from './command.js';

const MAX_NAME = 256;

/** Logs a user in, unless limits or TLS are against it. @param code of the reply */
async function enter(session: Session, user: User, code: number): Promise<Reply> {
  if (user.tls_required === true && session.control.secure === undefined)
    return reply(530, 'This user has to log in over TLS: use AUTH TLS.');
  const refused = await session.registry.log_in(session.id, {
    name: user.name,
    max_sessions: user.max_sessions,
  });
  if (refused !== undefined) return reply(530, `Log-in refused: ${refused}.`);
  await session.logged_in(user);
  const welcome = user.welcome?.split(/\r?\n/) ?? [];
  return reply(code, ...welcome, 'User logged in.');
}

async function failed(session: Session, name: string): Promise<Reply> {
  session.failed_logins++;
  session.audit('login-failed', { name });
  const { delay_s, banned } = await session.registry.log_in_failed(session.id, name);
  if (delay_s > 0)
    await sleep(delay_s * 1000, undefined, { signal: session.signal, ref: false }).catch(() => {});
  if (!banned && session.failed_logins < session.config.limits.failed_logins)
    return reply(530, 'Name or password is wrong.');
  session.ending = 'told';
  return reply(421, 'Too many failed log-ins: the connection is closed.');
}

export const access: Commands = {
  USER: {
    syntax: '<name>',
    argument: 'required',
    before_login: true,
    async run(session, name) {
      if (name.length > MAX_NAME) return reply(501, 'The name is too long.');
      const { secure } = session.control;
      if (session.needs_tls && secure === undefined)
        return reply(530, 'Log in over TLS: use AUTH TLS first.');
      session.log_out();
      session.name = name;
      const certificate = secure?.authorized === true ? secure.getpeercert() : null;
      if (certificate !== null) {
        const { fingerprint256, subject } = certificate;
        const user = await session.shared.users.of_certificate(name, {
          fingerprint256,
          subject: Object.entries(subject)
            .flatMap(([name, values]) => [values].flat().map((value) => `${name}=${value}`))
            .join('\n'),
        });
        if (user !== undefined) return enter(session, user, 232);
      }
      return reply(331, 'Send the password.');
    },
  },
  PASS: {
    syntax: '<password>',
    argument: 'optional',
    before_login: true,
    is_secret: true,
    async run(session, password) {
      const { name } = session;
      if (session.user !== undefined) return reply(503, 'You are logged in already.');
      if (name === undefined) return reply(503, 'Send USER first.');
      session.name = undefined;
      const user = await session.shared.users.authenticate(name, password);
      if (user === undefined) return failed(session, name);
      return enter(session, user, 230);
    },
  },
  ACCT: {
    syntax: '<account>',
    argument: 'required',
    before_login: true,
    is_secret: true,
    run(session) {
      if (session.user !== undefined) return reply(202, 'No account is needed.');
      return session.name === undefined
        ? reply(530, 'Log in with USER and PASS first.')
        : reply(503, 'Send the password by PASS.');
    },
  },
  REIN: {
    syntax: '',
    argument: 'none',
    before_login: true,
    run(session) {
      session.reset();
      return reply(220, 'Ready for a new user.');
    },
  },
  QUIT: {
    syntax: '',
    argument: 'none',
    before_login: true,
    run(session) {
      session.ending = 'quit';
      return reply(221, 'Goodbye.');
    },
  },
};
