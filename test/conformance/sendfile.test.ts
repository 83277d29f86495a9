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

/** A file with only read(), and perhaps seek(), that remembers how it was called. */
class Source {
  readonly calls: unknown[] = [];
  position = 0;
  constructor(
    readonly bytes: string,
    readonly most: number,
  ) {}
  read(size: number): Buffer {
    this.calls.push(size);
    const part = Buffer.from(this.bytes.slice(this.position, this.position + Math.min(size, this.most)));
    this.position += part.length;
    return part;
  }
}

class Seekable extends Source {
  seek(position: number): void {
    this.calls.push(['seek', position]);
    this.position = position;
  }
}

scenario(
  'sendfile: of an object with only read(), with read() and seek(), and with a mode',
  py`
    class Source:
        def __init__(self, data, most):
            self.data, self.most, self.position, self.calls = data, most, 0, []
        def read(self, size):
            self.calls.append(size)
            part = self.data[self.position:self.position + min(size, self.most)]
            self.position += len(part)
            return part
    class Seekable(Source):
        def seek(self, position):
            self.calls.append(['seek', position])
            self.position = position
    results = []
    for kind, args in ((Source, ()), (Source, (0, 5)), (Seekable, ()), (Seekable, (3,)), (Seekable, (3, 4)), (Seekable, (30,))):
        a, b = pair()
        source = kind(b'0123456789', 4)
        sent = attempt(lambda: a.sendfile(source, *args))
        a.close()
        calls = [call for call in source.calls if len(args) == 2 or not isinstance(call, int)]
        results.append([sent, calls, source.position, b.recv(100)])
    a, b = pair()
    source = Source(b'0123456789', 4)
    source.mode = 'r'
    return [results, attempt(lambda: a.sendfile(source))]
  `,
  () => {
    const rows: [typeof Source, [number?, number?]][] = [
      [Source, []],
      [Source, [0, 5]],
      [Seekable, []],
      [Seekable, [3]],
      [Seekable, [3, 4]],
      [Seekable, [30]],
    ];
    const results = rows.map(([Kind, args]) => {
      const [a, b] = pair();
      const source = new Kind('0123456789', 4);
      const sent = attempt(() => a.sendfile(source, ...args));
      a.close();
      // Without a count the sizes are those of a block, which are larger here.
      const calls = source.calls.filter((call) => args.length === 2 || typeof call !== 'number');
      return [sent, calls, source.position, b.recv(100)];
    });
    const [a] = pair();
    const text = Object.assign(new Source('0123456789', 4), { mode: 'r' });
    return [results, attempt(() => a.sendfile(text))];
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
