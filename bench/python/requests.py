"""requests.py threads|processes: a server of short connections, as a Python programmer writes it."""
import socketserver
import sys


class Handler(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(self.request.recv(64))


Base = {
    'threads': socketserver.ThreadingTCPServer,
    'processes': socketserver.ForkingTCPServer,
}[sys.argv[1]]


class Server(Base):
    request_queue_size = 1024


with Server(('127.0.0.1', 0), Handler) as server:
    print('ready', server.server_address[1], flush=True)
    server.serve_forever()
