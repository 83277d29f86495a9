// A process that appends records: node append.mjs PATH NAME COUNT. With COUNT 0 it appends until it is killed.
import { LogWriter } from '../../dist/log/index.js';

const [path, name, count] = process.argv.slice(2);
const log = new LogWriter(path);
for (let at = 0; Number(count) === 0 || at < Number(count); at += 1) {
  await log.append({
    operation: name,
    kind: 'host',
    action: 'run',
    who: 'ann',
    host: `h${at}`,
    result: 'ok',
  });
  process.stdout.write('.');
}
