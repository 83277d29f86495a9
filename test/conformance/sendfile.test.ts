/**
 * sendfile: what of a file goes out, where its position is afterwards, what is refused.
 */
import { readSync } from 'node:fs';
import { invoke, py, theme } from './harness.js';
import { attempt, connected, content, file_fd, make, pair, udp_pair } from './stage.js';

const { scenario } = theme('sendfile');

// sendfile -----------------------------------------------------------------------------------------------------------

scenario(
  'sendfile: whole, from an offset, a count, beyond the end',
  py`
    results = []
    for args in ((), (3,), (3, 4), (0, 100), (10,), (100,), (0, 10)):
        client, conn = connected()
        with open(content('f', b'0123456789'), 'rb') as file:
            sent = client.sendfile(file, *args)
            client.close()
            results.append([sent, conn.recv(100), file.tell()])
    return results
  `,
  () => {
    const variants: [number?, number?][] = [[], [3], [3, 4], [0, 100], [10], [100], [0, 10]];
    return variants.map(([offset, count]) => {
      const [client, conn] = connected();
      const file = positioned(content('f', '0123456789'));
      const sent = client.sendfile(file, offset, count);
      client.close();
      return [sent, conn.recv(100), file.position];
    });
  },
);

/** What a Python file object is to sendfile: fileno() and seek(). */

function positioned(where: string) {
  const fd = file_fd(where);
  return {
    position: 0,
    fileno: () => fd,
    seek(offset: number) {
      this.position = offset;
      return offset;
    },
  };
}

scenario(
  'sendfile: several times from one file, at its position',
  py`
    client, conn = connected()
    with open(content('f', b'0123456789'), 'rb') as file:
        sent = [client.sendfile(file, 2, 3), client.sendfile(file, 0, 1)]
    client.close()
    return [sent, conn.recv(100)]
  `,
  () => {
    const [client, conn] = connected();
    const fd = file_fd(content('f', '0123456789'));
    const sent = [client.sendfile(fd, 2, 3), client.sendfile(fd, 0, 1)];
    client.close();
    const untouched = readSync(fd, Buffer.alloc(1));
    return untouched === 1 && [sent, conn.recv(100)];
  },
);

scenario(
  'sendfile: over a UNIX stream, an empty file, more than one system call can take',
  py`
    a, b = pair()
    with open(content('f', b'unix'), 'rb') as file, open(content('e', b''), 'rb') as empty:
        sent = [a.sendfile(file), a.sendfile(empty)]
    return [sent, b.recv(10)]
  `,
  () => {
    const [a, b] = pair();
    const sent = [a.sendfile(file_fd(content('f', 'unix'))), a.sendfile(file_fd(content('e', '')))];
    return [sent, b.recv(10)];
  },
);

scenario(
  'sendfile: refused on datagrams and non-blocking sockets, wrong counts and offsets',
  py`
    with open(content('f', b'0123456789'), 'rb') as file:
        udp, (client, conn) = udp_pair()[0], connected()
        results = [attempt(lambda: udp.sendfile(file)), attempt(lambda: client.sendfile(file, 0, 0)),
                   attempt(lambda: client.sendfile(file, 0, -1)), attempt(lambda: client.sendfile(file, 0, 1.5)),
                   attempt(lambda: client.sendfile(file, 0, 'x'))]
        client.setblocking(False)
        results.append(attempt(lambda: client.sendfile(file)))
        results.append(attempt(lambda: make().sendfile(file)))
        return results
  `,
  () => {
    const file = file_fd(content('f', '0123456789'));
    const [[udp], [client]] = [udp_pair(), connected()];
    const results = [
      attempt(() => udp.sendfile(file)),
      attempt(() => client.sendfile(file, 0, 0)),
      attempt(() => client.sendfile(file, 0, -1)),
      attempt(() => client.sendfile(file, 0, 1.5)),
      attempt(() => invoke(client, 'sendfile', file, 0, 'x')),
    ];
    client.setblocking(false);
    results.push(attempt(() => client.sendfile(file)));
    results.push(attempt(() => make().sendfile(file)));
    return results;
  },
);

scenario(
  'sendfile expires when the peer does not read',
  py`
    a, b = pair()
    a.settimeout(0.05)
    with open(content('big', bytes(4 << 20)), 'rb') as file:
        return attempt(lambda: a.sendfile(file))
  `,
  () => {
    const [a] = pair();
    a.settimeout(0.05);
    return attempt(() => a.sendfile(file_fd(content('big', Buffer.alloc(4 << 20)))));
  },
);

scenario(
  'sendfile: on a closed socket',
  py`
    sock = make()
    sock.close()
    with open(content('f', b'x'), 'rb') as file:
        return sock.sendfile(file)
  `,
  () => {
    const sock = make();
    sock.close();
    return sock.sendfile(file_fd(content('f', 'x')));
  },
);
