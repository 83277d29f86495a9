// A server that does what a test wants at each command, and otherwise what a small FTP server does: one file, one folder.
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

export interface Peer {
  readonly socket: Socket;
  /** Sends an answer. */
  say(text: string): void;
  /** Sends over the data connection, with its answers. */
  send_data(data: Uint8Array): Promise<void>;
  /** The data connection, once it is there. */
  data: () => Promise<Socket>;
}

/** Returns true if it has done all that there is to do for a command; '' is the greeting. */
export type Behaviour = (
  command: string,
  argument: string,
  peer: Peer,
) => boolean | undefined | Promise<boolean>;

export interface FakeServer {
  readonly port: number;
  /** the commands that came, with arguments */
  readonly commands: string[];
  stop(): Promise<void>;
}

/** The content of the one file. */
export const CONTENT = Buffer.from('the content of the file\n'.repeat(1000));

const ANSWERS: Readonly<Record<string, string>> = {
  USER: '331 password',
  PASS: '230 in',
  FEAT: '211-Features\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n UTF8\r\n REST STREAM\r\n211 End',
  OPTS: '200 ok',
  TYPE: '200 ok',
  PWD: '257 "/"',
  CWD: '250 ok',
  REST: '350 ok',
  SIZE: `213 ${CONTENT.length}`,
  MDTM: '213 20200102030405',
  NOOP: '200 ok',
  ABOR: '225 nothing to do',
  PBSZ: '200 ok',
  PROT: '200 ok',
  QUIT: '221 bye',
  MKD: '257 "x"',
};

export const FACTS = `type=file;size=${CONTENT.length};modify=20200102030405;`;

export async function start_fake_server(behaviour: Behaviour): Promise<FakeServer> {
  const sockets = new Set<Socket>();
  const listeners = new Set<Server>();
  const commands: string[] = [];
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  };

  const serve = async (socket: Socket) => {
    keep(socket);
    let passive: Promise<Socket> | undefined;
    const say = (text: string) => void socket.write(`${text}\r\n`);
    const data = () => passive ?? Promise.reject(new Error('no EPSV came'));
    const peer: Peer = {
      socket,
      say,
      data,
      send_data: async (bytes) => {
        say('150 here it comes');
        const link = await peer.data();
        link.end(bytes);
        await once(link, 'close');
        say('226 done');
      },
    };
    const answer = async (command: string, argument: string) => {
      if (command !== '') commands.push(argument === '' ? command : `${command} ${argument}`);
      if ((await behaviour(command, argument, peer)) === true) return;
      if (command === '') say('220 fake');
      else if (command === 'EPSV') {
        const { port, connection } = await listen_once();
        passive = connection;
        connection.catch(() => {});
        say(`229 ok (|||${port}|)`);
      } else if (command === 'MLST') say(`250-facts\r\n ${FACTS} ${argument}\r\n250 End`);
      else if (command === 'MLSD') await peer.send_data(Buffer.from(`${FACTS} file\r\n`));
      else if (command === 'RETR') await peer.send_data(CONTENT);
      else if (command === 'STOR') {
        say('150 send it');
        const link = await peer.data();
        link.resume();
        await once(link, 'end');
        link.end();
        say('226 got it');
      } else say(ANSWERS[command] ?? '502 no such command');
      if (command === 'QUIT') socket.end();
    };
    let rest = '';
    let turn = answer('', '');
    socket.on('data', (chunk) => {
      // Telnet's signs of an abort.
      rest += chunk.toString('latin1').replace(/[\xf0-\xff]/g, '');
      const lines = rest.split('\r\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        const [, command = '', argument = ''] = /^(\S+) ?(.*)$/s.exec(line) ?? [];
        const next = () => answer(command.toUpperCase(), argument).catch(() => {});
        // ABOR does not wait for the transfer that it ends.
        if (command === 'ABOR') void next();
        else turn = turn.then(next, next);
      }
    });
  };

  const listen_once = async () => {
    const listener = createServer();
    listeners.add(listener);
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    const connection = once(listener, 'connection').then(([socket]: Socket[]) => {
      listener.close();
      if (socket === undefined) throw new Error('no socket');
      keep(socket);
      return socket;
    });
    return { port: (listener.address() as AddressInfo).port, connection };
  };

  const server = createServer({ allowHalfOpen: true }, (socket) => void serve(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    commands,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      for (const listener of listeners) listener.close();
      server.close();
      await once(server, 'close');
    },
  };
}
