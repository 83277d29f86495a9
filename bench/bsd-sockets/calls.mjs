// calls.mjs TASK: the same calls as python/calls.py, on this library. A line "SECONDS" on stdin is answered by "NANOSECONDS COUNT".
import { createInterface } from 'node:readline';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';

const BATCH = 100;
const MESSAGE = Buffer.alloc(64);

const [left, right] = socket.socketpair();
const [empty, _peer] = socket.socketpair();
empty.setblocking(false);
const receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
receiver.bind(['127.0.0.1', 0]);
const sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM);
const address = receiver.getsockname();
const burst = Array.from({ length: 64 }, () => [[MESSAGE], null, 0, address]);
const memory = Buffer.alloc(64);
const REGISTERED = 200;
const selector = selectors.DefaultSelector();
const senders = Array.from({ length: REGISTERED }, () => {
  const [one, other] = socket.socketpair();
  selector.register(one, selectors.EVENT_READ);
  return other;
});

const tasks = {
  getsockopt() {
    for (let i = 0; i < BATCH; i++) left.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE);
  },

  'recv-empty'() {
    for (let i = 0; i < BATCH; i++) {
      try {
        empty.recv(64);
      } catch (error) {
        if (!(error instanceof socket.BlockingIOError)) throw error;
      }
    }
  },

  send() {
    for (let i = 0; i < BATCH; i++) left.send(MESSAGE);
  },

  'send-recv'() {
    for (let i = 0; i < BATCH; i++) {
      left.send(MESSAGE);
      right.recv(64);
    }
  },

  'send-recv_into'() {
    for (let i = 0; i < BATCH; i++) {
      left.send(MESSAGE);
      right.recv_into(memory);
    }
  },

  udp() {
    for (let i = 0; i < BATCH; i++) {
      sender.sendto(MESSAGE, address);
      receiver.recvfrom(64);
    }
  },

  'udp-burst'() {
    for (let i = 0; i < BATCH; i++) sender.sendmmsg(burst);
  },

  select() {
    for (let i = 0; i < BATCH; i++) {
      senders[(i * 7) % REGISTERED].send(MESSAGE);
      for (const [key] of selector.select()) key.fileobj.recv(64);
    }
  },
};

function measure(batch, seconds) {
  let spent = 0;
  let count = 0;
  const end = performance.now() + seconds * 1e3;
  do {
    const start = performance.now();
    batch();
    spent += performance.now() - start;
    count += BATCH;
    if (batch === tasks.send) right.recv(65536);
  } while (performance.now() < end);
  return `${(spent * 1e6) / count} ${count}`;
}

const batch = tasks[process.argv[2]];
console.log('ready');
for await (const line of createInterface({ input: process.stdin })) console.log(measure(batch, Number(line)));
