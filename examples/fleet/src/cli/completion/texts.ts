// What completion says of commands and options, and what the value of an option is. The options themselves are in options.ts.

/** What a value is: `hosts` is a node set, `class` a list of failure classes, `result` the same with ok and failed. */
export type ValueKind = 'hosts' | 'group' | 'file' | 'class' | 'result' | 'action' | 'text';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const COMMAND_TEXTS: Readonly<Record<string, string>> = {
  run: 'run a command on hosts',
  put: 'a file or folder to hosts',
  get: 'a file or folder from hosts',
  clean: 'remove parts that transfers have left',
  retry: 'the last operation again, on the hosts where it failed',
  nodes: 'the hosts of a set',
  log: 'what was done',
  completion: 'the completion of a shell',
  help: 'all options',
};

interface OptionText {
  readonly text: string;
  /** of an option with a value. Default: any text */
  readonly value?: ValueKind;
}

export const OPTION_TEXTS: Readonly<Record<string, OptionText>> = {
  inventory: { text: 'file of hosts and groups', value: 'file' },
  exclude: { text: 'without these hosts', value: 'hosts' },
  pick: { text: 'so many of the hosts, at random' },
  user: { text: 'name there' },
  port: { text: 'port of SSH' },
  config: { text: 'file of ssh_config(5)', value: 'file' },
  fanout: { text: 'hosts at once (64)' },
  'connect-timeout': { text: 'seconds to connect and to be let in (10)' },
  timeout: { text: 'seconds for the command or the transfer' },
  inactivity: { text: 'seconds in which nothing comes' },
  serial: { text: 'hosts of a batch' },
  canary: { text: 'hosts that go first, and must succeed' },
  'max-failures': { text: 'failures, N or N%, after which no host begins' },
  retry: { text: 'attempts more, of each host' },
  stdin: { text: 'standard input to all' },
  pty: { text: 'in a pseudo-terminal' },
  sudo: { text: 'as root, by sudo' },
  'sudo-user': { text: 'as this user, by sudo' },
  'sudo-password-fd': { text: "descriptor that sudo's password is read from" },
  gather: { text: 'equal outputs once' },
  ordered: { text: 'output in the order of the hosts, at the end' },
  'no-prefix': { text: 'output without the names of hosts' },
  diff: { text: 'what differs from the output of most hosts' },
  json: { text: 'JSON, one object a line' },
  'dry-run': { text: 'only say what would be done' },
  'accept-new': { text: 'add the keys of unknown hosts to known_hosts' },
  password: { text: 'ask for a password' },
  'password-fd': { text: 'descriptor that the password is read from' },
  'no-delta': { text: 'whole files, also where parts are equal' },
  'max-bytes': { text: 'refuse more than so many bytes of a host' },
  older: { text: 'parts of this age, as 2h or 7d (1d)' },
  here: { text: 'a folder of this machine' },
  log: { text: 'file of the log', value: 'file' },
  'no-log': { text: 'write no log' },
  class: { text: 'failure classes, as unreachable,timed-out', value: 'result' },
  fold: { text: 'in short, as web[01-12]' },
  expand: { text: 'one name a line' },
  count: { text: 'only how many' },
  host: { text: 'of these hosts', value: 'hosts' },
  group: { text: 'of hosts of this group', value: 'group' },
  since: { text: 'not older: 2h, 7d, 2026-11-30, 2026-11-30T14:00' },
  until: { text: 'older: 2h, 7d, 2026-11-30, 2026-11-30T14:00' },
  text: { text: 'part of the command, the source or the target' },
  who: { text: 'of this user, also by sudo' },
  action: { text: 'run, put, get or clean', value: 'action' },
  operation: { text: 'identifier of an operation' },
  last: { text: 'only the last so many' },
  first: { text: 'number of the first record, if older files are gone on purpose' },
  expect: { text: 'the last record of an earlier verification, N:HASH' },
};
