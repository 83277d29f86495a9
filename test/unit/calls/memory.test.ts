// Memory that JavaScript takes away while the arguments of a call are read: by a getter of a list or an address. The call fails
// before the kernel sees it; never is an empty message sent. Listeners of signals are in test/threads/memory.test.ts.
import * as promises from 'bsd-sockets/promises';
import * as socket from 'bsd-sockets/socket';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const { AF_INET, SOCK_DGRAM, MSG_DONTWAIT } = socket;
const DETACHED = /^(messages\[0\]: )?(data|buffers)(\[0\])? is detached, or its buffer was resized below it$/;

let a: socket.socket<typeof AF_INET>;
let b: socket.socket<typeof AF_INET>;
beforeEach(() => {
  a = socket.socket(AF_INET, SOCK_DGRAM);
  b = socket.socket(AF_INET, SOCK_DGRAM);
  a.bind(['127.0.0.1', 0]);
  b.bind(['127.0.0.1', 0]);
});
afterEach(() => {
  expect(() => b.recv(100, MSG_DONTWAIT)).toThrow(socket.BlockingIOError);
  a.close();
  b.close();
});

/** Returns bytes, and the same list with an element whose getter takes them away. */
function trap<T extends readonly unknown[]>(list: T, index: number): [bytes: Uint8Array, list: T] {
  const bytes = new Uint8Array(8);
  const trapped = [...list];
  Object.defineProperty(trapped, index, {
    get() {
      if (bytes.length > 0) structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
      return list[index];
    },
  });
  return [bytes, trapped as unknown as T];
}

describe('a getter that detaches the bytes of the call', () => {
  it('of an address: sendto, sendmsg, sendmmsg', () => {
    for (const send of [
      (bytes: Uint8Array, to: [string, number]) => a.sendto(bytes, to),
      (bytes: Uint8Array, to: [string, number]) => a.sendmsg([bytes], [], 0, to),
      (bytes: Uint8Array, to: [string, number]) => a.sendmmsg([[[bytes], [], 0, to]]),
      (bytes: Uint8Array, to: [string, number]) => a.sendmmsg([[[bytes]], [['x'], [], 0, to]]),
    ]) {
      const [bytes, address] = trap(b.getsockname(), 1);
      expect(() => send(bytes, address)).toThrow(DETACHED);
    }
  });

  it('of the list of buffers: sendmsg, sendmmsg, recvmsg_into', () => {
    a.connect(b.getsockname());
    const [first, buffers] = trap([new Uint8Array(1), new Uint8Array(1)], 1);
    const list = () => Object.defineProperty(buffers, 0, { value: first });
    expect(() => a.sendmsg(list())).toThrow(DETACHED);
    const [second, others] = trap([new Uint8Array(1), new Uint8Array(1)], 1);
    expect(() => a.sendmmsg([[Object.defineProperty(others, 0, { value: second })]])).toThrow(DETACHED);
    const [third, targets] = trap([new Uint8Array(1), new Uint8Array(1)], 1);
    expect(() => a.recvmsg_into(Object.defineProperty(targets, 0, { value: third }))).toThrow(DETACHED);
  });

  it('the same of promises', async () => {
    const sock = new promises.socket(AF_INET, SOCK_DGRAM);
    const [bytes, address] = trap(b.getsockname(), 1);
    await expect(sock.sendto(bytes, address)).rejects.toThrow(DETACHED);
    const [more, to] = trap(b.getsockname(), 1);
    await expect(sock.sendmsg([more], [], 0, to)).rejects.toThrow(DETACHED);
    sock.close();
  });
});

describe('empty bytes that are whole', () => {
  it('are sent as an empty message', () => {
    expect(a.sendto(new Uint8Array(0), b.getsockname())).toBe(0);
    expect(a.sendmsg([new Uint8Array(0)], [], 0, b.getsockname())).toBe(0);
    expect(a.sendmmsg([[[new Uint8Array(0)], [], 0, b.getsockname()]])).toBe(1);
    for (let i = 0; i < 3; i++) expect(b.recv(10)).toHaveLength(0);
  });
});

describe('a length that lies', () => {
  class Lying extends Uint8Array {
    override get length() {
      return 1000;
    }
  }
  it('neither sends memory behind the bytes, nor goes on for ever', () => {
    const [x, y] = socket.socketpair();
    expect(x.send(new Lying(8))).toBe(8);
    expect(() => x.sendall(new Lying(8))).toThrow(TypeError);
    expect(y.recv(100)).toHaveLength(16);
    y.send('1234567890');
    expect(x.recv_into(new Lying(8))).toBe(8);
    x.close();
    y.close();
  });
});
