// end_command: ends a command that runs on a host, with its children. The end of a connection does not end it: without a pseudo-terminal
// it would run on. OpenSSH takes a signal for the process group of a command (RFC 4254, section 6.9) since 7.9, and root's since 9.8; before,
// a second command ends the groups of the first one. That is not done where the signal is taken: a forced command, which takes none, would be
// run once more.

import type { ClientChannel } from 'ssh2';
import { shell_word } from '../files/shell.js';
import type { Connection } from '../ssh/connect.js';

/** Seconds from SIGTERM to SIGKILL. */
const GRACE = 5;
/** Seconds in which the end of a command is told when it has been killed. */
const ANSWER = 5;

/**
 * Ends a command: by SIGTERM, and by SIGKILL after GRACE seconds.
 *
 * @param channel that of the command
 * @param ended is resolved when the command has ended, or nothing more can be heard of it
 * @returns whether it has ended, as far as the host says
 */
export async function end_command(
  { client, host }: Connection,
  channel: ClientChannel,
  ended: Promise<boolean>,
): Promise<boolean> {
  const within = (seconds: number) => settled_within(ended, seconds);
  if (takes_signals(Reflect.get(client, '_remoteVer'), host.user)) {
    send_signal(client, channel, 'TERM');
    if (await within(GRACE)) return ended;
    send_signal(client, channel, 'KILL');
  } else {
    try {
      client.exec(`exec /bin/sh -c ${shell_word(KILLER)}`, (error, killer) => {
        if (error) return;
        killer.on('error', () => {}).resume();
        killer.stderr.resume();
        killer.end();
      });
    } catch {
      // There is no connection any more.
    }
    if (await within(GRACE)) return ended;
  }
  return (await within(ANSWER)) ? ended : false;
}

/** @param software what the server calls itself, as ssh2 keeps it: 'OpenSSH_9.2p1 Debian-2' */
function takes_signals(software: unknown, user: string): boolean {
  const [, major, minor] = /^OpenSSH_(\d+)\.(\d+)/.exec(String(software)) ?? [];
  if (major === undefined) return true;
  const version = Number(major) * 100 + Number(minor);
  return version >= (user === 'root' ? 908 : 709);
}

/** ssh2's Channel.signal() sends nothing once standard input has ended, as it has for most commands. The protocol allows it until the close. */
function send_signal(client: Connection['client'], channel: ClientChannel, name: 'TERM' | 'KILL'): void {
  const protocol: unknown = Reflect.get(client, '_protocol');
  const outgoing: unknown = Reflect.get(channel, 'outgoing');
  if (typeof protocol !== 'object' || !protocol || typeof outgoing !== 'object' || !outgoing) return;
  const state: unknown = Reflect.get(outgoing, 'state');
  const send: unknown = Reflect.get(protocol, 'signal');
  if ((state !== 'open' && state !== 'eof') || typeof send !== 'function') return;
  send.call(protocol, Reflect.get(outgoing, 'id'), name);
}

/**
 * For a POSIX shell: sshd has made each command the leader of a group of its own, and is the parent of this shell, too. The groups that other
 * children of that sshd lead get SIGTERM, and SIGKILL if they are there after GRACE seconds. Without ps, it reads /proc.
 *
 * Where that sshd has gone before this shell began, its parent is init or another process, whose children are nobody's business: so the parent
 * must be an sshd, and not the first process of the system.
 */
export const KILLER = [
  '[ "$PPID" -gt 1 ] || exit 0;',
  'read -r name 2>/dev/null </proc/$PPID/comm || name=$(ps -o comm= -p "$PPID" 2>/dev/null);',
  'case $name in sshd|sshd-session|*/sshd|*/sshd-session) ;; *) exit 0;; esac;',
  'processes() { if ps -A -o pid= >/dev/null 2>&1; then ps -A -o pid= -o ppid= -o pgid=; else',
  "sed 's/ (.*) . / /' /proc/[0-9]*/stat 2>/dev/null; fi; };",
  'groups=$(processes | while read -r pid parent group rest; do',
  '[ "$parent" = "$PPID" ] && [ "$pid" = "$group" ] && [ "$pid" != $$ ] && [ "$pid" -gt 1 ] && echo "-$group"; done);',
  '[ -n "$groups" ] || exit 0;',
  'kill -TERM $groups;',
  `for i in ${Array.from({ length: GRACE }, (_, index) => index).join(' ')};`,
  'do sleep 1; kill -0 $groups 2>/dev/null || exit 0; done;',
  'kill -KILL $groups',
].join(' ');

/** Returns whether it is settled in so many seconds. */
export async function settled_within(promise: Promise<unknown>, seconds: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), seconds * 1000);
  });
  try {
    return await Promise.race([promise.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
