// A chat server on the event loop: each line of one client goes to all others. To try it by hand:
//   node examples/chat_server.mjs 8000     then, in several terminals: nc 127.0.0.1 8000, and Ctrl-C to end the server
import { create_connection } from 'bsd-sockets/promises';
import { AsyncStreamRequestHandler, AsyncTCPServer } from 'bsd-sockets/socketserver';

class Chat extends AsyncTCPServer {
  static allow_reuse_address = true;
  /** @type {Set<Person>} */
  people = new Set();

  /**
   * Sends a line to all people but `except`. A failed write is ignored: that person's own handler sees the end of the connection.
   *
   * @param {string} text
   * @param {Person} [except]
   */
  async tell(text, except) {
    const others = [...this.people].filter((person) => person !== except);
    await Promise.all(others.map((person) => person.wfile.write(Buffer.from(`${text}\n`)).catch(() => {})));
  }
}

/** @extends {AsyncStreamRequestHandler<number, Chat>} */
class Person extends AsyncStreamRequestHandler {
  name = '';

  async handle() {
    await this.wfile.write(Buffer.from('your name? '));
    this.name = (await this.rfile.readline()).toString().trim() || 'nobody';
    this.server.people.add(this);
    await this.server.tell(`* ${this.name} is here`);
    for await (const line of this.rfile)
      await this.server.tell(`${this.name}: ${line.toString().trim()}`, this);
  }

  async finish() {
    if (this.server.people.delete(this)) await this.server.tell(`* ${this.name} has left`);
    await super.finish();
  }
}

/** @param {Chat} server */
async function show(server) {
  const served = server.serve_forever();
  /** @param {string} name */
  const join = async (name) => {
    const sock = await create_connection(server.server_address);
    const file = sock.makefile('rw');
    // The file keeps the connection open until file.close().
    sock.close();
    await file.read('your name? '.length);
    await file.write(`${name}\n`);
    await file.flush();
    await file.readline();
    return file;
  };
  const ann = await join('Ann');
  const bob = await join('Bob');
  await bob.write('good morning\n');
  await bob.close();
  const heard = [await ann.readline(), await ann.readline(), await ann.readline()];
  console.log(`chat        Ann heard: ${heard.map((line) => line.trim()).join(', ')}`);
  await ann.close();
  await server.shutdown({ drain: 5 });
  await served;
}

const port = process.argv[2];
const server = new Chat(['127.0.0.1', Number(port ?? 0)], Person);
if (port === undefined) await show(server);
else {
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => server.shutdown({ drain: 1 }));
  console.log(`listens on ${server.server_address.join(':')}`);
  await server.serve_forever();
}
await server.server_close();
