// Security: AUTH, PBSZ, PROT, CCC (RFC 2228, RFC 4217).
import { reply } from '../../protocol/replies.js';
import type { Commands } from './command.js';

const MECHANISMS: Readonly<Record<string, 'C' | 'P'>> = { TLS: 'C', 'TLS-C': 'C', SSL: 'P', 'TLS-P': 'P' };

export const security: Commands = {
  AUTH: {
    syntax: 'TLS',
    argument: 'required',
    before_login: true,
    async run(session, argument) {
      if (session.arrival.listen.tls === 'none') return reply(502, 'TLS is not offered here.');
      if (session.control.secure !== undefined) return reply(503, 'The connection is protected already.');
      const protection = MECHANISMS[argument.trim().toUpperCase()];
      if (protection === undefined) return reply(504, 'Only AUTH TLS is supported.');
      // What was said without protection is forgotten: anybody may have said it.
      session.reset();
      await session.send(reply(234, 'Begin the TLS handshake.'));
      await session.start_tls();
      session.protection = protection;
      session.has_pbsz = protection === 'P';
      return undefined;
    },
  },
  PBSZ: {
    syntax: '0',
    argument: 'required',
    before_login: true,
    run(session, argument) {
      if (session.control.secure === undefined) return reply(503, 'Use AUTH TLS first.');
      if (!/^\d{1,10}$/.test(argument.trim())) return reply(501, 'PBSZ needs a number.');
      session.has_pbsz = true;
      return reply(200, 'PBSZ=0');
    },
  },
  PROT: {
    syntax: 'C | P',
    argument: 'required',
    before_login: true,
    run(session, argument) {
      if (session.control.secure === undefined) return reply(503, 'Use AUTH TLS first.');
      if (!session.has_pbsz) return reply(503, 'Use PBSZ 0 first.');
      const level = argument.trim().toUpperCase();
      if (level === 'S' || level === 'E') return reply(536, 'TLS has the levels C and P.');
      if (level !== 'C' && level !== 'P') return reply(504, 'PROT C or P.');
      if (level === 'C' && session.needs_protection)
        return reply(534, 'Data connections have to be protected.');
      session.protection = level;
      return reply(200, `Data connections are ${level === 'P' ? 'protected' : 'not protected'}.`);
    },
  },
  CCC: {
    syntax: '',
    argument: 'none',
    before_login: true,
    run(session) {
      return session.control.secure === undefined
        ? reply(533, 'The connection is not protected.')
        : reply(534, 'The control connection stays protected.');
    },
  },
};
