"""server.py TASK tcp|unix PATH FILE: the same server as floor/server.c, as a Python programmer writes it."""
import os
import socket
import subprocess
import sys

BLOCK = 65536
sink = None


def echo(conn, file):
    while data := conn.recv(4096):
        conn.sendall(data)


def recv(conn, file):
    while conn.recv(BLOCK):
        pass


def recv_into(conn, file):
    buffer = bytearray(BLOCK)
    while conn.recv_into(buffer):
        pass


def sendall(conn, file):
    data = bytes(BLOCK)
    while True:
        conn.sendall(data)


def sendfile(conn, file):
    while True:
        conn.sendfile(file, 0, BLOCK)


def pump(conn, file):
    global sink
    if sink is None:
        sink, far = socket.socketpair()
        subprocess.Popen(['cat'], stdin=far, stdout=subprocess.DEVNULL)
        far.close()
    reader, writer = os.pipe()
    while held := os.splice(conn.fileno(), writer, 1 << 20):
        while held > 0:
            held -= os.splice(reader, sink.fileno(), held)
    os.close(reader)
    os.close(writer)


def main(task, family, path, filename):
    serve = {f.__name__: f for f in (echo, recv, recv_into, sendall, sendfile, pump)}[task]
    if family == 'unix':
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(path)
    else:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.bind(('127.0.0.1', 0))
    listener.listen()
    print('ready', path if family == 'unix' else listener.getsockname()[1], flush=True)
    with open(filename, 'rb') as file:
        while True:
            conn, _ = listener.accept()
            if family == 'tcp':
                conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                serve(conn, file)
            except ConnectionError:
                pass  # how a client that has measured enough ends sendall and sendfile
            conn.close()


main(*sys.argv[1:5])
