"""Runs the steps of one scenario with Python's socket module: the reference that run.mjs is compared with.

stdin: the steps as families.mjs parsed them. stdout: for each step one JSON line, {"line", "value"} or {"line", "error",
"errno", "message"}, written before the next step starts, so that a step that hangs is known. It stops at the first error
that the scenario does not announce. Keep the helpers at the end in step with those of run.mjs.
"""
import json
import os
import socket
import sys


def plain(value):
    """The value as JSON that means the same in both languages."""
    if isinstance(value, (bytes, bytearray)):
        return {'bytes': value.hex()}
    if isinstance(value, socket.socket):
        return f'socket({int(value.family)}, {int(value.type)}, {value.proto})'
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return value


def failure(error):
    """What is compared of an error: its class, and the errno where the kernel gave one.

    TypeError, ValueError, OverflowError, and the OSError without errno that getsockaddrarg() raises, all say that an
    argument cannot be sent to the kernel; in TypeScript that is a TypeError or a RangeError.
    """
    refused = isinstance(error, (TypeError, ValueError, OverflowError))
    refused = refused or (type(error) is OSError and error.errno is None)
    return {
        'error': 'argument' if refused else type(error).__name__,
        'errno': getattr(error, 'errno', None),
        'message': str(error),
    }


def main():
    print(json.dumps({'version': sys.version.split()[0]}), flush=True)
    for step in json.load(sys.stdin):
        if 'expected' in step:
            continue  # for bsd-sockets alone
        result = {'line': step['line']}
        try:
            value = eval(step['expression'], scope)
            names = step['names']
            scope.update(zip(names, value) if len(names) > 1 else [(name, value) for name in names])
            result['value'] = plain(value)
        except Exception as error:
            result.update(failure(error))
        print(json.dumps(result), flush=True)
        if 'error' in result and not step['fails']:
            break
    sys.stdout.flush()
    os._exit(0)  # no ResourceWarnings, no waiting for lingering sockets: the kernel closes them


def sendmsg_afalg(sock, buffers, op, iv):
    return sock.sendmsg_afalg(buffers, op=op, iv=iv)


def sendmsg_aead(sock, buffers, op, iv, assoclen):
    return sock.sendmsg_afalg(buffers, op=op, iv=iv, assoclen=assoclen)


scope = {
    **vars(socket),
    'address': lambda *parts: parts,
    'hex': bytes.fromhex,
    'text': str.encode,
    'integer': lambda digits: int(digits, 0),
    'sendmsg_afalg': sendmsg_afalg,
    'sendmsg_aead': sendmsg_aead,
}

if __name__ == '__main__':
    main()
