// Data connections: PASV, PORT, EPSV, EPRT.
import { isIPv4 } from 'node:net';
import {
  decode_extended,
  decode_host_port,
  encode_host_port,
  type HostPort,
  plain_address,
  with_interface,
} from '../../protocol/addresses.js';
import { type Reply, reply } from '../../protocol/replies.js';
import { ActiveChannel, PassiveChannel } from '../data/channel.js';
import type { Session } from '../session.js';
import type { Commands } from './command.js';

const AFTER_EPSV_ALL = reply(501, 'Only EPSV is accepted after EPSV ALL.');
/** Ports of services: nobody is to be able to have us connect to one (RFC 2577). */
const FIRST_PORT = 1024;
/** A passive port waits for its transfer this many times as long as a transfer for its connection. */
const LIFETIMES = 2;

/** Listens for the client. Returns the port, or the reply that says why not. */
async function listen(session: Session): Promise<number | Reply> {
  session.close_channel();
  const { arrival, config, registry } = session;
  const listener = await session.shared.ports.listen(session.bound);
  if (listener === undefined) {
    registry.count('ftp_passive_ports_exhausted_total', {});
    return reply(425, 'All passive ports are in use: try again later.');
  }
  session.channel = new PassiveChannel(listener, {
    // A proxy that has the client's data connections may be where they come from.
    allowed: new Set([arrival.address, arrival.peer]),
    lifetime: config.timeouts.data_connect * LIFETIMES,
    protection: () => session.data_protection(),
    on_stranger: (address) => {
      registry.count('ftp_data_strangers_total', {});
      session.audit('command', {
        name: 'PASV',
        reason: 'a data connection of another address was closed',
        stranger: address,
      });
    },
  });
  return (listener.getsockname() as [string, number])[1];
}

/** Remembers where the client listens. */
function connect_to(session: Session, target: HostPort): Reply {
  session.close_channel();
  const { active } = session.config;
  if (!active.enabled) return reply(502, 'Active data connections are not offered: use EPSV or PASV.');
  // The bounce attack: a third host would get what we send.
  if (plain_address(target.host) !== session.arrival.address)
    return reply(504, 'The address is not that of the control connection.');
  if (target.port < FIRST_PORT) return reply(504, `Ports below ${FIRST_PORT} are refused.`);
  const { bound } = session;
  const reachable = { host: with_interface(target.host, bound), port: target.port };
  session.channel = new ActiveChannel(reachable, { host: bound, port: active.port ?? 0 });
  return reply(200, 'The address is set.');
}

/** The number of EPRT and EPSV for the control connection's family. */
function family_of(session: Session): 1 | 2 {
  return isIPv4(session.bound) ? 1 : 2;
}

export const connections: Commands = {
  PASV: {
    syntax: '',
    argument: 'none',
    async run(session) {
      const { arrival, config, parameters } = session;
      if (parameters.epsv_all) return AFTER_EPSV_ALL;
      const host = config.passive.address ?? arrival.destination ?? session.bound;
      if (!isIPv4(host) || family_of(session) !== 1) return reply(501, 'PASV is for IPv4: use EPSV.');
      const port = await listen(session);
      if (typeof port !== 'number') return port;
      return reply(227, `Entering passive mode (${encode_host_port({ host, port })}).`);
    },
  },
  EPSV: {
    syntax: '[1 | 2 | ALL]',
    argument: 'optional',
    async run(session, argument) {
      const wanted = argument.trim().toUpperCase();
      const family = family_of(session);
      if (wanted === 'ALL') {
        session.parameters.epsv_all = true;
        return reply(200, 'Only EPSV is accepted from now on.');
      }
      if (wanted !== '' && !/^\d{1,5}$/.test(wanted)) return reply(501, 'EPSV, EPSV 1, EPSV 2 or EPSV ALL.');
      if (wanted !== '' && Number(wanted) !== family)
        return reply(522, `The network protocol is that of the control connection, use (${family})`);
      const port = await listen(session);
      return typeof port === 'number' ? reply(229, `Entering extended passive mode (|||${port}|)`) : port;
    },
  },
  PORT: {
    syntax: '<h1,h2,h3,h4,p1,p2>',
    argument: 'required',
    run(session, argument) {
      if (session.parameters.epsv_all) return AFTER_EPSV_ALL;
      const target = decode_host_port(argument);
      return target === undefined
        ? reply(501, 'PORT needs six numbers from 0 to 255, with commas between.')
        : connect_to(session, target);
    },
  },
  EPRT: {
    syntax: '|<1 or 2>|<address>|<port>|',
    argument: 'required',
    run(session, argument) {
      if (session.parameters.epsv_all) return AFTER_EPSV_ALL;
      const target = decode_extended(argument);
      if (target === undefined)
        return reply(501, 'EPRT |1|<IPv4 address>|<port>| or |2|<IPv6 address>|<port>|.');
      const family = family_of(session);
      if (target.family !== family)
        return reply(522, `The network protocol is that of the control connection, use (${family})`);
      return connect_to(session, target);
    },
  },
};
