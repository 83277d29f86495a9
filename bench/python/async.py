"""async.py echo|datagrams: the work of floor/async.c by asyncio's fastest way, its protocols."""
import asyncio
import sys

CREDIT = 64


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(data)


class Datagrams(asyncio.DatagramProtocol):
    received = 0

    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, address):
        self.received += 1
        if self.received % CREDIT == 0:
            self.transport.sendto(b'!', address)


async def main(task):
    loop = asyncio.get_running_loop()
    if task == 'echo':
        server = await loop.create_server(Echo, '127.0.0.1', 0, backlog=4096)
        sock = server.sockets[0]
    else:
        transport, _ = await loop.create_datagram_endpoint(Datagrams, ('127.0.0.1', 0))
        sock = transport.get_extra_info('socket')
    print('ready', sock.getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main(sys.argv[1]))
