// npm run guard [-- --record]: what a call of each hot path takes (see measure.mjs), beside the record in git. Ends with 1 if one is further
// above the record than it may be (FIGURES in record.mjs). A change that means that records it anew in the same commit.
//
//   --record   writes the record
//   --bytes    without valgrind: only the bytes of the heap
import { parseArgs } from 'node:util';
import { find_valgrind, measure } from './measure.mjs';
import { compare, read_record, table, write_record } from './record.mjs';

const { values: options } = parseArgs({
  options: { record: { type: 'boolean', default: false }, bytes: { type: 'boolean', default: false } },
});
const valgrind = options.bytes ? undefined : await find_valgrind();
if (valgrind === undefined && (options.record || !options.bytes)) {
  console.error('needs valgrind (apt-get install valgrind); without it: npm run guard -- --bytes');
  process.exit(2);
}
const measured = await measure(valgrind !== undefined);
console.log(table(measured));
if (options.record) {
  write_record(measured);
  console.log('recorded');
} else {
  const { worse, better, left_out } = compare(measured, read_record());
  for (const line of left_out) console.log(`not compared: ${line}`);
  for (const line of better) console.log(`better: ${line}`);
  for (const line of worse) console.log(`worse: ${line}`);
  if (worse.length + better.length > 0) console.log('If that is meant: npm run guard -- --record');
  if (worse.length > 0) process.exitCode = 1;
}
