// Runs the steps of one scenario with bsd-sockets: the other half of run.py, which says what goes in and what comes out.
// Plain JavaScript, so that every supported Node runs it as it is, in an emulated guest too. Keep the helpers at the end
// in step with those of run.py.

import { readFileSync, writeSync } from 'node:fs';
import * as socket from 'bsd-sockets/socket';

/** The value as JSON that means the same in both languages. */
function plain(value) {
  if (ArrayBuffer.isView(value))
    return { bytes: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex') };
  if (value instanceof socket.socket) return `socket(${value.family}, ${value.type}, ${value.proto})`;
  if (Array.isArray(value)) return value.map(plain);
  if (value === undefined) return 'undefined';
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  return value;
}

/** What is compared of an error: its class, and the errno where the kernel gave one (see run.py). */
function failure(error) {
  const refused = error instanceof TypeError || error instanceof RangeError;
  return {
    error: refused ? 'argument' : error.constructor.name,
    errno: error.errno ?? null,
    message: error.message,
  };
}

/** Evaluates a line of a scenario with the names of `scope` as its variables. */
function evaluate(expression, scope) {
  return new Function(...Object.keys(scope), `return (${expression})`)(...Object.values(scope));
}

const print = (record) => writeSync(1, `${JSON.stringify(record)}\n`);

const scope = {
  ...socket,
  None: null,
  True: true,
  False: false,
  len: (value) => value.length,
  address: (...parts) => parts,
  hex: (digits) => Buffer.from(digits.replaceAll(' ', ''), 'hex'),
  text: (characters) => Buffer.from(characters),
  integer: (digits) => BigInt(digits),
  sendmsg_afalg: (sock, buffers, op, iv) => sock.sendmsg_afalg(buffers, { op, iv }),
  sendmsg_aead: (sock, buffers, op, iv, assoclen) => sock.sendmsg_afalg(buffers, { op, iv, assoclen }),
};

print({ version: process.version });
for (const step of JSON.parse(readFileSync(0, 'utf8'))) {
  const result = { line: step.line };
  try {
    const value = evaluate(step.expression, scope);
    const values = step.names.length > 1 ? value : [value];
    for (const [i, name] of step.names.entries()) scope[name] = values[i];
    result.value = value === undefined ? null : plain(value);
    if (step.expected) result.expected = plain(evaluate(step.expected, scope));
  } catch (error) {
    Object.assign(result, failure(error));
  }
  print(result);
  if (result.error && !step.fails) break;
}
process.reallyExit(0); // no ResourceWarnings, no waiting for lingering sockets: the kernel closes them
