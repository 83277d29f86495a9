// paths.mjs marks|bytes COUNT: walks the hot paths that the guard watches (see measure.mjs), each a number of times.
//
//   marks   calls hstrerror(3) before and after each path: there callgrind begins a new part of its profile
//   bytes   prints, as JSON, the bytes of V8's heap that a call of each path takes
//
// A path is prepared without being watched, so that it is one call and not its opposite, too. All of it happens on loopback, and on sockets
// that are made here. The first round of each path is not counted: it makes what is made once.
import { createRequire } from 'node:module';
import { getHeapSpaceStatistics } from 'node:v8';
import * as packet from 'bsd-sockets/packet';
import * as promises from 'bsd-sockets/promises';
import * as selectors from 'bsd-sockets/selectors';
import * as socket from 'bsd-sockets/socket';

// Made of the package's own, not exported file: no public call makes a mark of so little.
const { addon } = createRequire(import.meta.url)('../../dist/native/addon.js');

const [mode, count = '100'] = process.argv.slice(2);
/** How often a path is walked in a round: a socket holds so many messages by default. */
const COUNT = Number(count);
const BATCH = 20;
const MESSAGE = Buffer.alloc(64, 'm');
const BLOCK = Buffer.alloc(65536, 'b');

/**
 * @typedef {object} Path
 * @property {string} name
 * @property {string} call what is done COUNT times
 * @property {() => unknown} [prepare] what comes before, unwatched
 * @property {() => unknown} run what is watched
 * @property {() => unknown} [finish] what comes after, unwatched
 */

/** Returns a function that does something so many times. */
const times =
  (call, count = COUNT) =>
  () => {
    for (let i = 0; i < count; i++) call(i);
  };

/** The same for a call that is awaited. */
const awaited = (call) => async () => {
  for (let i = 0; i < COUNT; i++) await call();
};

function make_udp(module) {
  const sock = module.socket(module.AF_INET, module.SOCK_DGRAM);
  const bound = sock.bind(['127.0.0.1', 0]);
  return [sock, bound];
}

// So that V8 has to make the object.
let kept = {};

/** The paths, with their sockets. */
async function make_paths() {
  const [left, right] = socket.socketpair();
  const [empty, other] = socket.socketpair();
  empty.setblocking(false);
  const [sender] = make_udp(socket);
  const [receiver] = make_udp(socket);
  const address = receiver.getsockname();
  const [waiting, waking] = promises.socketpair();
  const [echoing, asking] = promises.socketpair();
  const memory = Buffer.alloc(BLOCK.length);
  const batch = new socket.MessageBatch(BATCH, 64);
  const messages = Array.from({ length: BATCH }, () => [[MESSAGE], null, 0, address]);
  const selector = selectors.DefaultSelector();
  const registered = Array.from({ length: 20 }, () => socket.socketpair());
  for (const [sock] of registered) selector.register(sock, selectors.EVENT_READ);
  const frame = packet.build(
    packet.ethernet({ dst: '02:00:00:00:00:01', src: '02:00:00:00:00:02' }),
    packet.ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }),
    packet.udp({ src_port: 4000, dst_port: 53 }),
    packet.payload(MESSAGE),
  );

  const send = () => left.send(MESSAGE);
  const recv = () => right.recv(64);
  const sendto = () => sender.sendto(MESSAGE, address);
  const recvfrom = () => receiver.recvfrom(64);
  async function serve() {
    for (let data = await echoing.recv(4096); data.length > 0; data = await echoing.recv(4096)) {
      await echoing.sendall(data);
    }
  }
  const served = serve();

  /** @type {Path[]} */
  const paths = [
    { name: 'send', call: 'send of 64 B', run: times(send), finish: times(recv) },
    { name: 'recv', call: 'recv of 64 B', prepare: times(send), run: times(recv) },
    {
      name: 'recv_into',
      call: 'recv_into of 64 B',
      prepare: times(send),
      run: times(() => right.recv_into(memory, 64)),
    },
    {
      name: 'sendall',
      call: 'sendall of 64 KiB, and recv_into until all has come',
      run: times(() => {
        left.sendall(BLOCK);
        for (let rest = BLOCK.length; rest > 0; rest -= right.recv_into(memory));
      }),
    },
    { name: 'sendto', call: 'sendto of 64 B', run: times(sendto), finish: times(recvfrom) },
    { name: 'recvfrom', call: 'recvfrom of 64 B', prepare: times(sendto), run: times(recvfrom) },
    {
      name: 'recvmmsg_into',
      call: `sendmmsg and recvmmsg_into of ${BATCH} datagrams of 64 B`,
      run: times(() => {
        sender.sendmmsg(messages);
        for (let count = 0; count < BATCH; ) count += receiver.recvmmsg_into(batch);
      }),
    },
    {
      name: 'select',
      call: 'send of 64 B to one of 20 registered sockets, select(), recv',
      run: times((i) => {
        registered[i % registered.length][1].send(MESSAGE);
        for (const [key] of selector.select()) key.fileobj.recv(64);
      }),
    },
    {
      name: 'BlockingIOError',
      call: 'recv on an empty non-blocking socket',
      run: times(() => {
        try {
          empty.recv(64);
        } catch (error) {
          if (!(error instanceof socket.BlockingIOError)) throw error;
        }
      }),
    },
    {
      name: 'promises.recv',
      call: 'recv of 64 B that waits, on the event loop',
      run: awaited(async () => {
        const received = waiting.recv(64);
        waking.send(MESSAGE);
        await received;
      }),
    },
    {
      name: 'promises.echo',
      call: '64 B there and back on the event loop',
      run: awaited(async () => {
        await asking.sendall(MESSAGE);
        await asking.recv(4096);
      }),
    },
    { name: 'parse', call: 'parse of a UDP datagram in Ethernet', run: times(() => packet.parse(frame)) },
    {
      name: 'planted',
      call: 'send of 64 B, an object and a call of the addon: what the guard has to find',
      run: times(() => {
        kept = { send: send() };
        addon.generation(left.fileno());
      }),
      finish: times(recv),
    },
  ];
  const close = async () => {
    asking.close();
    await served;
    for (const sock of [left, right, empty, other, sender, receiver, waiting, waking, echoing]) sock.close();
    selector.close();
    for (const pair of registered) for (const sock of pair) sock.close();
  };
  return { paths, close };
}

/** Walks each path twice; `begin` and `end` are called around the second time. */
async function walk(begin, end) {
  const { paths, close } = await make_paths();
  for (const { prepare, run, finish, ...path } of paths) {
    for (const watched of [false, true]) {
      await prepare?.();
      if (watched) begin(path);
      await run();
      if (watched) end(path);
      await finish?.();
    }
  }
  await close();
  if (kept.send !== MESSAGE.length) throw new Error('a send took less than its message');
}

const mark = () => addon.hstrerror(1);
/** The bytes of young objects. Of the old ones V8 counts whole pages, and no call of a path makes any. */
const heap = () =>
  getHeapSpaceStatistics().reduce(
    (sum, { space_name, space_used_size }) => sum + (space_name.startsWith('new_') ? space_used_size : 0),
    0,
  );

if (mode === 'marks') {
  await walk(mark, mark);
} else {
  const bytes = {};
  // What the look at the heap takes itself, the second time.
  heap();
  let before = heap();
  const own = heap() - before;
  await walk(
    () => {
      before = heap();
    },
    ({ name }) => {
      bytes[name] = (heap() - before - own) / COUNT;
    },
  );
  console.log(JSON.stringify(bytes));
}
