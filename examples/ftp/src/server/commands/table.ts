// All commands, and HELP, which tells of them.
import { type Reply, reply } from '../../protocol/replies.js';
import { access } from './access.js';
import { changes } from './changes.js';
import type { Command, Commands } from './command.js';
import { connections } from './connections.js';
import { facts } from './facts.js';
import { listings } from './listings.js';
import { navigation } from './navigation.js';
import { parameters } from './parameters.js';
import { security } from './security.js';
import { service } from './service.js';
import { transfers } from './transfers.js';

const PER_LINE = 10;

function help(argument: string): Reply {
  const name = argument.trim().toUpperCase();
  const command = table.get(name);
  if (command !== undefined) return reply(214, `Syntax: ${name} ${command.syntax}`.trimEnd());
  if (name !== '') return reply(501, 'No such command: HELP alone names all.');
  const names = [...table.keys()].sort();
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += PER_LINE)
    lines.push(
      names
        .slice(i, i + PER_LINE)
        .map((one) => one.padEnd(5))
        .join('')
        .trimEnd(),
    );
  return reply(214, 'The commands:', ...lines, 'End');
}

const HELP: Commands = {
  HELP: {
    syntax: '[<command>]',
    argument: 'optional',
    before_login: true,
    run: (_session, argument) => help(argument),
  },
};

/** The commands by name. */
export const table: ReadonlyMap<string, Command> = new Map(
  [
    access,
    security,
    parameters,
    connections,
    transfers,
    listings,
    navigation,
    changes,
    facts,
    service,
    HELP,
  ].flatMap((commands) => Object.entries(commands)),
);
