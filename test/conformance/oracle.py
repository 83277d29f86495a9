"""The Python half of the conformance suite: runs scenarios sent by harness.ts and answers with their results.

Protocol: one JSON object a line on stdin, {"id", "label", "source"}; one a line on stdout, {"id", "value"} or
{"id", "failure"} (the scenario itself is broken) or {"id", "missing"} (this Python lacks a name).
`source` is the body of a function. The names it sees are those below, and `stage.ts` has the same for the other
half: keep(), make(), pair(), connected(), attempt(), path(), ...
"""

import errno
import json
import os
import re
import select
import selectors
import socket
import struct
import sys
import textwrap
import threading
import time
import traceback

SIDE = "py"
# The order matters: the first that matches names the error. ValueError and OverflowError are RangeError there.
ERRORS = [
    (socket.gaierror, "gaierror"),
    (socket.herror, "herror"),
    (OSError, None),
    (TypeError, "TypeError"),
    (AttributeError, "AttributeError"),
    (OverflowError, "RangeError"),
    (ValueError, "RangeError"),
    (KeyError, "KeyError"),
    (RuntimeError, "RuntimeError"),
]

kept = []
cleanups = []
directory = sys.argv[1]
counter = 0


def keep(*sockets):
    """Has the sockets closed after the scenario; returns them."""
    kept.extend(sockets)
    return sockets[0] if len(sockets) == 1 else list(sockets)


def make(family=socket.AF_INET, type=socket.SOCK_STREAM, proto=0):
    return keep(socket.socket(family, type, proto))


def pair(type=socket.SOCK_STREAM, family=socket.AF_UNIX):
    """Two connected sockets that give up after five seconds instead of hanging."""
    both = keep(*socket.socketpair(family, type))
    for one in both:
        one.settimeout(5)
    return both


def bound(type=socket.SOCK_DGRAM, host="127.0.0.1", proto=0):
    sock = make(socket.AF_INET6 if ":" in host else socket.AF_INET, type, proto)
    sock.settimeout(5)
    sock.bind((host, 0))
    return sock


def listener(host="127.0.0.1", backlog=5):
    sock = bound(socket.SOCK_STREAM, host)
    sock.listen(backlog)
    return sock


def connected(host="127.0.0.1"):
    """A TCP connection over loopback: the client's end, the server's end."""
    server = listener(host)
    client = make(server.family)
    client.settimeout(5)
    client.connect(server.getsockname())
    conn = keep(server.accept()[0])
    conn.settimeout(5)
    server.close()
    return [client, conn]


def udp_pair(host="127.0.0.1"):
    """Two UDP sockets on loopback, each connected to the other."""
    a, b = bound(host=host), bound(host=host)
    a.connect(b.getsockname())
    b.connect(a.getsockname())
    return [a, b]


def partner(sock, steps):
    """The other end, on a thread of its own: takes the steps, then closes the socket. See partner.mjs."""
    own = socket.socket(fileno=sock.detach())
    own.settimeout(5)

    def receive(count):
        while count > 0:
            length = len(own.recv(min(count, 65536)))
            if length == 0:
                return
            count -= length

    actions = {
        "wait": lambda ms: time.sleep(ms / 1000),
        "send": lambda text: own.sendall(text.encode()),
        "receive": receive,
        "connect": own.connect,
        "accept": lambda _: own.accept()[0].close(),
        "shutdown": own.shutdown,
        "reset": lambda _: own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ints(1, 0)),
    }

    def run_steps():
        with own:
            for name, argument in steps:
                actions[name](argument)

    thread = threading.Thread(target=run_steps)
    thread.start()
    cleanups.append(thread.join)


def bound_name(family, address, type=socket.SOCK_DGRAM):
    """What getsockname says after bind"""
    sock = make(family, type)
    sock.bind(address)
    return shape(sock.getsockname())


def peer_name(family, address, type=socket.SOCK_DGRAM):
    """What getpeername says after connect"""
    sock = make(family, type)
    sock.connect(address)
    return shape(sock.getpeername())


def error_of(error):
    for kind, name in ERRORS:
        if isinstance(error, kind):
            break
    else:
        raise error
    result = {"error": name or type(error).__name__}
    if isinstance(error, OSError) and error.errno is not None:
        result["errno"] = error.errno
    return result


def attempt(action):
    """What the action returns, or its error as data."""
    try:
        return action()
    except Exception as error:
        return error_of(error)


def waited(seconds, action):
    """[outcome, whether at least that long and less than 5 s more passed]"""
    start = time.monotonic()
    outcome = attempt(action)
    took = time.monotonic() - start
    return [outcome, took >= seconds, took < seconds + 5]


def limited(sock):
    """Makes a socket blocking, with time-outs of the kernel of 60 ms."""
    sock.settimeout(None)
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        sock.setsockopt(socket.SOL_SOCKET, option, struct.pack("ll", 0, 60000))
    return sock


def fill(sock):
    """Makes a stream blocking, and fills it."""
    sock.settimeout(None)
    for size in (65536, 1):
        while isinstance(attempt(lambda: sock.send(bytes(size), socket.MSG_DONTWAIT)), int):
            pass


def shape(address):
    """An AF_INET or AF_INET6 address with its ephemeral port replaced by the word "port"."""
    if isinstance(address, (tuple, list)) and re.search("[.:]", str(address[0])):
        return [address[0], "port" if address[1] else 0, *address[2:]]
    return address


def path(name):
    """A fresh path in the suite's directory; results show the directory as {tmp}."""
    global counter
    counter += 1
    return os.path.join(directory, "%s-%d-%s" % (SIDE, counter, name))


def abstract(name):
    return b"\0bsd-sockets-%s-%d-%s" % (SIDE.encode(), os.getppid(), name.encode())


def content(name, data):
    """The path of a new file that holds the data."""
    where = path(name)
    with open(where, "wb") as file:
        file.write(data)
    return where


def file_fd(where):
    """A descriptor of the file, opened for reading; closed after the scenario."""
    fd = os.open(where, os.O_RDONLY)
    cleanups.append(lambda: is_open(fd) and os.close(fd))
    return fd


def is_open(fd):
    try:
        os.fstat(fd)
        return True
    except OSError:
        return False


def ints(*numbers):
    """C ints as bytes."""
    return struct.pack("%di" % len(numbers), *numbers)


def unpack_ints(data):
    return list(struct.unpack("%di" % (len(data) // 4), data))


def kinds(ancdata):
    """Control messages as [level, type, size]"""
    return [[level, type, len(data)] for level, type, data in ancdata]


def plain(value):
    """A result as JSON: bytes are {"bytes": latin1}, tuples are arrays, big ints stay ints."""
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return anonymous(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": anonymous(bytes(value).decode("latin1"))}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    raise AssertionError("a scenario returned %r" % (value,))


def anonymous(text):
    text = re.sub(re.escape(directory) + r"/py-\d+-", "{tmp}/", text)
    return re.sub(r"bsd-sockets-py-\d+", "{abstract}", text)


def run(source):
    body = textwrap.indent(textwrap.dedent(source).strip("\n"), "    ")
    scope = dict(globals())
    exec("def scenario():\n" + body, scope)
    try:
        return plain(attempt(scope["scenario"]))
    finally:
        socket.setdefaulttimeout(None)
        while kept:
            attempt(kept.pop().close)
        while cleanups:
            cleanups.pop()()


def answer(request):
    try:
        value = run(request["source"])
    except Exception:
        return {"id": request["id"], "failure": traceback.format_exc()}
    if isinstance(value, dict) and value.get("error") == "AttributeError":
        # A name this Python is too old for is no result; the traceback is gone, so look for it in the source.
        for name in re.findall(r"\bsocket\.(\w+)", request["source"]):
            if not hasattr(socket, name) and not hasattr(socket.socket, name):
                return {"id": request["id"], "missing": name}
    return {"id": request["id"], "value": value}


replies = sys.stdout
sys.stdout = sys.stderr
for line in sys.stdin:
    replies.write(json.dumps(answer(json.loads(line))) + "\n")
    replies.flush()
