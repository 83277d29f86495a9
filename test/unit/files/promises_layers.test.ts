// Files of promises beside reading and writing: detach() and the files below, reconfigure(), and the operations that sockets
// lack.
import * as promises from 'bsd-sockets/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

let a: promises.socket<1>;
let b: promises.socket<1>;
beforeEach(() => {
  [a, b] = promises.socketpair();
});
afterEach(() => {
  a.close();
  b.close();
});

describe('the files below', () => {
  test('a text file has a binary one, and that one without a buffer; they share the socket', async () => {
    const text = a.makefile('w');
    const { buffer } = text;
    expect(buffer).toBeInstanceOf(promises.BufferedFile);
    expect(text.buffer).toBe(buffer);
    expect(buffer?.raw).toBeInstanceOf(promises.SocketIO);
    expect(buffer?.raw).toBe(buffer?.raw);
    expect([text.name, buffer?.name, buffer?.raw?.name]).toEqual(Array(3).fill(a.fileno()));
    await text.write('text ');
    await text.flush();
    await buffer?.write(Buffer.from('bytes '));
    await text.write('text');
    await text.flush();
    expect(String(await b.recv(100))).toBe('text bytes text');
    a.close();
    expect(a.fileno()).toBeGreaterThan(-1);
    await buffer?.close();
    expect(text.closed).toBe(true);
    expect(text.name).toBe(-1);
    expect(a.fileno()).toBe(-1);
  });

  test('what a text file has not read is in the binary one', async () => {
    const text = a.makefile('r', null, { encoding: 'latin-1' });
    await b.sendall('bytes of the buffer');
    expect(String(await text.buffer?.read(6))).toBe('bytes ');
    expect(await text.read(2)).toBe('of');
  });

  test('detach() flushes, gives the file below, and ends this one', async () => {
    const text = a.makefile('w');
    await text.write('first ');
    const binary = await text.detach();
    expect(String(await b.recv(100))).toBe('first ');
    expect(text.buffer).toBeNull();
    for (const call of [() => text.write('x'), () => text.flush(), () => text.close(), () => text.detach()]) {
      await expect(call()).rejects.toThrow('underlying buffer has been detached');
    }
    expect(() => text.closed).toThrow(RangeError);
    expect(() => text.fileno()).toThrow(RangeError);

    await binary.write(Buffer.from('second '));
    const raw = await binary.detach();
    expect(String(await b.recv(100))).toBe('second ');
    expect(binary.raw).toBeNull();
    await expect(binary.write(Buffer.from('x'))).rejects.toThrow('raw stream has been detached');
    await raw.writelines([Buffer.from('third'), Buffer.from(' line')]);
    expect(String(await b.recv_exactly(10))).toBe('third line');
    a.close();
    await raw.close();
    expect(a.fileno()).toBe(-1);
    await expect(raw.writelines([])).rejects.toThrow(RangeError);
  });

  test('the pair of mode rwb has no file below', async () => {
    const file = a.makefile('rwb');
    expect(file.raw).toBeNull();
    await expect(file.detach()).rejects.toThrow(promises.UnsupportedOperation);
    await file.close();
    await expect(file.detach()).rejects.toThrow(RangeError);
  });

  test('a detach() that cannot flush leaves the file as it was', async () => {
    const file = a.makefile('wb', 16);
    b.close();
    await file.write(Buffer.from('lost'));
    await expect(file.detach()).rejects.toMatchObject({ code: 'EPIPE' });
    expect(file.closed).toBe(false);
    await file.close().catch(() => {});
    expect(file.closed).toBe(true);
  });
});

describe('reconfigure', () => {
  test('encoding, errors and newline', async () => {
    const file = a.makefile('rw');
    await file.write('é\n');
    await file.reconfigure({ encoding: 'latin-1', newline: '\r\n' });
    expect([file.encoding, file.errors]).toEqual(['latin-1', 'strict']);
    expect(await b.recv(10)).toEqual(Buffer.from('é\n'));
    await file.write('é\n');
    await file.flush();
    expect(await b.recv(10)).toEqual(Buffer.from('é\r\n', 'latin1'));
    await b.sendall(Buffer.from('ä\r\n', 'latin1'));
    expect(await file.readline()).toBe('ä\r\n');
    await expect(file.reconfigure({ encoding: 'utf-8' })).rejects.toThrow(promises.UnsupportedOperation);
    await expect(file.reconfigure({ newline: null })).rejects.toThrow(promises.UnsupportedOperation);
    expect(file.encoding).toBe('latin-1');
    await file.reconfigure({ line_buffering: true });
    expect(file.line_buffering).toBe(true);
  });

  test('line_buffering and write_through', async () => {
    const file = a.makefile('w');
    expect([file.line_buffering, file.write_through]).toEqual([false, false]);
    await file.reconfigure({ line_buffering: true });
    await file.write('no line');
    await expect(b.recv(1, { timeout: 0 })).rejects.toThrow(promises.BlockingIOError);
    await file.write(' yet\n');
    expect(String(await b.recv(100))).toBe('no line yet\n');
    await file.reconfigure({ line_buffering: false, write_through: true });
    expect([file.line_buffering, file.write_through]).toEqual([false, true]);
    await file.write('on');
    await file.buffer?.flush();
    expect(String(await b.recv(100))).toBe('on');
  });

  test('flags alone leave the encoder as it is: one byte order mark, as in Python', async () => {
    const file = a.makefile('w', null, { encoding: 'utf-8-sig' });
    await file.write('x');
    await file.reconfigure({ line_buffering: true });
    await file.write('y\n');
    expect(await b.recv_exactly(6)).toEqual(Buffer.from('\ufeffxy\n'));
  });

  test('takes its turn between writes', async () => {
    const file = a.makefile('w');
    const calls = [
      file.write('ä'.repeat(300_000)),
      file.reconfigure({ encoding: 'latin-1' }),
      file.write('ä'),
      file.flush(),
    ];
    const received = await b.recv_exactly(600_001);
    await Promise.all(calls);
    // Buffer.equals takes no time; toEqual would compare 600,000 elements one by one, for seconds.
    expect(received.subarray(0, 600_000).equals(Buffer.from('ä'.repeat(300_000)))).toBe(true);
    expect(received[600_000]).toBe(0xe4);
  });

  test('while text is being read the encoding stays', async () => {
    const file = a.makefile('r');
    const line = file.readline();
    await expect(file.reconfigure({ encoding: 'latin-1' })).rejects.toThrow(promises.UnsupportedOperation);
    await b.sendall('ä\n');
    expect(await line).toBe('ä\n');
  });

  test('wrong arguments change nothing', async () => {
    const file = a.makefile('w');
    await expect(file.reconfigure({ encoding: 'klingon' })).rejects.toThrow(promises.LookupError);
    await expect(file.reconfigure({ errors: 'sometimes' })).rejects.toThrow(promises.LookupError);
    await expect(file.reconfigure({ newline: 'x' })).rejects.toThrow(RangeError);
    await expect(file.reconfigure({ encoding: 1 as never })).rejects.toThrow(TypeError);
    expect([file.encoding, file.errors]).toEqual(['UTF-8', 'strict']);
    await file.close();
    await expect(file.reconfigure({})).rejects.toThrow(RangeError);
  });
});

describe('sockets have no positions', () => {
  test.each([
    ['text', () => a.makefile('rw')],
    ['binary', () => a.makefile('rwb')],
    ['without a buffer', () => a.makefile('rwb', 0)],
  ])('%s', async (_kind, make) => {
    const file = make();
    expect([file.seekable(), file.isatty()]).toEqual([false, false]);
    expect(() => file.seek(0)).toThrow(promises.UnsupportedOperation);
    expect(() => file.tell()).toThrow(promises.UnsupportedOperation);
    await expect(file.truncate()).rejects.toThrow(promises.UnsupportedOperation);
    await file.close();
    expect(() => file.seek(0)).toThrow(RangeError);
    await expect(file.truncate()).rejects.toThrow(RangeError);
  });
});
