"""Runs the scenarios of makefile.test.ts in CPython: JSON on stdin and stdout, over real socket pairs.

A scenario's `plan` cuts what arrives, and what is sent, into pieces: each item is what the next receive (or send) does at
most: a number of bytes, 'block' (there is nothing, the socket does not block) or 'timeout'.
"""
import json
import socket
import sys


class Planned(socket.socket):
    """A socket whose receives and sends do what the plans say, and what they like after that."""

    receives = ()
    sends = ()

    def _next(self, plan):
        item = plan.pop(0) if plan else None
        if item == "block":
            raise BlockingIOError(11, "Resource temporarily unavailable")
        if item == "timeout":
            raise TimeoutError("timed out")
        return item

    def recv_into(self, buffer, nbytes=0, flags=0):
        most = self._next(self.receives)
        view = memoryview(buffer)
        return super().recv_into(view if most is None else view[:most])

    def send(self, data, flags=0):
        most = self._next(self.sends)
        view = memoryview(data)
        return super().send(view if most is None else view[:most])


def shown(value, file, names):
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"bytes": bytes(value).hex()}
    if isinstance(value, (list, tuple)):
        return [shown(item, file, names) for item in value]
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if value is file:
        return "itself"
    return {"object": type(value).__name__}


def drain(peer):
    data = b""
    peer.setblocking(False)
    try:
        while piece := peer.recv(1 << 16):
            data += piece
    except BlockingIOError:
        pass
    return data


def argument(value):
    if isinstance(value, dict) and "bytes" in value:
        return bytes.fromhex(value["bytes"])
    if isinstance(value, list):
        return [argument(item) for item in value]
    return value


def perform(state, name, args):
    file, sock, peer = state["file"], state["sock"], state["peer"]
    if name == "received":
        return drain(peer)
    if name == "arrive":
        return peer.sendall(args[0])
    if name == "end":
        return peer.shutdown(socket.SHUT_WR)
    if name == "get":
        return getattr(file, args[0])
    if name == "list":
        return list(file)
    if name == "next":
        return next(file, None)
    if name == "fill":
        target = bytearray(args[1])
        count = getattr(file, args[0])(target)
        return [count, target]
    if name == "below":
        return getattr(file.buffer, args[0])(*args[1:])
    if name == "swap":
        state["file"] = file.detach()
        return state["file"]
    if name == "socket":
        return getattr(sock, args[0])(*args[1:])
    if name == "descriptor":
        return sock.fileno() >= 0
    if name == "reconfigure":
        return file.reconfigure(**args[0])
    return getattr(file, name)(*args)


def attempt(action, file):
    try:
        return shown(action(), file(), None)
    except BaseException as error:
        result = {"error": type(error).__name__}
        if isinstance(error, BlockingIOError) and hasattr(error, "characters_written"):
            result["characters_written"] = error.characters_written
        if isinstance(error, UnicodeError):
            result["message"] = str(error)
        return result


def run(scenario):
    a, peer = socket.socketpair()
    # What a receive that the plan does not foresee ends with.
    sock = Planned(fileno=a.detach())
    sock.settimeout(0.2)
    sock.receives = list(scenario.get("receives", []))
    sock.sends = list(scenario.get("sends", []))
    peer.sendall(bytes.fromhex(scenario.get("input", "")))
    if not scenario.get("open"):
        peer.shutdown(socket.SHUT_WR)
    state = {"file": None, "sock": sock, "peer": peer}
    results = []

    def make():
        state["file"] = sock.makefile(*scenario["makefile"], **scenario.get("options", {}))
        return type(state["file"]).__name__

    results.append(attempt(make, lambda: state["file"]))
    for name, *args in scenario["do"] if state["file"] else []:
        results.append(attempt(lambda: perform(state, name, argument(args)), lambda: state["file"]))
    sock.close()
    state["file"] = None
    peer.close()
    return results


sys.unraisablehook = lambda _: None
scenarios = [scenario for scenario in json.load(sys.stdin) if scenario.get("since", 0) <= sys.version_info.minor]
json.dump([[scenario["title"], run(scenario)] for scenario in scenarios], sys.stdout)
