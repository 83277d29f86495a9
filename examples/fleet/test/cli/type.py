"""Runs a command on a terminal of its own and answers its questions, [[QUESTION, ANSWER], …] in any order. An answer that is null: the command is
ended by SIGTERM in its place. Prints what was seen, how it ended, whether the terminal is as it was, and the questions that did not come."""

import json
import os
import pty
import select
import signal
import sys
import termios
import time

LIMIT = 90


def main() -> None:
    left = json.loads(sys.argv[1])
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["HOME"] = "/nonexistent"
        os.execv(sys.argv[2], sys.argv[2:])
    before = termios.tcgetattr(terminal)
    seen = bytearray()
    answered = 0
    end = time.monotonic() + LIMIT
    after = before
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.2)[0]:
            try:
                seen.extend(os.read(terminal, 65536))
            except OSError:
                break
        after = termios.tcgetattr(terminal)
        for question, answer in list(left):
            if question.encode() not in seen[answered:]:
                continue
            answered = len(seen)
            left.remove([question, answer])
            if answer is None:
                os.kill(pid, signal.SIGTERM)
            else:
                os.write(terminal, answer.encode() + b"\r")
    else:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    print(
        json.dumps(
            {
                "seen": seen.decode(errors="replace"),
                "status": os.waitstatus_to_exitcode(status),
                "restored": before == after,
                "left": left,
            }
        )
    )


main()
