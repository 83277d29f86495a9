"""tls.py download|upload|handshakes DIRECTORY: the work of bsd-sockets/tls.mjs by asyncio's streams."""
import asyncio
import ssl
import sys

BLOCK = b'x' * 65536
task, directory = sys.argv[1:]


async def download(reader, writer):
    while True:
        writer.write(BLOCK)
        await writer.drain()


async def upload(reader, writer):
    while await reader.read(len(BLOCK)):
        pass


async def serve(reader, writer):
    try:
        await (download if task == 'download' else upload)(reader, writer)
    except OSError:
        pass  # a client that was ended
    writer.close()


async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f'{directory}/cert.pem', f'{directory}/key.pem')
    server = await asyncio.start_server(serve, '127.0.0.1', 0, ssl=context, backlog=1024)
    print('ready', server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
