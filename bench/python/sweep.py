"""Which addresses of a network answer an echo request: the plain program that one writes in Python, over a raw socket."""
import ipaddress
import os
import select
import socket
import struct
import sys
import time


def checksum(data):
    total = sum(struct.unpack(f'!{len(data) // 2}H', data))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def request(ident):
    data = struct.pack('!BBHHH', 8, 0, 0, ident, 0) + bytes(16)
    return data[:2] + struct.pack('!H', checksum(data)) + data[4:]


def sweep(hosts, timeout=1.0):
    ident = os.getpid() & 0xFFFF
    sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    sock.setsockopt(socket.SOL_RAW if hasattr(socket, 'SOL_RAW') else 255, 1, struct.pack('=I', ~1 & 0xFFFFFFFF))
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 2**20)
    sock.setblocking(False)
    packet = request(ident)
    waiting = set(hosts)

    def receive():
        while True:
            try:
                data, (host, _) = sock.recvfrom(256)
            except BlockingIOError:
                return
            start = (data[0] & 15) * 4
            if data[start] == 0 and struct.unpack_from('!H', data, start + 4)[0] == ident:
                waiting.discard(host)

    for i, host in enumerate(hosts):
        sock.sendto(packet, (host, 0))
        if i % 128 == 127:
            receive()
    until = time.monotonic() + timeout
    while waiting and time.monotonic() < until:
        select.select([sock], [], [], 0.02)
        receive()
    return len(hosts) - len(waiting)


hosts = [str(host) for host in ipaddress.ip_network(sys.argv[1]).hosts()]
print(f'{sweep(hosts)} of {len(hosts)} answered', file=sys.stderr)
