"""calls.py TASK: the same calls as floor/calls.c. A line "SECONDS" on stdin is answered by "NANOSECONDS COUNT"."""
import selectors
import socket
import sys
from time import perf_counter_ns

BATCH = 100
MESSAGE = bytes(64)

left, right = socket.socketpair()
empty, _peer = socket.socketpair()
empty.setblocking(False)
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(('127.0.0.1', 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
address = receiver.getsockname()
memory = bytearray(64)
REGISTERED = 200
selector = selectors.DefaultSelector()
senders = []
for _ in range(REGISTERED):
    one, other = socket.socketpair()
    selector.register(one, selectors.EVENT_READ)
    senders.append(other)


def getsockopt():
    for _ in range(BATCH):
        left.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE)


def recv_empty():
    for _ in range(BATCH):
        try:
            empty.recv(64)
        except BlockingIOError:
            pass


def send():
    for _ in range(BATCH):
        left.send(MESSAGE)


def send_recv():
    for _ in range(BATCH):
        left.send(MESSAGE)
        right.recv(64)


def send_recv_into():
    for _ in range(BATCH):
        left.send(MESSAGE)
        right.recv_into(memory)


def udp():
    for _ in range(BATCH):
        sender.sendto(MESSAGE, address)
        receiver.recvfrom(64)


def udp_burst():
    for _ in range(BATCH):
        for _ in range(64):
            sender.sendto(MESSAGE, address)


def select():
    for i in range(BATCH):
        senders[i * 7 % REGISTERED].send(MESSAGE)
        for key, _ in selector.select():
            key.fileobj.recv(64)


TASKS = {
    'getsockopt': getsockopt,
    'recv-empty': recv_empty,
    'send': send,
    'send-recv': send_recv,
    'send-recv_into': send_recv_into,
    'udp': udp,
    'udp-burst': udp_burst,
    'select': select,
}


def measure(batch, seconds):
    spent = count = 0
    end = perf_counter_ns() + seconds * 1e9
    while count == 0 or perf_counter_ns() < end:
        start = perf_counter_ns()
        batch()
        spent += perf_counter_ns() - start
        count += BATCH
        if batch is send:
            right.recv(65536)
    return spent / count, count


batch = TASKS[sys.argv[1]]
print('ready', flush=True)
for line in sys.stdin:
    print(*measure(batch, float(line)), flush=True)
