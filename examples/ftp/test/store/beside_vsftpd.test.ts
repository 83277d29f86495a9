// The same session with vsftpd and with ftpd: each command succeeds or fails with both, and both homes have the same files afterwards.
// An upload that goes on ends here behind the old end: before it, vsftpd leaves the rest of the old file, and ftpd has what was sent (RFC 3659, 5.4:
// undefined). The byte 0xFF is in no name here: in ftpd it is Telnet's IAC (RFC 959), which vsftpd takes for a byte as others.
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { missing, start_ftpd, start_vsftpd, type TestServer } from '../client/servers.js';

/** What each server finds in its folder. */
function prepare(folder: string): void {
  mkdirSync(join(folder, 'dir'));
  writeFileSync(join(folder, 'dir', 'in'), 'inside');
  writeFileSync(join(folder, 'old'), 'old content');
  writeFileSync(join(folder, 'other'), 'other');
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.of(0xe9)]), 'latin');
  symlinkSync('dir/in', join(folder, 'link'));
  symlinkSync('dir', join(folder, 'linkdir'));
  symlinkSync('../../../secret', join(folder, 'out'));
  symlinkSync('nowhere', join(folder, 'broken'));
  symlinkSync('loop', join(folder, 'loop'));
  spawnSync('mkfifo', [join(folder, 'fifo')]);
  for (const name of ['old', 'other', 'dir/in']) chmodSync(join(folder, name), 0o666);
  for (const name of ['dir', 'fifo']) chmodSync(join(folder, name), 0o777);
}

/** Steps: a command without data, or with what is sent; Python says bytes in Latin-1, as they are. */
const STEPS: readonly (readonly [command: string, sent?: string, rest?: number])[] = [
  ['SIZE old'],
  ['SIZE dir'],
  ['SIZE nothing'],
  ['SIZE link'],
  ['SIZE out'],
  ['SIZE fifo'],
  ['MDTM old'],
  ['MDTM nothing'],
  ['RETR old'],
  ['RETR dir'],
  ['RETR nothing'],
  ['RETR link'],
  ['RETR linkdir/in'],
  ['RETR out'],
  ['RETR broken'],
  ['RETR loop'],
  ['RETR fifo'],
  ['RETR ../../../../../etc/passwd'],
  ['RETR caf\xe9'],
  ['RETR dir/../old'],
  ['STOR new', 'new content'],
  ['STOR old', 'short'],
  ['STOR old', 'XY and further', 2],
  ['STOR dir', 'x'],
  ['STOR nowhere/new', 'x'],
  ['STOR \xfe\x80', 'bytes'],
  ['STOR linkdir/through', 'through'],
  ['APPE new', ' and more'],
  ['APPE appended', 'first'],
  ['DELE dir'],
  ['DELE nothing'],
  ['RMD dir'],
  ['RMD old'],
  ['RMD nothing'],
  ['MKD made'],
  ['MKD made'],
  ['MKD nowhere/made'],
  ['MKD made/deeper'],
  ['RMD made/deeper'],
  ['RNFR nothing'],
  ['RNFR new'],
  ['RNTO renamed'],
  ['RNFR renamed'],
  ['RNTO other'],
  ['RNFR other'],
  ['RNTO nowhere/x'],
  ['RNFR dir'],
  ['RNTO dir/inner'],
  ['RNFR dir'],
  ['RNTO moved'],
  ['RNFR caf\xe9'],
  ['RNTO th\xe9'],
  ['DELE broken'],
  ['DELE loop'],
  ['CWD moved'],
  ['CWD in'],
  ['CWD ..'],
  ['CWD out'],
  ['CWD nothing'],
  ['NLST'],
];

const SCENARIO = `
import ftplib, io, json, sys
port, remote, user, password, steps = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], json.loads(sys.argv[5])
ftp = ftplib.FTP(encoding='latin-1')
ftp.connect('127.0.0.1', port, timeout=30)
ftp.login(user, password)
ftp.cwd(remote)
ftp.voidcmd('TYPE I')
results = []
for command, *data in steps:
    verb = command.split()[0]
    try:
        if verb in ('RETR', 'NLST'):
            got = []
            ftp.retrbinary(command, got.append)
            text = b''.join(got).decode('latin-1')
            result = sorted(text.split()) if verb == 'NLST' else text
        elif data:
            ftp.storbinary(command, io.BytesIO(data[0].encode('latin-1')), rest=data[1] if len(data) > 1 else None)
            result = 'stored'
        else:
            reply = ftp.sendcmd(command)
            result = reply if verb == 'SIZE' else reply[0]
    except ftplib.all_errors as error:
        result = 'refused' if str(error)[:1] == '5' else repr(error)
    results.append(result)
ftp.quit()
print(json.dumps(results))`;

function run_scenario({ port, remote, user, password }: TestServer): unknown[] {
  const args = [String(port), remote, user ?? 'anonymous', password ?? 'x', JSON.stringify(STEPS)];
  const { stdout, stderr } = spawnSync('python3', ['-c', SCENARIO, ...args], {
    encoding: 'utf8',
    timeout: 50_000,
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

/** All that is in a folder: names as bytes in Latin-1, with what they have. */
function tree(folder: string, prefix = ''): string[] {
  return readdirSync(folder, { withFileTypes: true, encoding: 'latin1' })
    .flatMap((entry) => {
      const bytes = Buffer.from(`${folder}/${entry.name}`, 'latin1');
      const name = `${prefix}${entry.name}`;
      if (entry.isDirectory()) return [`${name}/`, ...tree(bytes.toString('latin1'), `${name}/`)];
      if (entry.isSymbolicLink()) return [`${name} -> ${readlinkSync(bytes)}`];
      return [entry.isFile() ? `${name}: ${readFileSync(bytes, 'latin1')}` : `${name} special`];
    })
    .sort();
}

it('does what vsftpd does', async (context) => {
  const why = missing('vsftpd');
  if (why !== undefined) context.skip(why);
  const vsftpd = await start_vsftpd();
  onTestFinished(() => vsftpd.stop());
  const ftpd = await start_ftpd(undefined);
  onTestFinished(() => ftpd.stop());
  // One directory below the home, as with vsftpd.
  const folder = join(ftpd.folder, 'up');
  mkdirSync(folder);
  const servers = [vsftpd, { ...ftpd, folder, remote: '/up' }];
  for (const { folder } of servers) prepare(folder);
  const [theirs, ours] = servers.map(run_scenario);
  const line = ([command, sent, rest]: (typeof STEPS)[number], result: unknown) =>
    `${command}${sent === undefined ? '' : ` <- ${sent}`}${rest === undefined ? '' : ` at ${rest}`}: ${JSON.stringify(result)}`;
  const lines = (results: unknown[] | undefined) => STEPS.map((step, i) => line(step, results?.[i]));
  expect(lines(ours)).toEqual(lines(theirs));
  const [their_tree, our_tree] = servers.map(({ folder }) => tree(folder));
  expect(our_tree).toEqual(their_tree);
});
